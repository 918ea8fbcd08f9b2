import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startTrunkline, type Trunkline } from '../../src/app.ts'
import { ask } from '../../src/cli/ask.ts'
import type { SettingKey } from '../../src/config/settings.ts'
import type { QueryAnswer, QueryDetail, QueryName } from '../../src/store/queries.ts'
import type { SpanView, TraceView } from '../../src/store/show.ts'
import { startControl } from '../../src/threads/control.ts'
import { startReader } from '../../src/threads/reader.ts'
import { inThisThread, type Spawn } from '../../src/threads/supervisor.ts'
import { startWriter } from '../../src/threads/writer.ts'

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
    environment,
    spawn,
  })
  const question = <Q extends QueryName>(name: Q, detail: QueryDetail<Q>): Promise<QueryAnswer<Q>> =>
    ask(folder, name, detail)
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> =>
    (stopped ??= trunkline.stop(1_000).then(() => (dataDir ? undefined : rm(folder, { recursive: true, force: true }))))
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
