import type { Records } from '../../src/core/border.ts'
import { defaultProject } from '../../src/core/ids.ts'
import { newSlabCounters, readSlab, type SlabCounters, slabCounters } from '../../src/core/records.ts'
import { Rounds } from '../../src/core/rounds.ts'
import type { AttemptRecord, CallRecord } from '../../src/core/span.ts'
import { Slabs } from '../../src/telemetry/slabs.ts'
import { type CallTrace, tracer } from '../../src/telemetry/trace.ts'

/** A record as the writer reads it. */
export type Recorded =
  | ({ readonly kind: 'begin' | 'call' } & CallRecord)
  | ({ readonly kind: 'attempt' | 'ledger' } & AttemptRecord)
  | { readonly kind: 'body'; readonly slot: number; readonly text: string }
  | { readonly kind: 'forget' }

export interface Recorder {
  /** Begins to record a call, at the time of the clock. */
  begin(): CallTrace
  /** What was recorded since this was last asked. */
  records(): readonly Recorded[]
  /** The time, in µs; each look at it is a millisecond later. */
  nowUs: number
  readonly counters: SlabCounters
}

/** What may be on its way to the writer at once. */
export const inFlightCap = 1 << 20

/** Records calls as the gateway does, and hands what it recorded to the test. */
export function recorder(): Recorder {
  const counters = slabCounters(newSlabCounters())
  const slabs = new Slabs(counters, inFlightCap)
  let records: Recorded[] = []
  slabs.connect({
    postMessage(message) {
      const { slab, used } = message as Records
      readSlab(Buffer.from(slab), used, {
        body: (_call, slot, bytes, start, end) =>
          records.push({ kind: 'body', slot, text: bytes.toString('utf8', start, end) }),
        call: (_call, record) => records.push({ kind: 'call', ...record }),
        attempt: (_call, record) => records.push({ kind: 'attempt', ...record }),
        ledger: (_call, record) => records.push({ kind: 'ledger', ...record }),
        forget: () => records.push({ kind: 'forget' }),
        begin: (_call, record) => records.push({ kind: 'begin', ...record }),
      })
      counters.addInFlight(-used)
    },
    on() {},
    close() {},
  })
  let spans = 0
  const begin = tracer({
    slabs,
    clock: () => (made.nowUs += 1_000),
    newSpanId: () => (++spans).toString(16).padStart(16, '0'),
    rounds: new Rounds(),
  })
  const made: Recorder = {
    nowUs: Date.UTC(2026, 0, 31, 12) * 1_000,
    counters,
    begin: () =>
      begin({
        ids: { traceId: '019a8f2c00007000800000000000feed', projectId: defaultProject, runId: 'run-1' },
        startedUs: made.nowUs,
        method: 'POST',
        path: '/v1/chat/completions',
        dialect: 'openai-chat',
      }),
    records() {
      slabs.send()
      const taken = records
      records = []
      return taken
    },
  }
  return made
}

/** What an attempt at the usual provider begins with. */
export const attemptStart = { provider: 'openai', dialect: 'openai-chat', model: 'm', requestBytes: 7 }
