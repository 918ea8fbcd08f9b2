import type { IncomingHttpHeaders } from 'node:http'
import { expect, test } from 'vitest'
import { checkJson, checkSender, type Names } from './guard.ts'

const onlyHere: Names = { hosts: () => [], anyAddress: false }

const refusal = (headers: IncomingHttpHeaders, names = onlyHere): string | undefined => {
  try {
    checkSender(headers, Object.entries(headers).flat() as string[], names)
    return undefined
  } catch (thrown) {
    return (thrown as { code: string }).code
  }
}

test.each([
  'localhost',
  'localhost:9090',
  'LocalHost:1',
  '127.0.0.1',
  '127.0.0.1:9090',
  '127.0.0.2:9090',
  '127.9.9.9',
  '[::1]',
  '[::1]:65535',
])('a call to %s is for this machine', (host) => {
  expect(refusal({ host })).toBeUndefined()
})

test.each([
  undefined,
  '',
  ':9090',
  'evil.example',
  'localhost.evil.example',
  'evil.example:9090',
  '127.0.0.1.evil.example',
  '127.0.0.1.nip.io:9090',
  '128.0.0.1',
  '0.0.0.0:9090',
  '127.0.0.1:9090:1',
  '127.0.0.1:evil',
  '127.0.0.1@evil.example',
  '::1',
  '[::1].evil.example',
  '[::2]',
  'localhost, evil.example',
  ' localhost',
])('a call to %j is refused', (host) => {
  expect(refusal(host === undefined ? {} : { host })).toBe('forbidden_host')
})

test('a page of our own may call, and no other', () => {
  const host = '127.0.0.1:9090'
  expect(refusal({ host, origin: 'http://127.0.0.1:9090' })).toBeUndefined()
  for (const origin of [
    'http://localhost:9090',
    'http://127.0.0.1:3000',
    'https://127.0.0.1:9090',
    'https://evil.example',
    'null',
    '',
  ]) {
    expect(refusal({ host, origin }), origin).toBe('forbidden_origin')
  }
  expect(refusal({ host, 'sec-fetch-site': 'cross-site' })).toBe('forbidden_origin')
  expect(refusal({ host, 'sec-fetch-site': 'none' })).toBeUndefined()
})

test('a second Host is refused, however it is written', () => {
  const raw = ['Host', 'localhost', 'Accept', 'host', 'hOST', 'localhost']
  expect(() => checkSender({ host: 'localhost' }, raw, onlyHere)).toThrow('There is more than one Host header')
  expect(() => checkSender({ host: 'localhost' }, raw.slice(0, 4), onlyHere)).not.toThrow()
})

test('what came in is shown, shortened and quoted', () => {
  expect(() => checkSender({ host: `${'e'.repeat(500)}\u001b[2J` }, [], onlyHere)).toThrow(
    `The Host "${'e'.repeat(100)}" is not this machine.`,
  )
  expect(() => checkSender({ host: 'a\u001b[2J' }, [], onlyHere)).toThrow('"a\\u001b[2J"')
})

test('only JSON is taken: everything else a page can send without asking', () => {
  for (const type of [
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json ;x',
  ]) {
    expect(() => checkJson({ 'content-type': type }), type).not.toThrow()
  }
  expect(() => checkJson({})).toThrow('The content-type must be application/json, not (none).')
  for (const type of [
    '',
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/jsonp',
    'text/plain; application/json',
  ]) {
    expect(() => checkJson({ 'content-type': type }), type).toThrow(/The content-type must be application\/json, not "/)
  }
})

test('a body that would have to be unpacked first is refused', () => {
  const json = { 'content-type': 'application/json' }
  for (const encoding of ['identity', 'Identity'])
    expect(() => checkJson({ ...json, 'content-encoding': encoding })).not.toThrow()
  for (const encoding of ['gzip', 'br', 'identity, gzip']) {
    expect(() => checkJson({ ...json, 'content-encoding': encoding }), encoding).toThrow(/content-encoding/)
  }
})
