import { expect, test } from 'vitest'
import type { Credential } from '../core/credential.ts'
import type { Header } from '../providers/key-headers.ts'
import { usable } from '../providers/usable-credential.ts'
import { type SentWith, withoutKeys, withStarsForKeys } from './without-keys.ts'

const sentWith = (credential: Credential, headerValues: readonly string[] = [], header?: Header): SentWith => ({
  provider: { headerValues },
  credential: usable('c', credential, { keyHeader: 'bearer' }),
  header,
})

const key = 'sk-/"é-0123456789'
const withKey = sentWith({ kind: 'api_key', fields: { api_key: key } })

test.each([
  ['as it is', `Bad key ${key}!`, 'Bad key [key]!'],
  ['in JSON', JSON.stringify({ message: key }), '{"message":"[key]"}'],
  ['in JSON that escapes slashes', JSON.stringify(key).replace('/', '\\/'), '"[key]"'],
  ['in an address', `?key=${encodeURIComponent(key)}&x=1`, '?key=[key]&x=1'],
  ['twice', `${key} ${key}`, '[key] [key]'],
  ['not at all', 'Nothing of it: sk-', 'Nothing of it: sk-'],
])('a key is taken out where it stands %s', (_where, said, clean) => {
  expect(withoutKeys(Buffer.from(said), withKey).toString()).toBe(clean)
})

test('so is every other secret of a credential, its token, and what the operator sends along', () => {
  const fields = { tenant_id: 'the-tenant', client_id: 'the-client', client_secret: 'the-app-secret' }
  const sent = sentWith(
    { kind: 'entra_id', fields },
    ['Basic operators-header', 'short'],
    ['authorization', 'Bearer the-token-of-now'],
  )
  const said = 'the-app-secret the-token-of-now operators-header short the-tenant'
  expect(withoutKeys(Buffer.from(said), sent).toString()).toBe('[key] [key] [key] short the-tenant')
})

test('bytes that are announced stay as many', () => {
  const said = Buffer.from(`{"error":"${encodeURIComponent(key)}"}`)
  const clean = withStarsForKeys(said, withKey)
  expect(clean).toHaveLength(said.length)
  expect(clean.toString()).toMatch(/^\{"error":"\*+"\}$/)
})

test('bytes without a key are the same bytes', () => {
  const said = Buffer.from([0xff, 0x00, 0xe9, 0x73])
  expect(withoutKeys(said, withKey)).toBe(said)
})
