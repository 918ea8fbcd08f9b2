import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startTrunkline, type Trunkline } from '../../src/app.ts'
import { ask } from '../../src/cli/ask.ts'
import type { SettingKey } from '../../src/config/settings.ts'
import { dataFiles } from '../../src/store/files.ts'
import type { QueryAnswer, QueryDetail, QueryName } from '../../src/store/queries.ts'
import type { SpanView, TraceView } from '../../src/store/show.ts'
import { startControl } from '../../src/threads/control.ts'
import { startReader } from '../../src/threads/reader.ts'
import { inThisThread, type Spawn } from '../../src/threads/supervisor.ts'
import { startWriter } from '../../src/threads/writer.ts'
import { filesBelow, leaksIn, type Secrets, unpackedIn } from './canary.ts'

export interface TestOptions {
  /** Settings as flags or the environment would give them. */
  readonly settings?: Partial<Record<SettingKey, string>>
  readonly environment?: Readonly<Record<string, string>>
  readonly spawn?: Spawn
  readonly dataDir?: string
}

/** All parts in the test's own thread; the border between them is the real one. */
export const oneThread: Spawn = inThisThread({ control: startControl, writer: startWriter, reader: startReader })

export interface TestTrunkline extends AsyncDisposable {
  readonly url: string
  readonly dataDir: string
  readonly trunkline: Trunkline
  /** As a command would ask: over the private door, after what was just recorded is stored. */
  ask<Q extends QueryName>(name: Q, detail: QueryDetail<Q>): Promise<QueryAnswer<Q>>
  /** The one trace with this id, as `traces show` has it. */
  trace(id: string | null | undefined): Promise<TraceView>
  stop(): Promise<void>
}

/** Keys of vendors whom no test calls, as a user's shell may have them. They are kept in memory and nowhere else. */
const ambientKeys: Secrets = {
  PARASAIL_API_KEY: 'sk-canary/parasail+0b7d61f29c',
  TRUNKLINE_SAMBANOVA_API_KEY: 'sk-canary/sambanova+5e18a3d704',
  VLLORA_NVIDIA_API_KEY: 'sk-canary/nvidia+c92f4b7e1a',
}

/** A shorter text may stand in a file by chance. */
const shortestSecret = 12

/** What is a secret of all that this Trunkline was given. */
const secretsOf = (given: Readonly<Record<string, string | undefined>>): Secrets =>
  Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) =>
      /api_key$/i.test(name) && value && value.length >= shortestSecret ? [[name, value]] : [],
    ),
  )

/** A Trunkline on a free port with a data folder of its own, as a user would have it. */
export async function startTest({
  settings = {},
  environment = {},
  spawn = oneThread,
  dataDir,
}: TestOptions = {}): Promise<TestTrunkline> {
  const folder = dataDir ?? (await mkdtemp(join(tmpdir(), 'trunkline-test-')))
  const trunkline = await startTrunkline({
    flags: {
      dataDir: folder,
      settings: { 'server.port': '0', 'server.ui_port': '0', 'log.level': 'silent', ...settings },
      terminal: false,
    },
    environment: { ...ambientKeys, ...environment },
    spawn,
  })
  const secrets = { ...ambientKeys, ...secretsOf(environment), ...secretsOf(settings) }
  const end = async (): Promise<void> => {
    await trunkline.stop(1_000)
    // The configuration is its owner's, who may have written a key into it.
    const unpacked = dataDir ? [] : unpackedIn(dataFiles(folder).traces)
    const leaks = leaksIn([...filesBelow(folder, (path) => path === 'trunkline.yaml'), ...unpacked], secrets)
    if (!dataDir) await rm(folder, { recursive: true, force: true })
    if (leaks.length > 0) throw new Error(`A key was written to the data folder: ${leaks.join('; ')}.`)
  }
  const question = <Q extends QueryName>(name: Q, detail: QueryDetail<Q>): Promise<QueryAnswer<Q>> =>
    ask(folder, name, detail)
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => (stopped ??= end())
  return {
    url: trunkline.url,
    dataDir: folder,
    trunkline,
    ask: question,
    async trace(id) {
      const shown = await question('showTrace', { project: 'default', prefix: String(id) })
      if (shown.found !== 'one')
        throw new Error(`The trace ${id} is stored ${shown.found === 'none' ? 'nowhere' : 'more than once'}.`)
      return shown.view
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

type CallSpan = Extract<SpanView, { kind: 'call' }>
type AttemptSpan = Extract<SpanView, { kind: 'attempt' }>

/** The span of a trace's only call. */
export function callIn({ spans }: TraceView): CallSpan {
  const [call] = spans.filter((span): span is CallSpan => span.kind === 'call')
  if (!call) throw new Error('The trace has no call.')
  return call
}

export const attemptsIn = ({ spans }: TraceView): AttemptSpan[] =>
  spans.filter((span): span is AttemptSpan => span.kind === 'attempt')
