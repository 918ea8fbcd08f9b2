import { inputTokens, outputTokens, type Usage } from '../../core/usage.ts'
import { countOf, type Fields, listOf, present } from '../values.ts'
import { named } from './wire.ts'

/** Vertex writes numbers in place of words where it is asked to. */
const modalities = ['MODALITY_UNSPECIFIED', 'TEXT', 'IMAGE', 'VIDEO', 'AUDIO', 'DOCUMENT'] as const

/**
 * Prompt and answer are told in sums, of which audio, pictures and what was read from a cache are parts; thoughts and what
 * tools brought are beside them. Counts of 0 are left out.
 */
export function usageOf(written: Fields): Usage {
  const wire = named(written)
  const total = countOf(wire.totalTokenCount)
  const thoughts = countOf(wire.thoughtsTokenCount)
  const tools = countOf(wire.toolUsePromptTokenCount)
  const prompt = countOf(wire.promptTokenCount) ?? (tools === undefined ? undefined : 0)
  // No part is more than there is left of its sum, whatever was reported.
  const cached = within(countOf(wire.cachedContentTokenCount), prompt === undefined ? undefined : prompt + (tools ?? 0))
  const candidates =
    countOf(wire.candidatesTokenCount) ??
    (total === undefined || prompt === undefined
      ? undefined
      : atLeast0(total - prompt - (thoughts ?? 0) - (tools ?? 0)))
  const audioIn = less(detail(wire.promptTokensDetails, 'AUDIO'), detail(wire.cacheTokensDetails, 'AUDIO'))
  const imageIn = less(detail(wire.promptTokensDetails, 'IMAGE'), detail(wire.cacheTokensDetails, 'IMAGE'))
  const audioOut = detail(wire.candidatesTokensDetails, 'AUDIO')
  const imageOut = detail(wire.candidatesTokensDetails, 'IMAGE')
  // Read with every chunk, so that it is put together without detours.
  const usage: { -readonly [B in keyof Usage]: Usage[B] } = {}
  if (prompt !== undefined)
    usage.inputUncached = atLeast0(prompt + (tools ?? 0) - (cached ?? 0) - (audioIn ?? 0) - (imageIn ?? 0))
  if (cached !== undefined) usage.cacheRead = cached
  if (audioIn !== undefined) usage.inputAudio = audioIn
  if (imageIn !== undefined) usage.inputImage = imageIn
  if (candidates !== undefined) usage.outputText = atLeast0(candidates - (audioOut ?? 0) - (imageOut ?? 0))
  if (thoughts !== undefined) usage.reasoning = thoughts
  if (audioOut !== undefined) usage.outputAudio = audioOut
  if (imageOut !== undefined) usage.outputImage = imageOut
  return usage
}

export function wireUsageOf(usage: Usage): Fields {
  const prompt = inputTokens(usage)
  const output = outputTokens(usage)
  const { cacheRead, inputAudio, inputImage, outputText, reasoning, outputAudio, outputImage } = usage
  const candidates =
    outputText === undefined && outputAudio === undefined && outputImage === undefined
      ? undefined
      : (outputText ?? 0) + (outputAudio ?? 0) + (outputImage ?? 0)
  return present({
    promptTokenCount: prompt,
    candidatesTokenCount: candidates,
    totalTokenCount: prompt === undefined && output === undefined ? undefined : (prompt ?? 0) + (output ?? 0),
    cachedContentTokenCount: cacheRead || undefined,
    thoughtsTokenCount: reasoning || undefined,
    promptTokensDetails: details(prompt, inputAudio, inputImage),
    candidatesTokensDetails: details(candidates, outputAudio, outputImage),
  })
}

function details(sum: number | undefined, audio: number | undefined, image: number | undefined): unknown {
  if (sum === undefined || (!audio && !image)) return undefined
  const text = sum - (audio ?? 0) - (image ?? 0)
  return (
    [
      ['TEXT', text],
      ['AUDIO', audio],
      ['IMAGE', image],
    ] as const
  )
    .filter(([, tokenCount]) => tokenCount)
    .map(([modality, tokenCount]) => ({ modality, tokenCount }))
}

function detail(value: unknown, modality: string): number | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined
  let sum: number | undefined
  for (const written of listOf(value)) {
    const one = named(written)
    const name = typeof one.modality === 'number' ? modalities[one.modality] : one.modality
    if (name === modality) sum = (sum ?? 0) + (countOf(one.tokenCount) ?? 0)
  }
  return sum
}

const less = (count: number | undefined, part: number | undefined): number | undefined =>
  count === undefined ? undefined : atLeast0(count - (part ?? 0))

const within = (part: number | undefined, sum: number | undefined): number | undefined =>
  part === undefined || sum === undefined ? part : Math.min(part, sum)

const atLeast0 = (count: number): number => Math.max(0, count)
