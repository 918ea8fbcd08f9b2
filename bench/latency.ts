/** What a call has to wait for: latency at a rate at which nobody queues, less that of the upstream itself. */
import { drive, mode } from './drive.ts'
import { checkLoad, type Session, withServers } from './session.ts'
import { median } from './statistics.ts'

export interface LatencyOptions {
  readonly rounds: number
  readonly calls: number
  readonly warmup: number
}

export interface Wait {
  readonly p50Ms: number
  readonly p99Ms: number
}

export interface Latency {
  readonly name: string
  readonly mode: string
  readonly round: number
  readonly whole: Wait
  /** Until the first content of a stream. */
  readonly firstToken?: Wait
}

export const perSecond = 100
const direct = 'direct'

export async function measureLatency(session: Session, { rounds, calls, warmup }: LatencyOptions): Promise<Latency[]> {
  const latencies: Latency[] = []
  await withServers(session, session.contenders, {}, async (entrants) => {
    const all = [{ name: direct, server: session.upstream }, ...entrants]
    for (let round = 0; round < rounds; round++) {
      for (const stream of [false, true]) {
        for (const { name, server } of round % 2 === 0 ? all : all.toReversed()) {
          const job = { calls, warmup, connections: session.connections, stream, rate: perSecond }
          const { load } = await drive(server, job, async () => {})
          checkLoad(session, `${name}, ${mode(stream)} at ${perSecond}/s`, load)
          const { latencyMs, firstTokenMs } = load
          const firstToken = firstTokenMs && { firstToken: wait(firstTokenMs) }
          latencies.push({ name, mode: mode(stream), round, whole: wait(latencyMs), ...firstToken })
          session.say(`round ${round + 1} ${mode(stream).padEnd(6)} ${name.padEnd(12)} ${latencyMs.p50.toFixed(2)} ms`)
        }
      }
    }
  })
  return latencies
}

const wait = ({ p50, p99 }: { readonly p50: number; readonly p99: number }): Wait => ({ p50Ms: p50, p99Ms: p99 })

/** The middle of the rounds' differences to the upstream without anybody between. */
export function added(
  latencies: readonly Latency[],
  name: string,
  mode: string,
  part: 'whole' | 'firstToken',
  quantile: keyof Wait,
): number {
  const of = (who: string) => latencies.filter((latency) => latency.name === who && latency.mode === mode)
  const base = new Map(of(direct).map((latency) => [latency.round, latency[part]?.[quantile]]))
  return median(
    of(name).map((latency) => (latency[part]?.[quantile] ?? Number.NaN) - (base.get(latency.round) ?? Number.NaN)),
  )
}
