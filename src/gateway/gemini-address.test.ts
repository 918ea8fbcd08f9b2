import { expect, test } from 'vitest'
import { GatewayError } from '../core/error.ts'
import type { Exchange } from '../http/exchange.ts'
import { geminiAddress } from './gemini-address.ts'

const address = (path: string, query = '') => geminiAddress({ path, query } as Exchange)

test.each([
  ['/gemini/v1beta/models/gemini-2.5-flash:generateContent', 'gemini-2.5-flash', 'generateContent'],
  ['/gemini/v1beta/anthropic/claude-sonnet-4-5:generateContent', 'anthropic/claude-sonnet-4-5', 'generateContent'],
  ['/gemini/v1/models/gemini-2.5-flash:countTokens', 'gemini-2.5-flash', 'countTokens'],
  ['/gemini/v1beta/models/openai/gpt-4.1:streamGenerateContent', 'openai/gpt-4.1', 'streamGenerateContent'],
  [
    '/gemini/v1beta/models/bedrock%2Fus.amazon.nova-lite-v1:0:generateContent',
    'bedrock/us.amazon.nova-lite-v1:0',
    'generateContent',
  ],
  ['/gemini/v1beta/models/ollama%2Fqwen3%3A8b%3AgenerateContent', 'ollama/qwen3:8b', 'generateContent'],
])('the last colon stands before what is wanted: %s', (path, model, verb) => {
  expect(address(path)).toMatchObject({ model, verb })
})

test('a stream comes as one list unless events are asked for', () => {
  const path = '/gemini/v1beta/models/g:streamGenerateContent'
  expect(address(path)).toMatchObject({ stream: true, sse: false })
  expect(address(path, 'alt=sse&key=x')).toMatchObject({ stream: true, sse: true })
})

test.each([
  '/gemini/v1beta/models/g',
  '/gemini/v1beta/models/g:embedContent',
  '/gemini/v1beta/models/:generateContent',
  '/gemini/v1beta/models/%E0%A4%A:generateContent',
])('an address that says nothing of use is refused: %s', (path) => {
  expect(() => address(path)).toThrow(GatewayError)
})
