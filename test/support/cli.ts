import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

type Environment = Readonly<Record<string, string>>

/** Runs the program as a person would, in a process of its own. */
export const trunkline = (args: readonly string[], environment: Environment = {}): Promise<Ended> =>
  endOf(started(args, environment))

/** A server in a process of its own, which the test can send signals. */
export interface Serving extends AsyncDisposable {
  readonly url: string
  readonly ended: Promise<Ended>
  /** What it has said so far. */
  stderr(): string
  signal(name: NodeJS.Signals): void
}

/** Runs the server, and resolves when it listens. */
export async function serving(args: readonly string[], environment: Environment = {}): Promise<Serving> {
  const child = started(['serve', '--port', '0', '--ui-port', '0', '--log-level', 'silent', ...args], environment)
  let said = ''
  const ended = endOf(child)
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      const found = /(http:\/\/\S+)\/v1/.exec(said)?.[1]
      if (found && said.includes('Ctrl-C')) resolve(found)
    })
    void ended.then(({ stderr }) => reject(new Error(`The server did not start: ${stderr}`)))
  })
  return {
    url,
    ended,
    stderr: () => said,
    signal: (name) => child.kill(name),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

const started = (args: readonly string[], environment: Environment): ChildProcessByStdio<null, Readable, Readable> =>
  spawn(process.execPath, [main, ...args], {
    env: { PATH: process.env.PATH, TZ: 'UTC', NO_COLOR: '1', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })

async function endOf(child: ChildProcessByStdio<null, Readable, Readable>): Promise<Ended> {
  const code = new Promise<number | null>((resolve) => child.on('close', resolve))
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await code, stdout, stderr }
}
