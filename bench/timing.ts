/** Clocks of the load generators. */
import type { RecordableHistogram } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Quantiles {
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

/** A timer comes up to a millisecond late, which is more than what is measured: the last stretch is spent turning. */
export async function until(dueMs: number): Promise<void> {
  const spare = dueMs - performance.now() - 2
  if (spare >= 1) await sleep(spare)
  while (performance.now() < dueMs) await new Promise(setImmediate)
}

export const record = (histogram: RecordableHistogram, sinceMs: number) =>
  histogram.record(Math.max(1, Math.round((performance.now() - sinceMs) * 1e6)))

export const quantiles = (histogram: RecordableHistogram): Quantiles => ({
  p50: histogram.percentile(50) / 1e6,
  p90: histogram.percentile(90) / 1e6,
  p99: histogram.percentile(99) / 1e6,
  max: histogram.max / 1e6,
})
