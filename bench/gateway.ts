/** A build of Trunkline with a data folder of its own, that goes with it. */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodeFlags } from '../scripts/node-flags.mjs'
import { child, ended } from './children.ts'
import type { Ended, LoopDelay, Server, StartOptions } from './contender.ts'
import { get } from './request.ts'

const patienceMs = 20_000

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
  { early = false, probe = false }: StartOptions = {},
): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-bench-'))
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  // Also for an end by Ctrl-C, where nobody comes to `stop`.
  process.once('exit', remove)
  const paths = { data: join(folder, 'data'), log: join(folder, 'log'), probe: join(folder, 'loop.json') }

  const args = [...nodeFlags, main, 'serve', '--port', '0', ...flags, '--data-dir', paths.data]
  args.push('--openai-base-url', `${upstream}/v1`, '--log-format', 'json')
  const log = openSync(paths.log, 'w')
  const started = child(args, { stdio: ['ignore', log, log], env: environment(probe ? probing(paths.probe) : {}) })
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

  const url = await until('an address in server.json', async () => addressIn(join(paths.data, 'server.json')))
  if (!early) await until('a 200 on /health/ready', () => readiness(url))

  return {
    url,
    pid: started.pid,
    calls: 0,
    ...(probe && process.platform !== 'win32' && { loopDelay: () => reading(started.pid, paths.probe) }),
    async stop() {
      const crashed = started.exitCode ?? started.signalCode
      await ended(started)
      const counted = countRecords(join(paths.data, 'ledger.db'))
      remove()
      process.off('exit', remove)
      return crashed === null ? counted : { ...counted, complaint: `${main} had ended by itself (${crashed}).` }
    },
  }
}

function addressIn(file: string): string | undefined {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { gateway?: string }).gateway
  } catch {
    // Not there yet, or half written.
    return undefined
  }
}

async function readiness(url: string): Promise<true | undefined> {
  const answer = await get(`${url}/health/ready`)
  return answer?.status === 200 && /"status":\s*"ready"/.test(answer.text) ? true : undefined
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

/** Only what a program needs to run: a key or an option in the user's shell would make the run somebody else's. */
function environment(extra: Record<string, string>): NodeJS.ProcessEnv {
  const needed = ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'TMP', 'USERPROFILE', 'SystemRoot', 'LOCALAPPDATA', 'APPDATA']
  const kept = needed.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))
  return { ...Object.fromEntries(kept), OPENAI_API_KEY: 'bench', ...extra }
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
