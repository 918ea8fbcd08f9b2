import { expect, test } from 'vitest'
import { countTokens } from './tokens.ts'

test('counts what a text has in tokens', () => {
  expect(countTokens('')).toBe(0)
  expect(countTokens('Hello world, how are you?')).toBe(7)
})

test('takes what looks like a mark of the model for text', () => {
  expect(countTokens('<|endoftext|>')).toBeGreaterThan(1)
})

// Each of them keeps a tokenizer that is not held back busy for minutes; the test's own time limit is the assertion.
test.each([
  ['one word', 'a'.repeat(1_000_000)],
  ['one gap', ' '.repeat(500_000)],
  ['text without gaps', '漢字'.repeat(300_000)],
  ['marks', '!'.repeat(500_000)],
])('a long text is counted in little time: %s', (_name, text) => {
  expect(countTokens(text)).toBeGreaterThan(0)
})

test('of a very long text the beginning is counted', () => {
  const once = countTokens('ab cd '.repeat(100_000))
  expect(countTokens('ab cd '.repeat(1_000_000)) / once).toBeCloseTo(10, 0)
})
