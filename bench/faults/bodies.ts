/** Requests of a megabyte each: what they wait, and what they take in memory. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Server } from '../contender.ts'
import { crowd, crowdResult } from '../crowd.ts'
import type { Gateway } from '../gateway.ts'
import { memory, quiet } from '../process.ts'
import { median } from '../statistics.ts'
import { atMost, type Row, type Verdict } from '../table.ts'

const bodyMb = 1
const imageBytes = bodyMb << 20
export const perSecond = 100

interface Round {
  readonly directP50Ms: number
  readonly directP99Ms: number
  readonly p50Ms: number
  readonly p99Ms: number
}

export interface Bodies {
  readonly rounds: readonly Round[]
  /** How many calls were held by the provider at once, and the server's resident memory before, meanwhile, at most. */
  readonly held: { readonly calls: number; readonly idleMb: number; readonly heldMb: number; readonly peakMb: number }
}

export interface BodiesOptions {
  readonly upstream: Server
  readonly start: () => Promise<Gateway>
  readonly rounds: number
  readonly calls: number
  readonly say: (line: string) => void
  readonly faults: string[]
}

export async function measureBodies(options: BodiesOptions): Promise<Bodies> {
  return { rounds: await latencies(options), held: await memoryHeld(options) }
}

async function latencies({ upstream, start, rounds, calls, say, faults }: BodiesOptions): Promise<Round[]> {
  const server = await start()
  const of = async (url: string) => {
    const { wholeMs, failures, firstFailure } = await crowdResult({
      url,
      connections: 32,
      calls,
      rate: perSecond,
      imageBytes,
    })
    if (failures > 0) faults.push(`bodies of ${bodyMb} MB: ${failures} calls failed, first: ${firstFailure?.reason}`)
    return wholeMs
  }
  await crowdResult({ url: server.url, connections: 16, calls: 300, imageBytes })
  await crowdResult({ url: upstream.url, connections: 16, calls: 300, imageBytes })
  const measured: Round[] = []
  for (let round = 0; round < rounds; round++) {
    const inTurn = round % 2 === 0 ? [upstream.url, server.url] : [server.url, upstream.url]
    const found = new Map<string, Awaited<ReturnType<typeof of>>>()
    for (const url of inTurn) found.set(url, await of(url))
    const [direct, through] = [found.get(upstream.url), found.get(server.url)]
    if (!direct || !through) continue
    measured.push({ directP50Ms: direct.p50, directP99Ms: direct.p99, p50Ms: through.p50, p99Ms: through.p99 })
    say(`bodies, round ${round + 1}: p99 ${through.p99.toFixed(1)} ms, direct ${direct.p99.toFixed(1)} ms`)
  }
  const { complaint } = await server.stop()
  if (complaint) faults.push(complaint)
  return measured
}

const heldCalls = 100
const waitMs = 10_000
/** By then every request has arrived and is recorded. */
const settledMs = 7_000

async function memoryHeld({ start, say, faults }: BodiesOptions): Promise<Bodies['held']> {
  const server = await start()
  await crowdResult({ url: server.url, connections: 16, calls: 2_000 })
  await quiet(server.pid)
  const idleMb = memory(server.pid).nowMb
  const held = await crowd({ url: server.url, connections: heldCalls, calls: heldCalls, imageBytes, waitMs })
  await sleep(settledMs)
  const heldMb = memory(server.pid).nowMb
  const { failures, firstFailure, seconds } = await held.result()
  if (failures > 0) faults.push(`held bodies: ${failures} calls failed, the first with: ${firstFailure?.reason}`)
  if (seconds > (waitMs + settledMs) / 1_000) faults.push('held bodies: not all of them were held at the same time.')
  const found = { calls: heldCalls, idleMb, heldMb, peakMb: memory(server.pid).peakMb }
  say(`bodies, ${heldCalls} held: ${heldMb.toFixed(0)} MB, idle ${idleMb.toFixed(0)} MB`)
  const { complaint } = await server.stop()
  if (complaint) faults.push(complaint)
  return found
}

const added = (rounds: readonly Round[], of: (round: Round) => number): number => median(rounds.map(of))

/** In multiples of the bodies that were held. */
const growth = ({ calls, idleMb }: Bodies['held'], toMb: number): number => (toMb - idleMb) / (calls * bodyMb)

export function bodyRows(bodies: Bodies | undefined): Row[] {
  if (!bodies) return []
  const { rounds, held } = bodies
  const row = (label: string, direct: (round: Round) => number, through: (round: Round) => number): Row => [
    label,
    `${added(rounds, through).toFixed(1)} ms`,
    `direct ${added(rounds, direct).toFixed(1)} ms`,
  ]
  const memoryRow = (label: string, mb: number): Row => [
    label,
    `${mb.toFixed(0)} MB`,
    `idle ${held.idleMb.toFixed(0)} MB, + ${growth(held, mb).toFixed(2)} × body`,
  ]
  return [
    row(
      'p50',
      ({ directP50Ms }) => directP50Ms,
      ({ p50Ms }) => p50Ms,
    ),
    row(
      'p99',
      ({ directP99Ms }) => directP99Ms,
      ({ p99Ms }) => p99Ms,
    ),
    memoryRow(`memory with ${held.calls} calls held`, held.heldMb),
    memoryRow('memory at its peak', held.peakMb),
  ]
}

export const bodyVerdicts = (bodies: Bodies | undefined): Verdict[] =>
  bodies
    ? [
        atMost(
          `${bodyMb} MB bodies: added latency p99`,
          added(bodies.rounds, (r) => r.p99Ms - r.directP99Ms),
          20,
          'ms',
        ),
        atMost(`${bodyMb} MB bodies: memory of a call in flight`, growth(bodies.held, bodies.held.heldMb), 3, '× body'),
      ]
    : []
