import type { IncomingHttpHeaders } from 'node:http'
import { describe, expect, test } from 'vitest'
import { aKey } from '../../test/support/gateway.ts'
import { defaultTimeouts } from '../core/config.ts'
import { anthropicMessages } from '../dialects/anthropic-messages/anthropic-messages.ts'
import { everybodys } from '../providers/configured-providers.ts'
import type { ConfiguredProvider } from '../providers/provider.ts'
import { paid } from './credential.ts'

const anthropic = everybodys({ timeouts: defaultTimeouts, providers: {} }).get('anthropic') as ConfiguredProvider

const payingWith = (headers: IncomingHttpHeaders) =>
  paid(
    { dialect: anthropicMessages, headers },
    { provider: anthropic, model: 'claude' },
    { isOpen: true, random: Math.random },
  ).map(({ credential }) => credential.header)

describe('while nobody needs a client key', () => {
  test('the client’s own key of the vendor pays', () => {
    expect(payingWith({ 'x-api-key': 'sk-ant-mine' })).toEqual([['x-api-key', 'sk-ant-mine']])
    expect(payingWith({ authorization: 'Bearer sk-ant-mine' })).toEqual([['authorization', 'Bearer sk-ant-mine']])
  })

  test('a client key that was good before goes to no vendor, however it is sent', () => {
    const { text } = aKey()
    for (const headers of [
      { 'x-api-key': text },
      { 'x-api-key': `Bearer ${text}` },
      { 'x-api-key': `"${text}"` },
      { authorization: `Bearer ${text}` },
      { authorization: `Bearer Bearer ${text}` },
      { authorization: `Bearer ${text},` },
    ]) {
      expect(() => payingWith(headers), JSON.stringify(Object.keys(headers))).toThrow('There is no credential')
    }
  })
})
