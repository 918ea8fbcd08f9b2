/** The processes of a run: each is ended by its pid, whatever happens to us. */
import { type ChildProcess, type ChildProcessByStdio, type SpawnOptions, spawn } from 'node:child_process'
import type { AddressInfo, Server } from 'node:net'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const living = new Set<ChildProcess>()

/** Starts a process that is ended with ours at the latest. A signal must therefore end us by `process.exit`. */
export function child(args: readonly string[], options: SpawnOptions): ChildProcess & { readonly pid: number } {
  const started = spawn(process.execPath, args, options)
  if (started.pid === undefined) throw new Error(`Could not start node ${args.join(' ')}.`)
  living.add(started)
  started.once('exit', () => living.delete(started))
  return started as ChildProcess & { readonly pid: number }
}

/** One of the helpers beside this file. It ends by itself when its stdin closes, so even a SIGKILL to us leaves none. */
export function helper(file: string, args: readonly string[]) {
  const started = child([fileURLToPath(new URL(file, import.meta.url)), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const { stdin, stdout } = started as ChildProcess as ChildProcessByStdio<Writable, Readable, null>
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]()
  return {
    pid: started.pid,
    /** The next line that it prints, which is JSON. */
    async line<T>(): Promise<T> {
      const { value, done } = await lines.next()
      if (done) throw new Error(`bench/${file} ended before it answered.`)
      return JSON.parse(value) as T
    },
    say: (line: string) => stdin.write(`${line}\n`),
    stop: () => ended(started),
  }
}

export type Helper = ReturnType<typeof helper>

/** Asks a process to end, and insists after `patienceMs`. */
export async function ended(started: ChildProcess, patienceMs = 10_000): Promise<void> {
  if (started.exitCode !== null || started.signalCode !== null) return
  const exit = new Promise((resolve) => started.once('exit', resolve))
  started.kill('SIGTERM')
  const insist = setTimeout(() => started.kill('SIGKILL'), patienceMs)
  await exit
  clearTimeout(insist)
}

// However we end, nobody waits any more.
process.on('exit', () => {
  for (const started of living) started.kill('SIGKILL')
})

/** The helper's side: tells our parent the port, and ends when the parent is gone. */
export function announce(server: Server): void {
  console.log(JSON.stringify({ port: (server.address() as AddressInfo).port }))
  endWithParent()
}

export function endWithParent(): void {
  process.stdin.on('end', () => process.exit()).resume()
}
