/**
 * Tokens in buckets that never overlap, so that price is one multiplication each and sums are derived.
 * A bucket that the provider did not report is absent: unknown is not zero.
 */
export interface Usage {
  readonly inputUncached?: number
  readonly cacheRead?: number
  readonly cacheWrite5m?: number
  readonly cacheWrite1h?: number
  readonly inputAudio?: number
  readonly inputImage?: number
  readonly outputText?: number
  readonly reasoning?: number
  readonly outputAudio?: number
  readonly outputImage?: number
}

export const inputBuckets = [
  'inputUncached',
  'cacheRead',
  'cacheWrite5m',
  'cacheWrite1h',
  'inputAudio',
  'inputImage',
] as const satisfies readonly (keyof Usage)[]

export const outputBuckets = [
  'outputText',
  'reasoning',
  'outputAudio',
  'outputImage',
] as const satisfies readonly (keyof Usage)[]

export const usageBuckets = [...inputBuckets, ...outputBuckets] as const

/** All input tokens, those from and into caches included; `undefined` when no input bucket is known. */
export const inputTokens = (usage: Usage): number | undefined => sum(usage, inputBuckets)

/** All output tokens, reasoning included; `undefined` when no output bucket is known. */
export const outputTokens = (usage: Usage): number | undefined => sum(usage, outputBuckets)

function sum(usage: Usage, buckets: readonly (keyof Usage)[]): number | undefined {
  let total: number | undefined
  for (const bucket of buckets) {
    const count = usage[bucket]
    if (count !== undefined) total = (total ?? 0) + count
  }
  return total
}
