import { inputTokens, outputTokens, type Usage } from '../../core/usage.ts'
import { parting } from '../counts.ts'
import { countOf as count, present } from '../values.ts'

/** Token counts as OpenAI writes them, with the places in which compatible hosts put the same numbers. */
export interface WireUsage {
  prompt_tokens?: number
  completion_tokens?: number
  total_tokens?: number
  prompt_tokens_details?: {
    cached_tokens?: number
    cache_write_tokens?: number
    audio_tokens?: number
    image_tokens?: number
  } | null
  completion_tokens_details?: { reasoning_tokens?: number; audio_tokens?: number; image_tokens?: number } | null
  /** DeepSeek. */
  prompt_cache_hit_tokens?: number
  /** Moonshot and Together. */
  cached_tokens?: number
  /** Mistral. */
  num_cached_tokens?: number
  /** Perplexity. */
  reasoning_tokens?: number
}

/** OpenAI's totals include their details; our buckets are apart. What was not reported stays absent. */
export function usageOf(wire: WireUsage): Usage {
  const input = wire.prompt_tokens_details ?? {}
  const output = wire.completion_tokens_details ?? {}
  const prompt = promptOf(wire)
  const cached =
    count(input.cached_tokens) ??
    count(wire.prompt_cache_hit_tokens) ??
    count(wire.cached_tokens) ??
    count(wire.num_cached_tokens)
  // Azure has been seen to report more from the cache than there was, and pictures that were in the cache twice.
  const ofPrompt = parting(prompt)
  const cacheRead = ofPrompt(cached)
  const cacheWrite5m = ofPrompt(count(input.cache_write_tokens))
  const inputAudio = ofPrompt(count(input.audio_tokens))
  const inputImage = ofPrompt(count(input.image_tokens))
  const completion = completionOf(wire)
  // Vercel's gateway has been seen to report more reasoning than completion.
  const ofCompletion = parting(completion)
  const reasoning = ofCompletion(reasoningOf(wire))
  const outputAudio = ofCompletion(count(output.audio_tokens))
  const outputImage = ofCompletion(count(output.image_tokens))
  return present({
    inputUncached: prompt === undefined ? undefined : ofPrompt(prompt),
    cacheRead,
    cacheWrite5m,
    inputAudio,
    inputImage,
    outputText: completion === undefined ? undefined : ofCompletion(completion),
    reasoning,
    outputAudio,
    outputImage,
  })
}

const reasoningOf = (wire: WireUsage): number | undefined =>
  count(wire.completion_tokens_details?.reasoning_tokens) ?? count(wire.reasoning_tokens)

/** All tokens of the request. Mistral leaves audio out of `prompt_tokens`, which shows in its total in the same way. */
function promptOf(wire: WireUsage): number | undefined {
  const prompt = count(wire.prompt_tokens)
  const audio = count(wire.prompt_tokens_details?.audio_tokens) ?? 0
  const leftOut = audio > 0 && wire.total_tokens === (prompt ?? 0) + audio + (count(wire.completion_tokens) ?? 0)
  return leftOut ? (prompt ?? 0) + audio : prompt
}

/**
 * All tokens of the answer. xAI leaves reasoning out of `completion_tokens`, which shows in its total: it is the sum of
 * all three. Everybody else's total is the sum of two.
 */
function completionOf(wire: WireUsage): number | undefined {
  const completion = count(wire.completion_tokens)
  const reasoning = reasoningOf(wire) ?? 0
  const prompt = count(wire.prompt_tokens) ?? 0
  const leftOut = reasoning > 0 && wire.total_tokens === prompt + (completion ?? 0) + reasoning
  return leftOut ? (completion ?? 0) + reasoning : completion
}

/** Our buckets in OpenAI's words: totals that include their details. What is unknown is left out, and so is its total. */
export function wireUsageOf(usage: Usage): WireUsage {
  const prompt = inputTokens(usage)
  const completion = outputTokens(usage)
  const written = sum(usage.cacheWrite5m, usage.cacheWrite1h)
  const input = present({
    cached_tokens: usage.cacheRead,
    cache_write_tokens: written,
    audio_tokens: usage.inputAudio,
    image_tokens: usage.inputImage,
  })
  const output = present({
    reasoning_tokens: usage.reasoning,
    audio_tokens: usage.outputAudio,
    image_tokens: usage.outputImage,
  })
  return present({
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt === undefined || completion === undefined ? undefined : prompt + completion,
    prompt_tokens_details: Object.keys(input).length > 0 ? input : undefined,
    completion_tokens_details: Object.keys(output).length > 0 ? output : undefined,
  })
}

const sum = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined && b === undefined ? undefined : (a ?? 0) + (b ?? 0)
