import { expect, test } from 'vitest'
import { fieldOf, fieldsOfClient, lostInHeader } from './lost-fields.ts'

test.each([
  ['openai-chat', 'choices', 'n'],
  ['openai-chat', 'maxTokens', 'max_tokens'],
  ['openai-chat', 'logitBias', 'logit_bias'],
  ['openai-chat', 'parallelToolCalls', 'parallel_tool_calls'],
  ['openai-chat', 'format', 'response_format'],
  ['openai-chat', 'reasoning', 'reasoning_effort'],
  ['openai-responses', 'maxTokens', 'max_output_tokens'],
  ['openai-responses', 'format', 'text.format'],
  ['openai-responses', 'serviceTier', 'service_tier'],
  ['anthropic-messages', 'stop', 'stop_sequences'],
  ['anthropic-messages', 'topK', 'top_k'],
  ['anthropic-messages', 'user', 'metadata.user_id'],
  ['gemini', 'maxTokens', 'maxOutputTokens'],
  ['gemini', 'choices', 'candidateCount'],
  ['gemini', 'topK', 'topK'],
  ['gemini', 'frequencyPenalty', 'frequencyPenalty'],
])('a client of %s reads %s as %s', (dialect, name, field) => {
  expect(fieldOf(dialect, name)).toBe(field)
})

test.each([
  'messages[2].image',
  'tools[0].web_search',
  'safetySettings',
  'x_own_field',
  'seed',
  '',
  '__proto__',
  'constructor',
])('a place or a field that the client wrote itself stays as it is: %s', (name) => {
  expect(fieldOf('gemini', name)).toBe(name)
})

test('a dialect that nobody knows loses nothing of a name', () => {
  expect(fieldOf('constructor', 'maxTokens')).toBe('max_tokens')
  expect(fieldOf('ollama', 'seed')).toBe('seed')
})

test('names that a client has made very long, or very many, are told in part', () => {
  expect(fieldsOfClient('gemini', ['seed', 'seed', 'x'.repeat(1_000)])).toEqual(['seed', `${'x'.repeat(100)}...`])
  const many = Array.from({ length: 1_000 }, (_, index) => `messages[${index}].image`)
  const told = fieldsOfClient('gemini', many)
  expect([told.length, told.at(-1)]).toEqual([201, 'and 800 more'])
  const header = lostInHeader(told)
  expect(header).toMatch(/^messages\[0\]\.image, .*messages\[\d+\]\.image, and \d+ more$/)
  expect(header.length).toBeLessThanOrEqual(256)
  expect([lostInHeader([]), lostInHeader(['a']), lostInHeader(['a', 'b'])]).toEqual(['', 'a', 'a, b'])
})
