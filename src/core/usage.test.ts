import { expect, test } from 'vitest'
import { inputBuckets, inputTokens, outputBuckets, outputTokens, usageBuckets } from './usage.ts'

test('every bucket is counted once, on its side', () => {
  const one = Object.fromEntries(usageBuckets.map((bucket, index) => [bucket, 10 ** index]))
  expect(inputTokens(one)).toBe(111_111)
  expect(outputTokens(one)).toBe(1_111_000_000)
  expect(new Set(usageBuckets).size).toBe(inputBuckets.length + outputBuckets.length)
})

test('unknown is not zero', () => {
  expect(inputTokens({ outputText: 5 })).toBeUndefined()
  expect(outputTokens({ inputUncached: 5 })).toBeUndefined()
  expect(inputTokens({ cacheRead: 0 })).toBe(0)
  expect(outputTokens({ reasoning: 3 })).toBe(3)
})
