import { expect, test } from 'vitest'
import { inputTokens, outputTokens } from '../../core/usage.ts'
import { usageOf, wireUsageOf } from './usage.ts'

test('thoughts and what tools brought stand beside prompt and answer', () => {
  const usage = usageOf({
    promptTokenCount: 20,
    candidatesTokenCount: 192,
    totalTokenCount: 775,
    toolUsePromptTokenCount: 371,
    thoughtsTokenCount: 192,
  })
  expect(usage).toEqual({ inputUncached: 391, outputText: 192, reasoning: 192 })
  expect((inputTokens(usage) ?? 0) + (outputTokens(usage) ?? 0)).toBe(775)
})

test('what was read from a cache is part of the prompt', () => {
  expect(
    usageOf({ promptTokenCount: 859, candidatesTokenCount: 28, totalTokenCount: 887, cachedContentTokenCount: 594 }),
  ).toEqual({
    inputUncached: 265,
    cacheRead: 594,
    outputText: 28,
  })
})

test('audio and pictures are counted apart, and once', () => {
  const usage = usageOf({
    promptTokenCount: 100,
    candidatesTokenCount: 299,
    totalTokenCount: 399,
    cachedContentTokenCount: 30,
    promptTokensDetails: [
      { modality: 'TEXT', tokenCount: 40 },
      { modality: 'IMAGE', tokenCount: 25 },
      { modality: 4, tokenCount: 35 },
    ],
    cacheTokensDetails: [
      { modality: 'IMAGE', tokenCount: 5 },
      { modality: 'TEXT', tokenCount: 25 },
    ],
    candidatesTokensDetails: [
      { modality: 'TEXT', tokenCount: 41 },
      { modality: 'IMAGE', tokenCount: 258 },
    ],
  })
  expect(usage).toEqual({
    inputUncached: 15,
    cacheRead: 30,
    inputAudio: 35,
    inputImage: 20,
    outputText: 41,
    outputImage: 258,
  })
  expect(inputTokens(usage)).toBe(100)
})

test('a count of nothing is left out, and the total says so', () => {
  expect(usageOf({ promptTokenCount: 8, totalTokenCount: 8 })).toEqual({ inputUncached: 8, outputText: 0 })
  expect(usageOf({ promptTokenCount: 8 })).toEqual({ inputUncached: 8 })
  expect(usageOf({})).toEqual({})
})

test('usage of any provider adds up', () => {
  expect(
    wireUsageOf({ inputUncached: 5, cacheRead: 3, cacheWrite5m: 2, inputAudio: 4, outputText: 7, reasoning: 6 }),
  ).toEqual({
    promptTokenCount: 14,
    candidatesTokenCount: 7,
    totalTokenCount: 27,
    cachedContentTokenCount: 3,
    thoughtsTokenCount: 6,
    promptTokensDetails: [
      { modality: 'TEXT', tokenCount: 10 },
      { modality: 'AUDIO', tokenCount: 4 },
    ],
  })
  expect(wireUsageOf({})).toEqual({})
})
