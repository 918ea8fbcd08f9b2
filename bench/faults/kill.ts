/** What is left after a `kill -9` in the middle of everything. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { CrowdResult, Told } from '../clients.ts'
import { crowd } from '../crowd.ts'
import type { Gateway } from '../gateway.ts'
import { damages, halfWritten, statuses, traceIds, withCopies, withFiles } from '../records.ts'
import { atMost, type Row, type Verdict } from '../table.ts'

export interface Kill {
  /** Calls whose answer had ended before. */
  readonly answered: number
  /** How long before the kill each answer had ended of which there is no trace, or no row in the ledger. */
  readonly lostTracesMs: readonly number[]
  readonly lostLedgerMs: readonly number[]
  /** How long those had run that the kill ended: those that are `interrupted` afterwards, and those that are not. */
  readonly interruptedMs: readonly number[]
  readonly forgottenMs: readonly number[]
  readonly interruptedWithoutLedger: number
  /** Traces that say they still run, after the next start. */
  readonly stillRunning: number
  readonly damages: readonly string[]
  readonly halves: readonly string[]
  /** Why a call failed before the kill. */
  readonly failure?: string
  /** Until the next start was ready. */
  readonly restartMs: number
}

/** Rows wait this long at most: in the slab, and for the next flush. */
const recordedWithinMs = 50 + 100
/** A call that has run for so long is recorded before it ends. */
const longMs = 1_000

/** Calls a second, and which share of them takes some seconds. Nobody queues, so that what is late is late by its clock. */
const usual = { rate: 400, slow: 0.03 }

/** Kills a server that has been under load for a while, looks at what it left, and starts the next one on it. */
export async function kill(
  server: Gateway,
  aliveMs: number,
  restart: () => Promise<Gateway>,
  { rate, slow } = usual,
): Promise<{ readonly found: Kill; readonly next: Gateway }> {
  const { url, dataDir } = server
  const paced = { share: slow, ms: 50, contents: 60 }
  const load = await crowd({ url, connections: 64, rate, streams: 0.3, paced, tell: true })
  await sleep(aliveMs)
  const killedMs = Date.now()
  await server.kill()
  load.stop()
  const result = await load.result()

  const left = withCopies(dataDir, (open) => ({
    damages: damages(open),
    halves: halfWritten(open('traces.db')),
    traces: traceIds(open('traces.db'), 'traces'),
    ledger: traceIds(open('ledger.db'), 'ledger'),
  }))
  const startedMs = performance.now()
  const next = await restart()
  const restartMs = performance.now() - startedMs
  const after = withFiles(dataDir, (open) => ({
    running: statuses(open('traces.db')).running ?? 0,
    interrupted: traceIds(open('traces.db'), 'traces', 'interrupted'),
    ledger: traceIds(open('ledger.db'), 'ledger'),
  }))

  const answered = result.told.filter(({ outcome }) => outcome === 'ended')
  const lostFrom = (ids: ReadonlySet<string>): number[] =>
    answered.filter(({ traceId }) => !ids.has(traceId)).map(({ endedMs }) => killedMs - endedMs)
  const running = result.told.filter((call) => call.outcome === 'failed' && call.endedMs >= killedMs)
  const isInterrupted = ({ traceId }: Told): boolean => after.interrupted.has(traceId)
  const agesOf = (calls: readonly Told[]): number[] => calls.map(({ begunMs }) => killedMs - begunMs)
  const found: Kill = {
    answered: answered.length,
    lostTracesMs: lostFrom(left.traces),
    lostLedgerMs: lostFrom(left.ledger),
    interruptedMs: agesOf(running.filter(isInterrupted)),
    forgottenMs: agesOf(running.filter((call) => !isInterrupted(call))),
    interruptedWithoutLedger: [...after.interrupted].filter((id) => !after.ledger.has(id)).length,
    stillRunning: after.running,
    damages: left.damages,
    halves: left.halves,
    ...failureBefore(killedMs, result),
    restartMs,
  }
  return { found, next }
}

const failureBefore = (killedMs: number, { firstFailure }: CrowdResult): { readonly failure?: string } =>
  firstFailure && firstFailure.atMs < killedMs ? { failure: firstFailure.reason } : {}

export interface KillOptions {
  readonly times: number
  readonly say: (line: string) => void
}

export async function measureKills(
  start: () => Promise<Gateway>,
  { times, say }: KillOptions,
): Promise<{ readonly kills: readonly Kill[]; readonly faults: readonly string[] }> {
  const kills: Kill[] = []
  let server = await start()
  for (let time = 0; time < times; time++) {
    const { found, next } = await kill(server, 1_300 + Math.random() * 2_500, start)
    server = next
    kills.push(found)
    say(
      `kill ${time + 1}: ${found.answered} answered, ${found.lostTracesMs.length} lost, ${found.interruptedMs.length} interrupted`,
    )
  }
  const { complaint } = await server.stop()
  const failures = kills.flatMap(({ failure }, time) =>
    failure === undefined ? [] : [`kill ${time + 1}: a call failed before it: ${failure}`],
  )
  return { kills, faults: complaint === undefined ? failures : [...failures, complaint] }
}

export function killRows(kills: readonly Kill[]): Row[] {
  if (kills.length === 0) return []
  const all = <T>(of: (kill: Kill) => readonly T[]): T[] => kills.flatMap(of)
  const long = (ages: readonly number[]): number => ages.filter((ms) => ms > longMs).length
  const [marked, forgotten] = [all((one) => one.interruptedMs), all((one) => one.forgottenMs)]
  const problems = [...all(({ damages }) => damages), ...all(({ halves }) => halves)]
  return [
    ['kills', String(kills.length)],
    ['calls answered before them', String(sum(kills.map(({ answered }) => answered)))],
    ['of these without a trace', lostText(all((one) => one.lostTracesMs))],
    ['of these not in the ledger', lostText(all((one) => one.lostLedgerMs))],
    ['calls that ran for longer than 1 s', `${long(marked) + long(forgotten)}, ${long(marked)} interrupted`],
    ['next start ready', `${(sum(kills.map(({ restartMs }) => restartMs)) / kills.length).toFixed(0)} ms on average`],
    ...problems.map((problem) => ['found', problem]),
  ]
}

const lostText = (lostMs: readonly number[]): string =>
  lostMs.length === 0 ? '0' : `${lostMs.length}, the first of them ${Math.max(...lostMs).toFixed(0)} ms before a kill`

export function killVerdicts(kills: readonly Kill[]): Verdict[] {
  if (kills.length === 0) return []
  const most = (of: (kill: Kill) => readonly number[]): number => Math.max(0, ...kills.flatMap(of))
  const total = (of: (kill: Kill) => number): number => sum(kills.map(of))
  return [
    atMost(
      'damaged files after a kill',
      total(({ damages }) => damages.length),
      0,
    ),
    atMost(
      'half-written traces',
      total(({ halves }) => halves.length),
      0,
    ),
    atMost(
      'earliest answer without a trace',
      most((one) => one.lostTracesMs),
      recordedWithinMs,
      'ms',
    ),
    atMost(
      'earliest answer not in the ledger',
      most((one) => one.lostLedgerMs),
      recordedWithinMs,
      'ms',
    ),
    atMost(
      'longest call not marked interrupted',
      most((one) => one.forgottenMs),
      longMs + recordedWithinMs,
      'ms',
    ),
    atMost(
      'calls still running after a start',
      total(({ stillRunning }) => stillRunning),
      0,
    ),
    atMost(
      'interrupted calls not in the ledger',
      total((one) => one.interruptedWithoutLedger),
      0,
    ),
  ]
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
