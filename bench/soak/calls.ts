/** A great many calls, some of whose clients leave: does memory grow with them, and is each of them recorded? */
import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { crowdResult } from '../crowd.ts'
import { type Gateway, readiness } from '../gateway.ts'
import { memory, quiet } from '../process.ts'
import { trend } from '../statistics.ts'
import { atMost, type Row, type Verdict } from '../table.ts'
import { statusText, stopAndCount } from './streams.ts'

interface Slice {
  /** Made since the start. */
  readonly calls: number
  readonly left: number
  readonly perSecond: number
  /** When the server had come to rest. */
  readonly restMb: number
}

export interface Calls {
  readonly slices: readonly Slice[]
  readonly calls: number
  readonly left: number
  readonly failures: number
  readonly callSpans: number
  readonly attempts: number
  readonly inLedger: number
  readonly byStatus: Readonly<Record<string, number>>
}

export interface CallsOptions {
  readonly start: () => Promise<Gateway>
  readonly calls: number
  readonly slices: number
  readonly say: (line: string) => void
  readonly faults: string[]
}

export async function measureCalls(options: CallsOptions): Promise<Calls> {
  const { start, slices: count, say, faults } = options
  const server = await start()
  const free = bytesFree(dirname(server.dataDir))
  if (free < options.calls * bytesOfCall)
    throw new Error(
      `${options.calls} calls need about ${gigabytes(options.calls * bytesOfCall)} of disk, and ${gigabytes(free)} are free.`,
    )

  const slices: Slice[] = []
  let [calls, left, failures] = [0, 0, 0]
  for (let slice = 0; slice < count; slice++) {
    const result = await crowdResult({
      url: server.url,
      connections: 64,
      calls: Math.ceil(options.calls / count),
      streams: 0.3,
      paced: { share: 0.05, ms: 5, contents: 20 },
      leaving: 0.05,
    })
    calls += result.calls
    left += result.left
    failures += result.failures
    if (result.firstFailure)
      faults.push(`slice ${slice + 1}: ${result.failures} calls failed, the first with: ${result.firstFailure.reason}`)
    if (!(await quiet(server.pid, 60_000))) faults.push(`The server did not come to rest after slice ${slice + 1}.`)
    const { nowMb } = memory(server.pid)
    slices.push({ calls, left, perSecond: result.calls / result.seconds, restMb: nowMb })
    say(`${calls} calls, ${left} left by their client: ${nowMb.toFixed(0)} MB`)
  }
  const said = await readiness(server.url)
  if (said?.status !== 'ready') faults.push(`Not ready at the end: ${said?.reasons?.join(' ')}`)
  const { complaint, ...stored } = await stopAndCount(server)
  if (complaint !== undefined) faults.push(complaint)
  return { slices, calls, left, failures, ...stored }
}

/** In all files together, and as much again to spare. */
const bytesOfCall = 6_000

function bytesFree(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`

/** In the first calls V8 compiles and its heap finds its size; they say nothing about the rest. */
const warmCalls = 100_000
const fewestReadings = 5

/** Of memory at rest: MB for 100,000 calls. Unknown when there were too few. */
function growth({ slices }: Calls): { readonly slope: number; readonly error: number } | undefined {
  const readings = slices.filter(({ calls }) => calls > warmCalls).map(({ restMb }) => restMb)
  if (readings.length < fewestReadings) return undefined
  const { slope, error } = trend(readings)
  const perSlice = 100_000 / (slices[0]?.calls ?? Number.NaN)
  return { slope: slope * perSlice, error: error * perSlice }
}

/** A slope of no more than two standard errors is not told from none. */
const errors = 2

export function callRows(found: Calls | undefined): Row[] {
  if (!found) return []
  const { slices, calls, left, callSpans, attempts, inLedger, byStatus } = found
  const grown = growth(found)
  return [
    ['calls', `${calls}, of which ${left} were left by their client`],
    ['calls a second', slices.map(({ perSecond }) => perSecond.toFixed(0)).join(' ')],
    ['memory at rest, MB', slices.map(({ restMb }) => restMb.toFixed(0)).join(' ')],
    [
      'growth',
      grown
        ? `${grown.slope.toFixed(2)} MB for 100,000 calls, give or take ${(errors * grown.error).toFixed(2)}`
        : `not told from so few calls after the first ${warmCalls}`,
    ],
    ['records', `${callSpans} calls, ${attempts} attempts, ${inLedger} rows in the ledger; ${statusText(byStatus)}`],
  ]
}

export function callVerdicts(found: Calls | undefined): Verdict[] {
  if (!found) return []
  const grown = growth(found)
  const beyond = grown && Math.max(0, grown.slope - errors * grown.error)
  return [
    atMost('calls that failed', found.failures, 0),
    ...(beyond === undefined ? [] : [atMost('growth beyond its noise', beyond, 0, 'MB for 100,000 calls')]),
    atMost('calls without a record', Math.abs(found.calls - found.callSpans), 0),
    atMost('attempts not in the ledger', Math.abs(found.attempts - found.inLedger), 0),
    atMost('calls recorded as failed', found.byStatus.error ?? 0, 0),
  ]
}
