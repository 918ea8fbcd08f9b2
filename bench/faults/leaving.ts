/** How long a provider works on for a client that has left. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Gateway } from '../gateway.ts'
import { quantile } from '../statistics.ts'
import { atMost, type Row, type Verdict } from '../table.ts'
import { type Hanging, openCall, startHanging } from './hanging.ts'

export interface Leaving {
  readonly moment: string
  /** From the client's leave until the provider saw its connection closed. */
  readonly closedMs: readonly number[]
}

export interface LeavingOptions {
  readonly start: (upstream: string) => Promise<Gateway>
  readonly calls: number
  readonly say: (line: string) => void
  readonly faults: string[]
}

const atOnce = 8
const patienceMs = 2_000

export async function measureLeaving({ start, calls, say, faults }: LeavingOptions): Promise<Leaving[]> {
  const upstream = await startHanging()
  const server = await start(upstream.url)
  const measured: Leaving[] = []
  for (const [moment, leaves] of [
    ['before the first byte', beforeFirstByte],
    ['after the first byte', afterFirstByte],
  ] as const) {
    const closedMs: number[] = []
    for (let made = 0; made < calls; made += atOnce) {
      closedMs.push(...(await Promise.all(Array.from({ length: atOnce }, () => leaves(server.url, upstream)))))
    }
    measured.push({ moment, closedMs })
    say(`left ${moment}: closed after ${quantile(closedMs, 0.99).toFixed(1)} ms (p99)`)
  }
  const { complaint } = await server.stop()
  if (complaint) faults.push(complaint)
  upstream.stop()
  return measured
}

async function beforeFirstByte(url: string, upstream: Hanging): Promise<number> {
  const call = openCall(url, 'silent', Math.random() < 0.5)
  await upstream.seen(call.mark)
  await sleep(Math.random() * 20)
  return leave(call, upstream)
}

async function afterFirstByte(url: string, upstream: Hanging): Promise<number> {
  const call = openCall(url, Math.random() < 0.5 ? 'idle' : 'endless', true)
  await call.firstByte
  await sleep(Math.random() * 20)
  return leave(call, upstream)
}

async function leave(call: ReturnType<typeof openCall>, upstream: Hanging): Promise<number> {
  const { closed } = await upstream.seen(call.mark)
  const leftMs = performance.now()
  call.leave()
  const closedMs = await Promise.race([closed, sleep(patienceMs).then(() => Number.POSITIVE_INFINITY)])
  return closedMs - leftMs
}

export const leavingRows = (all: readonly Leaving[]): Row[] =>
  all.map(({ moment, closedMs }) => [
    moment,
    `${closedMs.length} clients`,
    `p50 ${quantile(closedMs, 0.5).toFixed(2)} ms`,
    `p99 ${quantile(closedMs, 0.99).toFixed(2)} ms`,
    `worst ${Math.max(...closedMs).toFixed(2)} ms`,
  ])

export const leavingVerdicts = (all: readonly Leaving[]): Verdict[] =>
  all.map(({ moment, closedMs }) => atMost(`left ${moment}: provider closed p99`, quantile(closedMs, 0.99), 100, 'ms'))
