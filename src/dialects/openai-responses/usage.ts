import { inputTokens, outputTokens, type Usage } from '../../core/usage.ts'
import { parting } from '../counts.ts'
import { countOf, fieldsOf, isFields, present } from '../values.ts'

/** The totals include their details; our buckets are apart. What was not reported stays absent. */
export function usageOf(wire: unknown): Usage | undefined {
  if (!isFields(wire)) return undefined
  const into = fieldsOf(wire.input_tokens_details)
  const out = fieldsOf(wire.output_tokens_details)
  const input = countOf(wire.input_tokens)
  const output = countOf(wire.output_tokens)
  // Hosts have been seen to report more from and into the cache than there was.
  const ofInput = parting(input)
  const cacheRead = ofInput(countOf(into.cached_tokens))
  const written = ofInput(countOf(into.cache_write_tokens))
  // A cache that keeps for half a day is priced as the longer of our two.
  const writtenLong = smaller(countOf(fieldsOf(into.cache_write_tokens_details).ttl_12h_tokens), written)
  const reasoning = smaller(countOf(out.reasoning_tokens), output)
  return present({
    inputUncached: input === undefined ? undefined : ofInput(input),
    cacheRead,
    cacheWrite5m: written === undefined ? undefined : written - (writtenLong ?? 0),
    cacheWrite1h: writtenLong,
    outputText: output === undefined ? undefined : output - (reasoning ?? 0),
    reasoning,
  })
}

const smaller = (part: number | undefined, whole: number | undefined): number | undefined =>
  part === undefined || whole === undefined ? part : Math.min(part, whole)

/** Null while nothing is known, as in a response that is not ready. */
export function wireUsage(usage: Usage | undefined): object | null {
  if (!usage) return null
  const input = inputTokens(usage)
  const output = outputTokens(usage)
  if (input === undefined && output === undefined) return null
  return {
    input_tokens: input ?? 0,
    input_tokens_details: {
      cached_tokens: usage.cacheRead ?? 0,
      cache_write_tokens: (usage.cacheWrite5m ?? 0) + (usage.cacheWrite1h ?? 0),
    },
    output_tokens: output ?? 0,
    output_tokens_details: { reasoning_tokens: usage.reasoning ?? 0 },
    total_tokens: (input ?? 0) + (output ?? 0),
  }
}
