import { expect, test } from 'vitest'
import type { Caller } from '../core/access.ts'
import { fits, mayUse } from './key-models.ts'

test.each<[pattern: string, name: string, does: boolean]>([
  ['gpt-4o', 'gpt-4o', true],
  ['gpt-4o', 'gpt-4o-mini', false],
  ['gpt-4o', 'openai/gpt-4o', false],
  ['*', 'anything/at:all', true],
  ['*', '', true],
  ['gpt-*', 'gpt-', true],
  ['gpt-*', 'my-gpt-4', false],
  ['*-mini', 'gpt-4o-mini', true],
  ['*-mini', 'gpt-4o-mini-2', false],
  ['a*b*c', 'a-b-c', true],
  ['a*b*c', 'abc', true],
  ['a*b*c', 'a-c-b', false],
  ['ab*ba', 'aba', false],
  ['a*a*a', 'aa', false],
  ['**', 'x', true],
  ['gpt.4', 'gpt-4', false],
  ['[a-z]*', 'gpt', false],
  ['', 'gpt', false],
])('%s fits %s: %s', (pattern, name, does) => {
  expect(fits(pattern, name)).toBe(does)
})

test('a pattern that is made to be slow is not', () => {
  const name = 'a'.repeat(1_000_000)
  expect(fits(`${'a*'.repeat(1_000)}b`, name)).toBe(false)
  expect(fits(`${'*a'.repeat(1_000)}`, name)).toBe(true)
})

test('a key that names models is good for no name that is longer than any model’s', () => {
  const caller: Caller = { key: { id: 'k', hash: '', kind: 'inference', models: ['*', 'mock/*'] } }
  expect(mayUse(caller, 'x'.repeat(500), 'mock', 'x'.repeat(500))).toBe(true)
  expect(mayUse(caller, 'x'.repeat(1 << 20), 'mock', 'x'.repeat(1 << 20))).toBe(false)
})

test('a key is good for a model by the name that is asked for, or by its provider and its name there', () => {
  const with_ = (...models: string[]): Caller => ({ key: { id: 'k', hash: '', kind: 'inference', models } })
  expect(mayUse({}, 'x', 'openai', 'x')).toBe(true)
  expect(mayUse({ key: { id: 'k', hash: '', kind: 'inference' } }, 'x', 'openai', 'x')).toBe(true)
  expect(mayUse(with_('openai/*'), 'gpt-4o', 'openai', 'gpt-4o')).toBe(true)
  expect(mayUse(with_('fast'), 'fast', 'groq', 'llama')).toBe(true)
  expect(mayUse(with_('gpt-4o'), 'openai/gpt-4o', 'openai', 'gpt-4o')).toBe(false)
  expect(mayUse(with_('openai/*'), 'gpt-4o', 'azure', 'gpt-4o')).toBe(false)
  expect(mayUse(with_(), 'gpt-4o', 'azure', 'gpt-4o')).toBe(false)
})
