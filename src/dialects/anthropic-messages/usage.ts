import { outputTokens, type Usage, usageBuckets } from '../../core/usage.ts'
import { countOf, type Fields, isFields, listOf } from '../values.ts'

/** The later counts of a stream stand before the earlier, each by itself: they are totals so far, not increments. */
export function mergeCounts(before: Fields | undefined, after: Fields): Fields {
  if (!before) return after
  const merged: Record<string, unknown> = { ...before }
  for (const [name, value] of Object.entries(after))
    if (value !== null && value !== undefined && name !== '__proto__') merged[name] = value
  return merged
}

/**
 * `input_tokens` leaves out what was read from or written to the cache; `output_tokens` has the thoughts in it, and tells
 * them apart only sometimes.
 */
export function decodeUsage(counts: Fields): Usage {
  const { input, output, read, written } = totalsIn(counts)
  const thoughts = countOf(fieldsIn(counts.output_tokens_details).thinking_tokens)
  const split = fieldsIn(counts.cache_creation)
  const long = countOf(split.ephemeral_1h_input_tokens)
  const short = countOf(split.ephemeral_5m_input_tokens)
  const inLong = written === undefined ? long : long === undefined ? undefined : Math.min(long, written)
  const inShort = written === undefined ? short : written - (inLong ?? 0)
  const reasoning = thoughts === undefined || output === undefined ? thoughts : Math.min(thoughts, output)
  const text = output === undefined ? undefined : output - (reasoning ?? 0)
  return {
    ...(input !== undefined && { inputUncached: input }),
    ...(read !== undefined && { cacheRead: read }),
    ...(inShort !== undefined && { cacheWrite5m: inShort }),
    ...(inLong !== undefined && { cacheWrite1h: inLong }),
    ...(text !== undefined && { outputText: text }),
    ...(reasoning !== undefined && { reasoning }),
  }
}

interface Totals {
  readonly input: number | undefined
  readonly output: number | undefined
  readonly read: number | undefined
  readonly written: number | undefined
}

/**
 * Where a conversation was compacted on the way, the numbers at the top leave that out, and only the list of the steps
 * tells all. Steps of other models, such as an advisor's, have other prices and are not counted.
 */
function totalsIn(counts: Fields): Totals {
  const steps = listOf(counts.iterations)
  if (!steps.some(({ type }) => type === 'compaction')) return totalsOf(counts)
  const own = steps.filter(({ type }) => type === 'compaction' || type === 'message').map(totalsOf)
  return {
    input: sum(own, 'input'),
    output: sum(own, 'output'),
    read: sum(own, 'read'),
    written: sum(own, 'written'),
  }
}

const totalsOf = (counts: Fields): Totals => ({
  input: countOf(counts.input_tokens),
  output: countOf(counts.output_tokens),
  read: countOf(counts.cache_read_input_tokens),
  written: countOf(counts.cache_creation_input_tokens),
})

const sum = (steps: readonly Totals[], name: keyof Totals): number | undefined =>
  steps.reduce<number | undefined>(
    (total, { [name]: count }) => (count === undefined ? total : (total ?? 0) + count),
    undefined,
  )

const fieldsIn = (value: unknown): Fields => (isFields(value) ? value : {})

/**
 * For a client, who wants a number for what was read and written in any case, while what the cache did may be unknown.
 * `counts` are Claude's own, if it was Claude.
 */
export function encodeUsage(usage: Usage | undefined, counts: unknown, serviceTier?: string): Fields {
  if (isFields(counts)) return counts
  const { cacheRead, cacheWrite5m, cacheWrite1h, reasoning } = usage ?? {}
  const hasWritten = cacheWrite5m !== undefined || cacheWrite1h !== undefined
  const tier = serviceTier === 'default' ? 'standard' : serviceTier
  return {
    input_tokens: (usage?.inputUncached ?? 0) + (usage?.inputAudio ?? 0) + (usage?.inputImage ?? 0),
    cache_creation_input_tokens: hasWritten ? (cacheWrite5m ?? 0) + (cacheWrite1h ?? 0) : null,
    cache_read_input_tokens: cacheRead ?? null,
    ...(cacheWrite1h !== undefined && {
      cache_creation: { ephemeral_5m_input_tokens: cacheWrite5m ?? 0, ephemeral_1h_input_tokens: cacheWrite1h },
    }),
    output_tokens: outputTokens(usage ?? {}) ?? 0,
    ...(reasoning !== undefined && { output_tokens_details: { thinking_tokens: reasoning } }),
    ...((tier === 'standard' || tier === 'priority' || tier === 'batch') && { service_tier: tier }),
  }
}

/** Whether these counts say just that. */
export function says(counts: unknown, usage: Usage | undefined): boolean {
  if (!isFields(counts) || !usage) return false
  const said = decodeUsage(counts)
  return usageBuckets.every((bucket) => said[bucket] === usage[bucket])
}
