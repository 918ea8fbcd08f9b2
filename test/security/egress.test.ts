/** Lines 14 and 15 of the security checklist, through the whole program: what goes out, where to, and what stays here. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dialects } from '../../src/dialects/index.ts'
import { type Answering, startAnswering } from '../support/answering.ts'
import { rawCall } from '../support/raw-http.ts'
import { attemptsIn, startTest, type TestTrunkline } from '../support/trunkline.ts'

const canary = 'sk-canary-0123456789abcdef'
const json = 'Content-Type: application/json'
const hello = { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'Hello' }] }

const call = (url: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(hello),
  })

const behind = (baseUrl: string): Promise<TestTrunkline> =>
  startTest({ settings: { 'providers.openai.base_url': baseUrl, 'providers.openai.api_key': canary } })

describe('checklist 14: a call', () => {
  test.each([
    'http://169.254.169.254/v1',
    'http://2852039166/v1',
    'http://0xa9.0xfe.0xa9.0xfe/v1',
    'http://[::ffff:169.254.169.254]/v1',
    'http://[fd00:ec2::254]/v1',
    'http://100.100.100.200/v1',
    'http://metadata.google.internal/v1',
    'http://0.0.0.0/v1',
    'http://224.0.0.1/v1',
  ])('to %s is refused, even if the operator wants it', async (baseUrl) => {
    await using trunkline = await behind(baseUrl)
    const response = await call(trunkline.url)
    const text = await response.text()
    expect(response.status).toBe(502)
    expect(text).toContain('egress_refused')
    expect(text).toContain('base_url')
    expect(text).not.toContain(canary)
    const [attempt] = attemptsIn(await trunkline.trace(response.headers.get('x-trace-id')))
    expect(attempt?.detail.error?.code).toBe('egress_refused')
  })

  test('to an address of this machine goes where the operator has named it', async () => {
    await using upstream = await startAnswering({ body: '{"choices":[]}' })
    await using trunkline = await behind(upstream.url)
    expect((await call(trunkline.url)).status).toBe(200)
    expect(upstream.asked[0]?.headers.authorization).toBe(`Bearer ${canary}`)
  })

  test.each([301, 302, 303, 307, 308])('that is redirected by %i goes no further, nor does its key', async (status) => {
    await using elsewhere = await startAnswering({ body: '{"choices":[]}' })
    await using upstream = await startAnswering({
      status,
      headers: { location: `${elsewhere.url}/v1/chat/completions` },
    })
    await using trunkline = await behind(upstream.url)
    const response = await call(trunkline.url)
    expect(response.status).toBe(502)
    expect(response.headers.has('location')).toBe(false)
    expect(await response.text()).toContain('Redirects are not followed')
    expect([upstream.asked.length, elsewhere.asked.length]).toEqual([1, 0])
  })
})

describe('what a client says in its headers', () => {
  let upstream: Answering
  let trunkline: TestTrunkline
  beforeAll(async () => {
    upstream = await startAnswering({ body: '{"choices":[]}' })
    trunkline = await behind(upstream.url)
  })
  afterAll(async () => {
    await trunkline.stop()
    await upstream[Symbol.asyncDispose]()
  })

  test('checklist 14: about its connection, its way, and to us goes no further', async () => {
    const before = upstream.asked.length
    const ours = [
      'Connection: keep-alive, X-Hop',
      'X-Hop: 1',
      'Keep-Alive: timeout=9',
      'TE: trailers',
      'Trailer: X-Later',
      'Proxy-Authorization: Basic eDp5',
      'Proxy-Connection: keep-alive',
      'Upgrade: h2c',
      'Cookie: secret=1',
      'Forwarded: for=203.0.113.9',
      'X-Forwarded-For: 203.0.113.9',
      'X-Forwarded-Host: evil.example',
      'X-Real-IP: 203.0.113.9',
      'X-Project-Id: default',
      'X-Run-Id: r',
      'X-Thread-Id: t',
      'X-Label: l',
      'Baggage: trunkline.label=x',
      'X-Api-Key: of-the-client',
      'Authorization: Bearer of-the-client',
      'Referer: http://localhost/secret',
    ]
    const { status } = await rawCall(trunkline.url, { headers: [json, ...ours], body: JSON.stringify(hello) })
    expect(status).toBe(200)
    const seen = upstream.asked[before]?.headers ?? {}
    expect(Object.keys(seen).toSorted()).toEqual([
      'accept-encoding',
      'authorization',
      'connection',
      'content-length',
      'content-type',
      'host',
      'user-agent',
    ])
    expect([seen.authorization, `http://${seen.host}`, seen.connection]).toEqual([
      `Bearer ${canary}`,
      upstream.url,
      'keep-alive',
    ])
  })

  const forwarded = [...new Set(Object.values(dialects).flatMap(({ requestHeaders }) => requestHeaders))]
  const doors = ['/v1/chat/completions', '/v1/messages', '/v1/responses', '/gemini/v1beta/models/m:generateContent']

  test.each([...forwarded, 'authorization', 'x-run-id', 'x-thread-id', 'x-label', 'x-tags', 'baggage', 'traceparent'])(
    'checklist 15: %s with a line break or NUL never leaves',
    async (name) => {
      const before = upstream.asked.length
      for (const target of doors) {
        for (const character of ['\r', '\n', '\0', '\n ', '\r\n ']) {
          const headers = [json, `${name}: a${character}x-injected: 1`]
          const answer = await rawCall(trunkline.url, { target, headers, body: JSON.stringify(hello) })
          expect(answer.status, JSON.stringify(character)).toBe(400)
          expect(answer.headers.has('x-injected')).toBe(false)
        }
      }
      expect(upstream.asked).toHaveLength(before)
    },
  )

  test('checklist 15: a line break that was written as a number stays one', async () => {
    const before = upstream.asked.length
    for (const name of ['run_id', 'thread_id', 'label', 'thread_title', 'tags']) {
      for (const written of ['%0d%0ax-injected:%201', '%00', '%E2%80%A8', '%C4%8D%C4%8Ax-injected:%201']) {
        const headers = [json, `Baggage: trunkline.${name}=a${written}`]
        const answer = await rawCall(trunkline.url, { headers, body: JSON.stringify(hello) })
        expect(answer.headers.has('x-injected'), name).toBe(false)
        expect([200, 400]).toContain(answer.status)
      }
    }
    for (const { headers } of upstream.asked.slice(before)) expect(headers).not.toHaveProperty('x-injected')
  })

  test('checklist 15: a model with a line break in its name adds nothing to its address, nor to what comes back', async () => {
    for (const model of ['m\r\nx-injected: 1', 'openai/m\r\nx-injected: 1', '\0', '..', '../../admin']) {
      const body = JSON.stringify({ ...hello, model })
      const answer = await rawCall(trunkline.url, { headers: [json], body })
      expect(answer.headers.has('x-injected')).toBe(false)
    }
    for (const { headers, url } of upstream.asked) {
      expect(headers).not.toHaveProperty('x-injected')
      expect(url).toMatch(/^\/(?:v1\/)?chat\/completions$/)
    }
  })
})
