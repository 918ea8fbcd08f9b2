/** Whatever can stand between the load and the upstream. */
import { fileURLToPath } from 'node:url'
import { type Helper, helper } from './children.ts'
import { flagsOf, gateway } from './gateway.ts'

export interface Server {
  readonly url: string
  readonly pid: number
  /** Every call that it has answered, so that its records can be counted against them. */
  calls: number
  /** Its event loop's delay since the last reading. */
  readonly loopDelay?: () => Promise<LoopDelay>
  /** Ends it; a server that keeps records says how many it had. */
  readonly stop: () => Promise<Ended>
}

export interface LoopDelay {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

export interface Ended {
  readonly records?: number
  /** Why there is no number, or what else went wrong while it ended. */
  readonly complaint?: string
}

export interface StartOptions {
  /** Resolve as soon as the address is known, not when it is ready. */
  readonly early?: boolean
  /** Let the event loop's delay be measured inside, which costs a little. */
  readonly probe?: boolean
  /** Where it keeps its data. Without it, in a folder of its own that goes with it. */
  readonly dataDir?: string
  /** What stands in its configuration file. */
  readonly settings?: object
}

export interface Contender {
  readonly name: string
  readonly start: (upstream: string, options?: StartOptions) => Promise<Server>
}

export async function startUpstream(pace = 0): Promise<Server> {
  return helperServer(helper('upstream.ts', ['--pace', String(pace)]))
}

export const floor = (name: string): Contender => ({
  name,
  start: (upstream) => helperServer(helper('floor.ts', ['--upstream', upstream])),
})

export function trunkline(name: string, main: string) {
  const flags = flagsOf(main)
  return {
    name,
    start: (upstream: string, options?: StartOptions) => gateway(main, flags, upstream, options),
  } satisfies Contender
}

export const ownMain = fileURLToPath(new URL('../dist/main.js', import.meta.url))

async function helperServer(started: Helper): Promise<Server> {
  const { port } = await started.line<{ port: number }>()
  const stop = async () => {
    await started.stop()
    return {}
  }
  return { url: `http://127.0.0.1:${port}`, pid: started.pid, calls: 0, stop }
}
