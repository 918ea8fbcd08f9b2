/** As many streams at once as a busy team of agents has, slow as a provider's. */
import { setTimeout as sleep } from 'node:timers/promises'
import { crowd, crowdResult } from '../crowd.ts'
import type { Gateway } from '../gateway.ts'
import { memory, quiet } from '../process.ts'
import { countOf, statuses, withFiles } from '../records.ts'
import { atMost, type Row, type Verdict } from '../table.ts'

export interface Streams {
  readonly streams: number
  /** The most that were seen open at once. */
  readonly open: number
  readonly heldSeconds: number
  readonly failures: number
  readonly idleMb: number
  /** When all of them had just been opened, and the most while they were. */
  readonly openedMb: number
  readonly heldMb: number
  readonly calls: number
  readonly inLedger: number
  readonly byStatus: Readonly<Record<string, number>>
}

export interface StreamsOptions {
  readonly start: () => Promise<Gateway>
  readonly streams: number
  readonly seconds: number
  readonly say: (line: string) => void
  readonly faults: string[]
}

/** Between two events of a stream. */
const paceMs = 1_000
/** How many streams begin in a second. */
const perSecond = 400
const warmupCalls = 2_000

export async function measureStreams({ start, streams, seconds, say, faults }: StreamsOptions): Promise<Streams> {
  const server = await start()
  await crowdResult({ url: server.url, connections: 16, calls: warmupCalls, streams: 0.5 })
  await quiet(server.pid)
  const idleMb = memory(server.pid).nowMb

  const rampSeconds = streams / perSecond
  const contents = Math.ceil(rampSeconds + seconds)
  const paced = { share: 1, ms: paceMs, contents }
  const load = await crowd({ url: server.url, connections: streams, calls: streams, rate: perSecond, paced })
  let [open, openedMb, heldMb] = [0, 0, 0]
  for (const endMs = performance.now() + contents * 1_000; performance.now() < endMs; await sleep(1_000)) {
    const answering = await load.answering()
    const { nowMb } = memory(server.pid)
    say(`${answering} streams open, ${nowMb.toFixed(0)} MB`)
    if (answering > open) [open, openedMb, heldMb] = [answering, nowMb, 0]
    if (answering === open) heldMb = Math.max(heldMb, nowMb)
  }
  const { failures, firstFailure } = await load.result()
  if (firstFailure) faults.push(`${failures} streams failed, the first with: ${firstFailure.reason}`)

  const { inLedger, byStatus, complaint } = await stopAndCount(server)
  if (complaint !== undefined) faults.push(complaint)
  return {
    streams,
    open,
    heldSeconds: seconds,
    failures,
    idleMb,
    openedMb,
    heldMb,
    calls: warmupCalls + streams,
    inLedger,
    byStatus,
  }
}

/** Ends a server whose data folder stays, and counts what it had stored by then. */
export async function stopAndCount(server: Gateway) {
  const { complaint } = await server.stop()
  const counted = withFiles(server.dataDir, (open) => ({
    inLedger: countOf(open('ledger.db'), 'select count(*) as n from ledger'),
    attempts: countOf(open('traces.db'), `select count(*) as n from spans where kind = 'attempt'`),
    callSpans: countOf(open('traces.db'), `select count(*) as n from spans where kind = 'call'`),
    byStatus: statuses(open('traces.db')),
  }))
  return { ...counted, complaint }
}

const kbOfStream = ({ streams, idleMb, heldMb }: Streams): number => ((heldMb - idleMb) * 1_024) / streams

export const streamRows = (found: Streams | undefined): Row[] =>
  found
    ? [
        ['streams open at once', `${found.open}, for ${found.heldSeconds} s`],
        ['failed', String(found.failures)],
        [
          'memory',
          `idle ${found.idleMb.toFixed(0)} MB, opened ${found.openedMb.toFixed(0)} MB, held ${found.heldMb.toFixed(0)} MB`,
          `${kbOfStream(found).toFixed(1)} kB a stream`,
        ],
        ['records', `${found.inLedger} rows in the ledger of ${found.calls} calls`, statusText(found.byStatus)],
      ]
    : []

export const statusText = (byStatus: Readonly<Record<string, number>>): string =>
  Object.entries(byStatus)
    .map(([status, count]) => `${count} ${status}`)
    .join(', ')

export const streamVerdicts = (found: Streams | undefined): Verdict[] =>
  found
    ? [
        atMost('streams that failed', found.failures, 0),
        atMost('streams that were not open with all others', found.streams - found.open, 0),
        atMost('memory of a stream', kbOfStream(found), 80, 'kB'),
        atMost('streams without an ok record', found.calls - (found.byStatus.ok ?? 0), 0),
        atMost('calls not in the ledger', found.calls - found.inLedger, 0),
      ]
    : []
