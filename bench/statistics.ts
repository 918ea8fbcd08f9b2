export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** The value below which that share of all lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

/**
 * The slope of the line nearest to readings that were made at even distances, for each step, and its standard error. What
 * is read moves in steps and stays there, as the memory of a process does, so the noise of a reading is in all that follow:
 * it is estimated from the differences between neighbours, and a line through such a walk is wrong by 6/5 of their
 * variance over the number of readings.
 */
export function trend(readings: readonly number[]): { readonly slope: number; readonly error: number } {
  const count = readings.length
  const middle = (count - 1) / 2
  const spread = readings.reduce((sum, _, x) => sum + (x - middle) ** 2, 0)
  const slope = readings.reduce((sum, y, x) => sum + (x - middle) * y, 0) / spread
  const steps = readings.slice(1).map((y, x) => y - (readings[x] as number))
  const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length
  const variance = steps.reduce((sum, step) => sum + (step - mean) ** 2, 0) / (steps.length - 1)
  return { slope, error: Math.sqrt((1.2 * variance) / count) }
}
