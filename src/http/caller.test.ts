import { createHash, randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { describe, expect, test } from 'vitest'
import { anybody, type Caller, type ClientKey, isAllowed, type Scope } from '../core/access.ts'
import { GatewayError } from '../core/error.ts'
import { admit, isClientKey, nobody } from './caller.ts'

interface Made {
  readonly text: string
  readonly key: ClientKey
}

let made = 0

function make(about: Partial<ClientKey> = {}): Made {
  const id = (made++).toString(36).padStart(8, '0')
  const text = `tl_${id}_${randomBytes(32).toString('base64url')}`
  return { text, key: { id, hash: createHash('sha256').update(text).digest('hex'), kind: 'inference', ...about } }
}

const setOf = (...all: readonly Made[]): ReadonlyMap<string, ClientKey> => new Map(all.map(({ key }) => [key.id, key]))

const one = make()
const other = make({ kind: 'admin' })
const keys = setOf(one, other)

const ask = (headers: IncomingHttpHeaders, query = '', scope: Scope = 'inference', nowUs = 0): Caller =>
  admit({ headers, query }, scope, { keys, mayBeOpen: true }, nowUs)

function refusal(act: () => unknown): string {
  try {
    act()
  } catch (thrown) {
    if (thrown instanceof GatewayError) return thrown.code
    throw thrown
  }
  return 'none'
}

test('while there is no key, nobody needs one, and whatever is sent is not looked at', () => {
  for (const scope of ['public', 'inference', 'admin', 'operator'] as const)
    expect(
      admit(
        { headers: { authorization: `Bearer ${one.text}` }, query: '' },
        scope,
        { keys: new Map(), mayBeOpen: true },
        0,
      ),
    ).toBe(anybody)
})

test('where others can reach the port, everybody needs a key, even while there is none', () => {
  const access = { keys: new Map(), mayBeOpen: false }
  const without = { headers: {}, query: '' }
  for (const scope of ['inference', 'admin', 'operator'] as const)
    expect(refusal(() => admit(without, scope, access, 0))).toBe('client_key_missing')
  expect(admit(without, 'public', access, 0)).toBe(nobody)
})

test('once there is a key, who passes a door that asks nobody may do nothing else', () => {
  expect(ask({}, '', 'public')).toBe(nobody)
  expect(ask({ authorization: `Bearer ${other.text}` }, '', 'public')).toBe(nobody)
  expect(['admin', 'operator'].map((scope) => isAllowed(nobody, scope as Scope))).toEqual([false, false])
  expect(nobody.key?.models).toEqual([])
})

describe('checklist 7: a client key', () => {
  test.each<[where: string, headers: IncomingHttpHeaders, query?: string]>([
    ['as a bearer token', { authorization: `Bearer ${one.text}` }],
    ['as a bearer token in another case', { authorization: `bEARER ${one.text}` }],
    ['with more blanks than one', { authorization: ` Bearer \t ${one.text} ` }],
    ['as authorization alone', { authorization: one.text }],
    ['as x-api-key', { 'x-api-key': one.text }],
    ['as x-goog-api-key', { 'x-goog-api-key': one.text }],
    ['as api-key', { 'api-key': one.text }],
    ['in the address', {}, `alt=sse&key=${one.text}`],
    ['in several places', { authorization: `Bearer ${one.text}`, 'x-api-key': one.text }, `key=${one.text}`],
    ["beside a vendor's", { authorization: 'Bearer sk-vendors', 'x-api-key': one.text }],
    ["behind a vendor's", { 'x-api-key': 'sk-ant-vendors' }, `key=${one.text}`],
    ['beside an empty one', { authorization: '', 'x-api-key': one.text }, 'key='],
  ])('is taken %s', (_where, headers, query) => {
    expect(ask(headers, query).key).toBe(one.key)
  })

  test.each<[what: string, headers: IncomingHttpHeaders, query?: string]>([
    ['no header', {}],
    ['empty headers', { authorization: '', 'x-api-key': '  ', 'api-key': '' }],
    ['an empty parameter', {}, 'key=&alt=sse'],
    ['another parameter', {}, `monkey=${one.text}`],
    ['another header', { 'proxy-authorization': `Bearer ${one.text}`, cookie: `key=${one.text}` }],
  ])('is missed with %s', (_what, headers, query) => {
    expect(refusal(() => ask(headers, query))).toBe('client_key_missing')
  })

  test.each<[what: string, text: string]>([
    ["a vendor's key", 'sk-proj-0123456789'],
    ['another scheme', `Basic ${Buffer.from(`x:${one.text}`).toString('base64')}`],
    ['only a scheme', 'Bearer'],
    ['one that nobody made', make().text],
    ['the id of one and the rest of another', one.text.slice(0, 12) + other.text.slice(12)],
    ['a last character that is another', one.text.slice(0, -1) + (one.text.endsWith('A') ? 'B' : 'A')],
    [
      'a first secret character that is another',
      one.text.slice(0, 12) + (one.text[12] === 'A' ? 'B' : 'A') + one.text.slice(13),
    ],
    ['one character less', one.text.slice(0, -1)],
    ['one character more', `${one.text}A`],
    ['something behind a blank', `${one.text} ${other.text}`],
    ['two that node joined', `${one.text}, ${one.text}`],
    ['another case', one.text.toUpperCase()],
    ['its id only', one.text.slice(0, 11)],
    ['its hash', one.key.hash],
    ['NUL behind it', `${one.text}\0`],
    ['a look-alike prefix', one.text.replace('tl_', 'tI_')],
    ['SQL', `' OR 1=1 --`],
    ['the name of a property', 'tl_toString_constructor'],
  ])('is not %s', (_what, text) => {
    for (const headers of [{ authorization: `Bearer ${text}` }, { 'x-api-key': text }])
      expect(refusal(() => ask(headers))).toBe('client_key_invalid')
    expect(refusal(() => ask({}, `key=${encodeURIComponent(text)}`))).toBe('client_key_invalid')
  })

  test('is refused beside another one, wherever the two stand', () => {
    const both: readonly [IncomingHttpHeaders, string][] = [
      [{ authorization: `Bearer ${one.text}`, 'x-api-key': other.text }, ''],
      [{ authorization: `Bearer ${one.text}` }, `key=${other.text}`],
      [{}, `key=${one.text}&key=${other.text}`],
    ]
    for (const [headers, query] of both) expect(refusal(() => ask(headers, query))).toBe('client_key_invalid')
  })

  test('ends at its time, however often it was good before, and only who has it hears of that', () => {
    const short = make({ expiresUs: 1_000_000 })
    const at = (text: string, nowUs: number) =>
      admit({ headers: { 'x-api-key': text }, query: '' }, 'inference', { keys: setOf(short), mayBeOpen: true }, nowUs)
    for (let nowUs = 0; nowUs < 3; nowUs++) expect(at(short.text, nowUs).key).toBe(short.key)
    expect(at(short.text, 999_999).key).toBe(short.key)
    expect(() => at(short.text, 1_000_000)).toThrow('The client key expired at 1970-01-01T00:00:01.000Z')
    expect(() => at(`${short.text.slice(0, -2)}__`, 1_000_000)).toThrow('is unknown or has been revoked')
  })

  test('is gone with the set in which it was', () => {
    const request = { headers: { 'x-api-key': one.text }, query: '' }
    expect(admit(request, 'inference', { keys, mayBeOpen: true }, 0).key).toBe(one.key)
    expect(refusal(() => admit(request, 'inference', { keys: setOf(other), mayBeOpen: true }, 0))).toBe(
      'client_key_invalid',
    )
  })

  test('whose hash is broken lets nobody in', () => {
    for (const hash of ['', '00', one.key.hash.slice(1), `${one.key.hash}00`, one.key.hash.toUpperCase()]) {
      const broken = new Map([[one.key.id, { ...one.key, hash }]])
      expect(
        refusal(() =>
          admit({ headers: { 'x-api-key': one.text }, query: '' }, 'inference', { keys: broken, mayBeOpen: true }, 0),
        ),
      ).toBe('client_key_invalid')
    }
  })

  test('stands in no message that refuses it', () => {
    const wrong = make().text
    try {
      ask({ authorization: `Bearer ${wrong}` })
    } catch (thrown) {
      expect(JSON.stringify([thrown, (thrown as Error).message, (thrown as Error).stack])).not.toContain(
        wrong.slice(12),
      )
    }
    expect.assertions(1)
  })
})

test('each kind of key opens what it is for, and nothing else', () => {
  const bound = make({ kind: 'admin', projectId: 'p1' })
  const all = setOf(one, other, bound)
  const scopes = ['inference', 'admin', 'operator'] as const
  const opened = ({ text }: Made): string[] =>
    scopes.filter(
      (scope) =>
        refusal(() =>
          admit({ headers: { 'x-api-key': text }, query: '' }, scope, { keys: all, mayBeOpen: true }, 0),
        ) === 'none',
    )
  expect(opened(one)).toEqual(['inference'])
  expect(opened(bound)).toEqual(['inference', 'admin'])
  expect(opened(other)).toEqual(['inference', 'admin', 'operator'])
  expect(refusal(() => ask({ 'x-api-key': one.text }, '', 'admin'))).toBe('client_key_forbidden')
})

test('what looks like one of our keys is one that we could have made', () => {
  expect([one.text, other.text].every(isClientKey)).toBe(true)
  expect(['', 'tl_', `${one.text}\n`, ` ${one.text}`, `x${one.text}`].some(isClientKey)).toBe(false)
})
