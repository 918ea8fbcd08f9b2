/** A build of Trunkline with a data folder of its own, that goes with it. */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodeFlags } from '../scripts/node-flags.mjs'
import { child, ended } from './children.ts'
import type { Ended, LoopDelay, Server, StartOptions } from './contender.ts'
import { get } from './request.ts'

const patienceMs = 20_000

export interface Gateway extends Server {
  readonly dataDir: string
  /** Ends it as a crash of the machine would: it gets no chance to store anything. */
  kill(): Promise<void>
}

/** What else a build listens on: two of them run at once here, so each must take ports of its own. */
const otherPorts = ['--ui-port', '--otlp-grpc-port', '--otlp-http-port']

export function flagsOf(main: string): string[] {
  const help = execFileSync(process.execPath, [main, 'serve', '--help'], { encoding: 'utf8', env: environment({}) })
  return otherPorts.filter((flag) => help.includes(flag)).flatMap((flag) => [flag, '0'])
}

export async function gateway(
  main: string,
  flags: readonly string[],
  upstream: string,
  { early = false, probe = false, dataDir, settings }: StartOptions = {},
): Promise<Gateway> {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-bench-'))
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  // Also for an end by Ctrl-C, where nobody comes to `stop`.
  process.once('exit', remove)
  const file = (name: string): string => join(folder, name)
  const paths = { data: dataDir ?? file('data'), log: file('log'), probe: file('loop.json'), config: file('config') }

  const args = [...nodeFlags, main, 'serve', '--port', '0', ...flags, '--data-dir', paths.data]
  args.push('--openai-base-url', `${upstream}/v1`, '--log-format', 'json')
  if (settings) {
    // Every JSON is YAML.
    writeFileSync(paths.config, JSON.stringify(settings))
    args.push('--config', paths.config)
  }
  const log = openSync(paths.log, 'w')
  const started = child(args, {
    stdio: ['ignore', log, log],
    env: environment({ ...anyPorts, ...(probe && probing(paths.probe)) }),
  })
  closeSync(log)

  const until = async <T>(what: string, look: () => Promise<T | undefined>): Promise<T> => {
    const deadline = performance.now() + patienceMs
    for (;;) {
      const found = await look()
      if (found !== undefined) return found
      const gone = started.exitCode ?? started.signalCode
      if (gone === null && performance.now() < deadline) {
        await sleep(1)
        continue
      }
      const tail = readFileSync(paths.log, 'utf8').slice(-2_000)
      throw new Error(
        `${main} ${gone === null ? 'is still without' : `ended (${gone}) before it had`} ${what}.\n${tail}`,
      )
    }
  }

  const url = await until('an address in server.json', async () =>
    addressIn(join(paths.data, 'server.json'), started.pid),
  )
  if (!early) await until('a 200 on /health/ready', () => isReady(url))

  const leave = (): void => {
    remove()
    process.off('exit', remove)
  }
  return {
    url,
    pid: started.pid,
    dataDir: paths.data,
    calls: 0,
    ...(probe && process.platform !== 'win32' && { loopDelay: () => reading(started.pid, paths.probe) }),
    async stop() {
      const crashed = started.exitCode ?? started.signalCode
      await ended(started)
      const counted = countRecords(join(paths.data, 'ledger.db'))
      leave()
      return crashed === null ? counted : { ...counted, complaint: `${main} had ended by itself (${crashed}).` }
    },
    async kill() {
      if (started.exitCode === null && started.signalCode === null) {
        const exit = new Promise((resolve) => started.once('exit', resolve))
        started.kill('SIGKILL')
        await exit
      }
      leave()
    },
  }
}

/** One that was killed has left its address behind. */
function addressIn(file: string, ofPid: number): string | undefined {
  try {
    const { gateway, pid } = JSON.parse(readFileSync(file, 'utf8')) as { gateway?: string; pid?: number }
    return pid === ofPid ? gateway : undefined
  } catch {
    // Not there yet, or half written.
    return undefined
  }
}

async function isReady(url: string): Promise<true | undefined> {
  return (await readiness(url))?.status === 'ready' ? true : undefined
}

export interface Readiness {
  readonly status: string
  readonly reasons?: readonly string[]
}

export async function readiness(url: string): Promise<Readiness | undefined> {
  const answer = await get(`${url}/health/ready`)
  return answer && (JSON.parse(answer.text) as Readiness)
}

function countRecords(file: string): Ended {
  try {
    const db = new DatabaseSync(file, { readOnly: true })
    const row = db.prepare('select count(*) as records from ledger').get() as { records: number }
    db.close()
    return row
  } catch (error) {
    return { complaint: `Could not count the ledger's rows: ${(error as Error).message}` }
  }
}

/** For ports that this bench does not use. A variable, since builds from before them know no flag for them. */
const anyPorts = { TRUNKLINE_UI_PORT: '0' }

/** As long as a vendor's: answers are searched for it. */
const key = 'sk-bench-0123456789abcdef'

/** Only what a program needs to run: a key or an option in the user's shell would make the run somebody else's. */
function environment(extra: Record<string, string>): NodeJS.ProcessEnv {
  const needed = ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'TMP', 'USERPROFILE', 'SystemRoot', 'LOCALAPPDATA', 'APPDATA']
  // By this mark a check of the whole finds what it has left running.
  needed.push('TRUNKLINE_CI_RUN')
  const kept = needed.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))
  return { ...Object.fromEntries(kept), OPENAI_API_KEY: key, ...extra }
}

const probing = (file: string) => ({
  NODE_OPTIONS: `--import ${new URL('loop-probe.mjs', import.meta.url).href}`,
  BENCH_LOOP_FILE: file,
})

async function reading(pid: number, file: string): Promise<LoopDelay> {
  rmSync(file, { force: true })
  process.kill(pid, 'SIGUSR2')
  for (const deadline = performance.now() + 5_000; performance.now() < deadline; await sleep(5)) {
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as LoopDelay
    } catch {
      // Not there yet, or half written.
    }
  }
  throw new Error('The probe in the gateway did not answer to SIGUSR2.')
}
