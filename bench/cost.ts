/** What a call costs: CPU time of the whole server process, in rounds in which everybody takes a turn. */
import { drive, mode } from './drive.ts'
import { cpuSeconds, quiet } from './process.ts'
import { checkLoad, type Entrant, type Session, withServers } from './session.ts'
import { median } from './statistics.ts'

export interface CostOptions {
  readonly pairs: number
  readonly calls: number
  readonly warmup: number
  readonly streams: readonly boolean[]
}

export interface Cost {
  readonly name: string
  readonly mode: string
  readonly pair: number
  readonly cpuMicros: number
  readonly perSecond: number
}

/** A stream costs about as much as three calls, so fewer give the same number of clock ticks. */
const callsPerStream = 3

export async function measureCost(session: Session, { pairs, calls, warmup, streams }: CostOptions): Promise<Cost[]> {
  const costs: Cost[] = []
  for (let pair = 0; pair < pairs; pair++) {
    // New processes each time: what V8 makes of a program differs from process to process more than from run to run.
    await withServers(session, session.contenders, {}, async (entrants) => {
      // Whoever goes first in one round goes last in the next.
      const order = pair % 2 === 0 ? entrants : entrants.toReversed()
      for (const stream of streams) {
        const share = stream ? callsPerStream : 1
        const sizes = { calls: Math.ceil(calls / share), warmup: Math.ceil(warmup / share) }
        for (const entrant of order) {
          const cost = { ...(await costOf(session, entrant, { ...sizes, stream })), pair }
          costs.push(cost)
          session.say(`pair ${pair + 1} ${cost.mode.padEnd(6)} ${cost.name.padEnd(12)} ${cost.cpuMicros.toFixed(1)} µs`)
        }
      }
    })
  }
  return costs
}

async function costOf(
  session: Session,
  { name, server }: Entrant,
  sizes: { readonly calls: number; readonly warmup: number; readonly stream: boolean },
) {
  const job = { ...sizes, connections: session.connections }
  const reading = async () => {
    if (!(await quiet(server.pid))) session.faults.push(`${name} did not come to rest; its CPU time is too high.`)
    return cpuSeconds(server.pid)
  }
  const { load, start } = await drive(server, job, reading)
  const cpuMicros = (((await reading()) - start) / job.calls) * 1e6
  checkLoad(session, `${name}, ${mode(job.stream)}`, load)
  return { name, mode: mode(job.stream), cpuMicros, perSecond: load.calls / load.seconds }
}

export const ofOne = (costs: readonly Cost[], name: string, mode: string): Cost[] =>
  costs.filter((cost) => cost.name === name && cost.mode === mode)

/** Pair by pair, since the machine is not the same from one minute to the next; then the middle one. */
export function ratios(costs: readonly Cost[], mode: string, name: string, base: string): number[] {
  const bases = new Map(ofOne(costs, base, mode).map(({ pair, cpuMicros }) => [pair, cpuMicros]))
  return ofOne(costs, name, mode).map(({ pair, cpuMicros }) => cpuMicros / (bases.get(pair) ?? Number.NaN))
}

export const ratio = (...args: Parameters<typeof ratios>): number => median(ratios(...args))
