/** What calls feel of a trouble behind the gateway, in turns with and without it; and what becomes of their records. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { CrowdResult } from '../clients.ts'
import type { LoopDelay } from '../contender.ts'
import { crowd, crowdResult } from '../crowd.ts'
import { type Gateway, type Readiness, readiness } from '../gateway.ts'
import { countOf, withFiles } from '../records.ts'
import { chat, question } from '../request.ts'
import { median } from '../statistics.ts'
import { atMost, type Row, type Verdict } from '../table.ts'
import type { Place, Trouble } from './trouble.ts'

export const perSecond = 200

interface Phase {
  readonly pair: number
  readonly inTrouble: boolean
  readonly loopDelay: LoopDelay
  readonly p50Ms: number
  readonly p99Ms: number
  readonly failures: number
}

export interface Behind {
  readonly trouble: string
  /** Why it could not be made here; then nothing else was measured. */
  readonly skipped?: string
  readonly phases: readonly Phase[]
  /** From the end of each trouble until a new call was stored and found. */
  readonly storedAgainMs: readonly number[]
  /** From the end of the last one until `/health/ready` said so without a reason. */
  readonly readyAgainMs: number
  readonly calls: number
  /** What is in the files of these calls at the end. */
  readonly inLedger: number
  readonly inTraces: number
  /** Everything that `/health/ready` gave as a reason. */
  readonly said: readonly string[]
  readonly remark?: string
}

export interface BehindOptions {
  readonly pairs: number
  readonly seconds: number
  readonly start: (options: { dataDir: string; settings?: object; probe?: boolean }) => Promise<Gateway>
  readonly say: (line: string) => void
  readonly faults: string[]
}

export async function measureBehind(trouble: Trouble, options: BehindOptions): Promise<Behind> {
  const { start, say } = options
  let place: Place
  try {
    place = await trouble.prepare((dataDir) => start({ dataDir }))
  } catch (error) {
    const skipped = (error as Error).message.trim().replaceAll('\n', ' ')
    say(`${trouble.name}: skipped, ${skipped}`)
    return { trouble: trouble.name, skipped, ...nothing }
  }
  // Also for an end by Ctrl-C: a file system stays mounted otherwise.
  process.once('exit', place.remove)
  try {
    return await measureAt(place, trouble, options)
  } finally {
    process.off('exit', place.remove)
    place.remove()
  }
}

const nothing = {
  phases: [],
  storedAgainMs: [],
  readyAgainMs: 0,
  calls: 0,
  inLedger: 0,
  inTraces: 0,
  said: [],
} satisfies Partial<Behind>

/** A loss is news for a minute. */
const readyPatienceMs = 90_000

async function measureAt(place: Place, trouble: Trouble, options: BehindOptions): Promise<Behind> {
  const { pairs, seconds, start, say, faults } = options
  const { dataDir } = place
  const before = countRows(dataDir)
  const server = await start({ dataDir, probe: true, ...(trouble.settings && { settings: trouble.settings }) })
  const warmup = { url: server.url, connections: 16, calls: 2_000, streams: 0.3 }
  let calls = warmup.calls
  noteFailures(faults, 'the warm-up', await crowdResult(warmup))

  const phases: Phase[] = []
  const storedAgainMs: number[] = []
  const said: Said = new Map()
  let remark: string | undefined
  for (let pair = 0; pair < pairs; pair++) {
    for (const inTrouble of pair % 2 === 0 ? [false, true] : [true, false]) {
      if (inTrouble) place.begin()
      // The first reading only forgets what was before.
      await server.loopDelay?.()
      const load = await crowd({ ...warmup, calls: perSecond * seconds, rate: perSecond })
      const listening = listen(server.url, said)
      const result = await load.result()
      await listening.stop()
      const loopDelay = (await server.loopDelay?.()) ?? { p50Ms: Number.NaN, p99Ms: Number.NaN, maxMs: Number.NaN }
      calls += result.calls
      const { p50, p99 } = result.wholeMs
      phases.push({ pair, inTrouble, loopDelay, p50Ms: p50, p99Ms: p99, failures: result.failures })
      noteFailures(faults, trouble.name, result)
      const when = inTrouble ? 'in trouble' : 'calm'
      say(`${trouble.name}, ${when}: loop ${loopDelay.p99Ms.toFixed(1)} ms, call p99 ${p99.toFixed(1)} ms`)
      if (!inTrouble) continue
      remark = await place.end()
      const again = await storedAgain(server)
      calls += again.calls
      storedAgainMs.push(again.ms)
      say(`${trouble.name}: stored again after ${again.ms.toFixed(0)} ms`)
    }
  }
  const readyAgainMs = await readyAgain(server.url, said)
  const { complaint } = await server.stop()
  if (complaint) faults.push(`${trouble.name}: ${complaint}`)
  const after = countRows(dataDir)
  return {
    trouble: trouble.name,
    phases,
    storedAgainMs,
    readyAgainMs,
    calls,
    inLedger: after.ledger - before.ledger,
    inTraces: after.calls - before.calls,
    said: [...said.values()],
    ...(remark !== undefined && { remark }),
  }
}

function noteFailures(faults: string[], what: string, { failures, firstFailure }: CrowdResult): void {
  if (failures > 0) faults.push(`${what}: ${failures} calls failed, the first with: ${firstFailure?.reason}`)
}

/** What was said last of each kind, by the sentence without its numbers. */
type Said = Map<string, string>

function hear(said: Said, { reasons = [] }: Partial<Readiness> = {}): void {
  for (const reason of reasons) said.set(reason.replaceAll(/\d+/g, '#'), reason)
}

/** Asks again and again how ready the server is. */
function listen(url: string, said: Said): { stop(): Promise<void> } {
  let listening = true
  const work = (async () => {
    while (listening) {
      hear(said, await readiness(url))
      await sleep(250)
    }
  })()
  return {
    stop() {
      listening = false
      return work
    },
  }
}

/** Makes calls until one of them is found. */
async function storedAgain({ url, dataDir }: Gateway): Promise<{ readonly ms: number; readonly calls: number }> {
  const sinceMs = performance.now()
  for (let calls = 1; performance.now() - sinceMs < readyPatienceMs; calls++) {
    const { traceId } = (await chat(url)) ?? {}
    const found = await question(dataDir, 'showTrace', { project: 'default', prefix: traceId }).catch(() => undefined)
    if ((found as { found?: string } | undefined)?.found === 'one') return { ms: performance.now() - sinceMs, calls }
    await sleep(20)
  }
  throw new Error('Nothing was stored again after the trouble.')
}

async function readyAgain(url: string, said: Said): Promise<number> {
  const sinceMs = performance.now()
  while (performance.now() - sinceMs < readyPatienceMs) {
    const answer = await readiness(url)
    if (answer?.status === 'ready') return performance.now() - sinceMs
    hear(said, answer)
    await sleep(100)
  }
  return Number.POSITIVE_INFINITY
}

/** Nothing yet in a new folder. */
function countRows(dataDir: string): { readonly ledger: number; readonly calls: number } {
  try {
    return withFiles(dataDir, (open) => ({
      ledger: countOf(open('ledger.db'), 'select count(*) as n from ledger'),
      calls: countOf(open('traces.db'), `select count(*) as n from spans where kind = 'call'`),
    }))
  } catch {
    return { ledger: 0, calls: 0 }
  }
}

const those = ({ phases }: Behind, inTrouble: boolean): Phase[] =>
  phases.filter((phase) => phase.inTrouble === inTrouble)

const middle = (phases: readonly Phase[], of: (phase: Phase) => number): number => median(phases.map(of))

/** Pair by pair, as the machine is not the same from one minute to the next. */
function addedMs(behind: Behind): number {
  const calm = new Map(those(behind, false).map(({ pair, p99Ms }) => [pair, p99Ms]))
  return median(those(behind, true).map(({ pair, p99Ms }) => p99Ms - (calm.get(pair) ?? Number.NaN)))
}

export function behindRows(all: readonly Behind[]): Row[] {
  return all.flatMap((behind) => {
    if (behind.skipped !== undefined) return [[behind.trouble, `skipped: ${behind.skipped}`]]
    const { trouble, calls, inLedger, inTraces, storedAgainMs, readyAgainMs, said, remark } = behind
    const [calm, bad] = [those(behind, false), those(behind, true)]
    const both = (of: (phase: Phase) => number): string =>
      `${middle(bad, of).toFixed(2)} ms (calm ${middle(calm, of).toFixed(2)})`
    return [
      [trouble, 'delay of the event loop, p99', both(({ loopDelay }) => loopDelay.p99Ms)],
      ['', 'a whole call, p50', both(({ p50Ms }) => p50Ms)],
      ['', 'a whole call, p99', both(({ p99Ms }) => p99Ms)],
      ['', 'records', `${inLedger} rows in the ledger and ${inTraces} traces of ${calls} calls`],
      [
        '',
        'stored again after',
        `${Math.max(...storedAgainMs).toFixed(0)} ms, ready ${(readyAgainMs / 1e3).toFixed(1)} s later`,
      ],
      ...said.map((reason) => ['', 'said', reason]),
      ...(remark === undefined ? [] : [['', 'remark', remark]]),
    ]
  })
}

export const behindVerdicts = (all: readonly Behind[]): Verdict[] =>
  all
    .filter(({ skipped }) => skipped === undefined)
    .flatMap((behind) => {
      const { trouble, phases, calls, inLedger, inTraces, said, readyAgainMs } = behind
      const failures = phases.reduce((sum, phase) => sum + phase.failures, 0)
      const isLossSaid = said.some((reason) => /lost|missing|not .*recorded/i.test(reason))
      return [
        atMost(`${trouble}: failed calls`, failures, 0),
        atMost(`${trouble}: delay of the event loop p99`, middle(those(behind, true), delayOf), 3, 'ms'),
        atMost(`${trouble}: added latency p99`, addedMs(behind), 3, 'ms'),
        atMost(`${trouble}: calls not in the ledger`, calls - inLedger, 0),
        atMost(`${trouble}: traces lost and not said so`, isLossSaid ? 0 : calls - inTraces, 0),
        atMost(`${trouble}: ready again by itself`, readyAgainMs / 1_000, readyPatienceMs / 1_000, 's'),
      ]
    })

const delayOf = ({ loopDelay }: Phase): number => loopDelay.p99Ms
