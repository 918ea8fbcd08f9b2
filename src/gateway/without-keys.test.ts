import { describe, expect, test } from 'vitest'
import type { Credential } from '../core/credential.ts'
import { runStep } from '../core/steps.ts'
import type { Header } from '../providers/key-headers.ts'
import { usable } from '../providers/usable-credential.ts'
import { headersWithoutKeys, type SentWith, starsForKeys, withoutKeys } from './without-keys.ts'

const sentWith = (credential: Credential, mayBeSecret: readonly string[] = [], header?: Header): SentWith => ({
  provider: { mayBeSecret },
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

describe('an error under a good status has stars for a key', () => {
  const json = { 'content-type': 'application/json' }
  const stars = (...pieces: readonly string[]): string =>
    Buffer.concat(
      runStep(
        starsForKeys(withKey, json),
        pieces.map((piece) => Buffer.from(piece)),
      ),
    ).toString()
  const inJson = JSON.stringify(key).slice(1, -1)
  const ofSameLength = '*'.repeat(Buffer.from(inJson).length)

  test.each([
    ['in a field', `{"error":"${inJson}"}`],
    ['in an object', `{ "error" : { "message": "Bad key ${inJson}." } }`],
    ['in an event', `event: error\ndata: Bad key ${inJson}.\n\n`],
    ['in an event by its type', `data: {"type": "error", "message": "Bad key ${inJson}."}\n\n`],
    ['far behind its beginning', `{"error":{"detail":"${' '.repeat(10_000)}","message":"${inJson}"}}`],
    ['twice', `{"error":{"message":"${inJson} ${inJson}"}}`],
  ])('%s, wherever it is cut, and as many bytes as before', (_where, said) => {
    const expected = said.replaceAll(inJson, ofSameLength)
    expect(stars(said)).toBe(expected)
    const isLong = said.length > 1_000
    for (let at = isLong ? said.length - 60 : 1; at < said.length; at++)
      expect(stars(said.slice(0, at), said.slice(at))).toBe(expected)
    if (!isLong) expect(stars(...said)).toBe(expected)
  })

  test('and behind what was answered before it, which stays', () => {
    const answer = `data: {"text":"The error: ${inJson}, \\"error\\":\\"x\\""}\n\n`
    const error = `data: {"error":{"message":"${inJson}"}}\n\n`
    expect(stars(answer, error)).toBe(answer + error.replace(inJson, ofSameLength))
  })

  test.each(['{"error":null}', '{"is_error":true}', '{"text":"error"}', ''])('and %j is none', (said) => {
    expect(stars(said, inJson)).toBe(said + inJson)
  })

  test('and for most of one at its end', () => {
    const half = inJson.slice(0, 12)
    expect(stars(`{"error":{"message":"${half}`)).toBe(`{"error":{"message":"${'*'.repeat(Buffer.from(half).length)}`)
    expect(stars('{"error":{"message":"sk-')).toBe('{"error":{"message":"sk-')
  })

  test.each(['text/html', 'text/plain; charset=utf-8', 'application/xml'])('and as a page of %s', (type) => {
    const said = Buffer.from(`<p>Bad key ${key}.</p>`)
    const clean = Buffer.concat(runStep(starsForKeys(withKey, { 'content-type': type }), [said])).toString()
    expect(clean).toBe(`<p>Bad key ${'*'.repeat(Buffer.from(key).length)}.</p>`)
  })

  test('and not when there is nothing to hide', () => {
    const none = sentWith({ kind: 'none', fields: {} })
    const bytes = Buffer.from('{"error":"nothing"}')
    expect(runStep(starsForKeys(none, json), [bytes])).toEqual([bytes])
  })
})

test('a key is taken out of headers, too', () => {
  const headers = { 'x-request-id': 'r', 'www-authenticate': 'Bearer the-key-of-now', 'x-a': ['1', 'the-key-of-now'] }
  const sent = sentWith({ kind: 'api_key', fields: { api_key: 'the-key-of-now' } })
  expect(headersWithoutKeys(headers, sent)).toEqual({
    'x-request-id': 'r',
    'www-authenticate': 'Bearer [key]',
    'x-a': ['1', '[key]'],
  })
  const others = { 'x-request-id': 'r' }
  expect(headersWithoutKeys(others, sent)).toBe(others)
})

test('bytes without a key are the same bytes', () => {
  const said = Buffer.from([0xff, 0x00, 0xe9, 0x73])
  expect(withoutKeys(said, withKey)).toBe(said)
})
