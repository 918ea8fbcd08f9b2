/** Line 12 of the security checklist: paths, methods and headers that are written to be taken for others. */
import { describe, expect, test } from 'vitest'
import type { Scope } from '../../src/core/access.ts'
import { GatewayError } from '../../src/core/error.ts'
import { type RawRequest, rawCall } from '../support/raw-http.ts'
import { startBare, statusesIn, talk } from './bare-server.ts'

const json = 'Content-Type: application/json'
const get = (target: string, ...headers: readonly string[]): RawRequest => ({ method: 'GET', target, headers })
const codeOf = (body: string): string => (JSON.parse(body) as { code: string }).code

describe('checklist 12: who may pass is decided at the door that was found', () => {
  test('with its scope, before the body is read, and before anybody behind it hears of the call', async () => {
    const order: string[] = []
    await using server = await startBare({
      admit: (_request, scope: Scope) => {
        order.push(scope)
        throw new GatewayError('client_key_missing', 'A key, please.')
      },
    })
    const waiting = [json, 'Content-Length: 1000', 'Expect: 100-continue']
    expect((await rawCall(server.url, { target: '/', headers: waiting })).status).toBe(401)
    expect((await rawCall(server.url, get('/secret'))).status).toBe(401)
    expect((await rawCall(server.url, { method: 'DELETE', target: '/free/x' })).status).toBe(401)
    expect((await rawCall(server.url, { ...get('/secret'), method: 'HEAD' })).status).toBe(401)
    expect((await rawCall(server.url, { target: '/', headers: ['Content-Type: text/plain'], body: 'x' })).status).toBe(
      401,
    )
    expect(order).toEqual(['inference', 'operator', 'admin', 'operator', 'inference'])
    expect(server.seen).toEqual([])
  })

  test.each([
    '//secret',
    '/secret/',
    '/secret//',
    '/./secret',
    '/x/../secret',
    '/%73ecret',
    '/%2e/secret',
    '/secret;a=b',
    '/secret%00',
    '/secret%20',
    '/Secret',
    '/SECRET',
    '/secret#x',
    '/\\secret',
    'http://localhost/secret',
    'http://evil.example/secret',
    '/http://localhost/secret',
    '/free',
    '/Free/x',
    '//free/x',
    '/free//x',
    '/free/../secret',
    '/free/..',
    '/free/.',
    '/free/./x',
    '/free/%2e%2e/secret',
    '/free/.%2E/secret',
    '/free/..%2fsecret',
    '/free/x%2f..%2f..%2fsecret',
    '/free/..;/secret',
    '/free/..\\secret',
    '/free/..%5csecret',
    '/free/x%00',
    '/free/x%0d%0aHost:%20evil',
    '/free/x%7F',
    '/free/\\x',
  ])('%s is no way around it', async (target) => {
    await using server = await startBare()
    for (const method of ['GET', 'POST', 'DELETE']) {
      const { status, body } = await rawCall(server.url, { method, target, headers: [json], body: '{}' })
      expect([status, codeOf(body)]).toEqual([404, 'unknown_url'])
    }
    expect([server.seen, server.asked]).toEqual([[], []])
  })

  test.each([
    '/free/models/a.b:c',
    '/free/mock%2Fecho',
    '/free/..a',
    '/free/a;b',
    '/free/a%20b',
    '/free/x?y=//..//%00',
  ])('%s is what it is', async (target) => {
    await using server = await startBare()
    expect((await rawCall(server.url, get(target))).status).toBe(200)
    expect(server.seen).toEqual([`GET ${target.split('?')[0]}`])
  })

  test.each(['TRACE', 'OPTIONS', 'PROPFIND', 'PURGE', 'LOCK', 'QUERY'])(
    '%s is refused at every door, and says nothing back',
    async (method) => {
      await using server = await startBare()
      for (const target of ['/', '/secret', '/free/x']) {
        const { status, body, headers } = await rawCall(server.url, { method, target, headers: ['X-Canary: canary'] })
        expect([status, codeOf(body)]).toEqual([405, 'method_not_allowed'])
        expect(headers.get('allow')).toMatch(/GET/)
        expect(body).not.toContain('canary')
      }
      expect(server.seen).toEqual([])
    },
  )

  test('a tunnel is not dug', async () => {
    await using server = await startBare()
    const said = await talk(
      server,
      'CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\nGET /secret HTTP/1.1\r\n\r\n',
    )
    expect([statusesIn(said), server.seen]).toEqual([[405], []])
  })

  test.each(['Authorization', 'X-API-Key', 'x-goog-api-key', 'Api-Key', 'Content-Type'])(
    'two %s headers are refused, whether they differ or not',
    async (name) => {
      await using server = await startBare()
      for (const [first, second] of [
        ['application/json', 'application/json'],
        ['application/json', 'text/plain'],
      ]) {
        const headers = [`${name}: ${first}`, `${name.toLowerCase()}: ${second}`]
        const { status, body } = await rawCall(server.url, { method: 'GET', target: '/', headers })
        expect([status, codeOf(body)]).toEqual([400, 'malformed_http'])
        expect(body).toContain(`more than one ${name}`)
      }
      expect([server.seen, server.asked]).toEqual([[], []])
    },
  )

  test('what may come twice may', async () => {
    await using server = await startBare()
    const twice = [
      'Accept: a',
      'Accept: b',
      'Cookie: a=1',
      'Cookie: b=2',
      '__proto__: a',
      '__proto__: b',
      'X-A: 1',
      'X-A: 2',
    ]
    expect((await rawCall(server.url, get('/', ...twice))).status).toBe(200)
  })
})
