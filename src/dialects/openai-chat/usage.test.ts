import fc from 'fast-check'
import { expect, test } from 'vitest'
import { inputTokens, outputTokens, type Usage } from '../../core/usage.ts'
import { usageOf, type WireUsage } from './usage.ts'

test.each<[what: string, wire: WireUsage, usage: Usage]>([
  [
    "OpenAI's totals include their details",
    {
      prompt_tokens: 100,
      completion_tokens: 50,
      total_tokens: 150,
      prompt_tokens_details: { cached_tokens: 60, audio_tokens: 5, image_tokens: 7 },
      completion_tokens_details: { reasoning_tokens: 20, audio_tokens: 10, image_tokens: 3 },
    },
    {
      inputUncached: 28,
      cacheRead: 60,
      inputAudio: 5,
      inputImage: 7,
      outputText: 17,
      reasoning: 20,
      outputAudio: 10,
      outputImage: 3,
    },
  ],
  [
    'xAI leaves reasoning out of the completion, which shows in its total',
    {
      prompt_tokens: 468,
      completion_tokens: 77,
      total_tokens: 1127,
      prompt_tokens_details: { cached_tokens: 467 },
      completion_tokens_details: { reasoning_tokens: 582 },
    },
    { inputUncached: 1, cacheRead: 467, outputText: 77, reasoning: 582 },
  ],
  [
    'Mistral leaves audio out of the prompt, which shows in its total',
    {
      prompt_tokens: 9,
      completion_tokens: 201,
      total_tokens: 585,
      prompt_tokens_details: { cached_tokens: 0, audio_tokens: 375 },
    },
    { inputUncached: 9, cacheRead: 0, inputAudio: 375, outputText: 201 },
  ],
  [
    'what was written into the cache is apart',
    { prompt_tokens: 10, prompt_tokens_details: { cached_tokens: 2, cache_write_tokens: 3 } },
    { inputUncached: 5, cacheRead: 2, cacheWrite5m: 3 },
  ],
  [
    'DeepSeek has its own name for the cache',
    { prompt_tokens: 10, prompt_cache_hit_tokens: 4 },
    { inputUncached: 6, cacheRead: 4 },
  ],
  ['Kimi has one too', { prompt_tokens: 10, cached_tokens: 4 }, { inputUncached: 6, cacheRead: 4 }],
  ['Mistral has one too', { prompt_tokens: 10, num_cached_tokens: 4 }, { inputUncached: 6, cacheRead: 4 }],
  [
    'the details go before the other names',
    {
      prompt_tokens: 10,
      cached_tokens: 9,
      num_cached_tokens: 9,
      prompt_cache_hit_tokens: 9,
      prompt_tokens_details: { cached_tokens: 0 },
    },
    { inputUncached: 10, cacheRead: 0 },
  ],
  [
    'Perplexity counts reasoning outside',
    { completion_tokens: 5, reasoning_tokens: 2 },
    { outputText: 3, reasoning: 2 },
  ],
  [
    'more reasoning than completion is as much as the completion',
    { completion_tokens: 5, completion_tokens_details: { reasoning_tokens: 9 } },
    { outputText: 0, reasoning: 5 },
  ],
  [
    'more in the cache than in the prompt is as much as the prompt',
    { prompt_tokens: 5, cached_tokens: 9 },
    { inputUncached: 0, cacheRead: 5 },
  ],
  ['what was not reported stays absent', {}, {}],
  ['zero is not absent', { prompt_tokens: 0, completion_tokens: 0 }, { inputUncached: 0, outputText: 0 }],
  [
    'details that are null are none',
    { prompt_tokens: 1, prompt_tokens_details: null, completion_tokens_details: null },
    { inputUncached: 1 },
  ],
  ['only one side is known', { completion_tokens: 3 }, { outputText: 3 }],
  ['reasoning without a completion is all that is known', { reasoning_tokens: 3 }, { reasoning: 3 }],
  [
    'numbers that are none are absent',
    { prompt_tokens: -1, completion_tokens: '7', cached_tokens: null, reasoning_tokens: Number.NaN } as never,
    {},
  ],
])('%s', (_what, wire, usage) => {
  expect(usageOf(wire)).toEqual(usage)
})

test('whatever is written, no bucket is negative, and none is there that nobody reported', () => {
  const number = fc.oneof(fc.integer({ min: -5, max: 2_000 }), fc.double(), fc.constantFrom(null, undefined, '3', {}))
  const details = (keys: readonly string[]): fc.Arbitrary<unknown> =>
    fc.oneof(
      fc.constantFrom(null, undefined, 'none', 3),
      fc.record(Object.fromEntries(keys.map((key) => [key, number])), { requiredKeys: [] }),
    )
  const wire = fc.record(
    {
      prompt_tokens: number,
      completion_tokens: number,
      total_tokens: number,
      prompt_tokens_details: details(['cached_tokens', 'cache_write_tokens', 'audio_tokens', 'image_tokens']),
      completion_tokens_details: details(['reasoning_tokens', 'audio_tokens', 'image_tokens']),
      prompt_cache_hit_tokens: number,
      cached_tokens: number,
      num_cached_tokens: number,
      reasoning_tokens: number,
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(wire, (written) => {
      const usage = usageOf(written as WireUsage)
      for (const value of Object.values(usage)) expect(value).toBeGreaterThanOrEqual(0)
      expect(Object.values(usage).every(Number.isFinite)).toBe(true)
    }),
  )
})

test('when the details are within their totals, the buckets add up to the totals', () => {
  const parts = fc.array(fc.nat(1_000), { minLength: 4, maxLength: 4 })
  fc.assert(
    fc.property(
      parts,
      parts,
      ([text = 0, cached = 0, audio = 0, image = 0], [said = 0, thought = 0, sung = 0, seen = 0]) => {
        const prompt = text + cached + audio + image
        const completion = said + thought + sung + seen
        const usage = usageOf({
          prompt_tokens: prompt,
          completion_tokens: completion,
          total_tokens: prompt + completion,
          prompt_tokens_details: { cached_tokens: cached, audio_tokens: audio, image_tokens: image },
          completion_tokens_details: { reasoning_tokens: thought, audio_tokens: sung, image_tokens: seen },
        })
        expect([inputTokens(usage), outputTokens(usage)]).toEqual([prompt, completion])
      },
    ),
  )
})
