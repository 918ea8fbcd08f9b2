import { describe, expect, test } from 'vitest'
import { toTraceId } from '../../src/core/ids.ts'
import { startAnswering } from '../support/answering.ts'
import { callIn, startTest } from '../support/trunkline.ts'

const hello = { model: 'mock/echo', messages: [{ role: 'user', content: 'Hello there' }] }
const ids = ['x-trace-id', 'x-run-id', 'x-thread-id', 'x-provider-name', 'x-model-name'] as const

const post = async (url: string, headers: Record<string, string> = {}, body: unknown = hello): Promise<Response> => {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  await response.arrayBuffer()
  return response
}

const idsOf = (response: Response): Record<string, string | null> =>
  Object.fromEntries(ids.map((name) => [name, response.headers.get(name)]))

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const parentId = '00f067aa0ba902b7'

describe('what a call belongs to', () => {
  test('is told by headers', async () => {
    await using trunkline = await startTest()
    const response = await post(trunkline.url, {
      'x-run-id': 'run 1/ä',
      'x-thread-id': 'thread-1',
      'x-thread-title': 'A title',
      'x-label': 'greeter',
      'x-tags': 'team=rail&urgent&__proto__=x',
      'x-client-ip': '203.0.113.9',
      'x-project-id': 'default',
      'user-agent': 'a-test/1',
    })
    expect(idsOf(response)).toMatchObject({
      'x-thread-id': 'thread-1',
      'x-provider-name': 'mock',
      'x-model-name': 'mock/echo',
    })
    const view = await trunkline.trace(response.headers.get('x-trace-id'))
    expect(view.trace).toMatchObject({ runId: 'run 1/ä', threadId: 'thread-1', label: 'greeter' })
    const { detail } = callIn(view)
    expect(detail).toMatchObject({ threadTitle: 'A title', clientIp: '203.0.113.9', userAgent: 'a-test/1' })
    expect(Object.entries(detail.tags ?? {})).toEqual([
      ['team', 'rail'],
      ['urgent', '-'],
      ['__proto__', 'x'],
    ])
  })

  for (const prefix of ['trunkline', 'vllora']) {
    test(`is told by baggage as ${prefix}.run_id and its like`, async () => {
      await using trunkline = await startTest()
      const given = {
        run_id: 'run-1',
        thread_id: 'Łódź 1',
        thread_title: 'Ça va, Ł?',
        label: 'über',
        project_id: 'default',
      }
      const entries = Object.entries(given).map(
        ([key, value]) => `${prefix}.${key}=${encodeURIComponent(value)};meta=1`,
      )
      const response = await post(trunkline.url, {
        baggage: ['other=1', ...entries, 'broken', 'trunkline.run_id2=%'].join(' , '),
      })
      expect(response.status).toBe(200)
      const view = await trunkline.trace(response.headers.get('x-trace-id'))
      expect(view.trace).toMatchObject({ runId: 'run-1', threadId: 'Łódź 1', label: 'über' })
      expect(callIn(view).detail.threadTitle).toBe('Ça va, Ł?')
    })
  }

  test('is told by the header where baggage says otherwise, and by baggage where the header is empty', async () => {
    await using trunkline = await startTest()
    const baggage = 'trunkline.run_id=by-baggage,trunkline.thread_id=by-baggage'
    const response = await post(trunkline.url, { 'x-run-id': 'by-header', 'x-thread-id': '', baggage })
    expect(idsOf(response)).toMatchObject({ 'x-run-id': 'by-header', 'x-thread-id': 'by-baggage' })
  })

  test('is a run of its own and no thread when nobody says', async () => {
    await using trunkline = await startTest()
    const [first, second] = [await post(trunkline.url), await post(trunkline.url)]
    expect(first.headers.get('x-run-id')).toMatch(/^[0-9a-f-]{32,36}$/)
    expect(first.headers.get('x-run-id')).not.toBe(second.headers.get('x-run-id'))
    expect(first.headers.has('x-thread-id')).toBe(false)
    const { trace } = await trunkline.trace(first.headers.get('x-trace-id'))
    expect(trace.runId).toBe(first.headers.get('x-run-id'))
    expect(trace.threadId).toBeUndefined()
  })

  test('goes no further than Trunkline', async () => {
    await using upstream = await startAnswering({ body: '{}' })
    await using trunkline = await startTest({ settings: { 'providers.openai.base_url': upstream.url } })
    const ours = {
      'x-run-id': 'r',
      'x-thread-id': 't',
      'x-thread-title': 'T',
      'x-label': 'l',
      'x-tags': 'a=1',
      'x-project-id': 'default',
      baggage: 'trunkline.label=x',
      traceparent: `00-${traceId}-${parentId}-01`,
      cookie: 'secret=1',
      origin: trunkline.url,
      'x-api-key': 'secret',
      'x-forwarded-for': '203.0.113.9',
    }
    await post(trunkline.url, ours, { ...hello, model: 'm' })
    const [seen] = upstream.asked
    expect(Object.keys(ours).filter((name) => name in (seen?.headers ?? {}))).toEqual([])
    expect(seen?.headers['user-agent']).toMatch(/^trunkline\//)
  })
})

describe('the trace id', () => {
  test('is that of traceparent, and the call is a child of the span in it', async () => {
    await using trunkline = await startTest()
    const response = await post(trunkline.url, { traceparent: `00-${traceId}-${parentId}-01` })
    expect(response.headers.get('x-trace-id')).toBe(traceId)
    const view = await trunkline.trace(traceId)
    expect(callIn(view).parentId).toBe(parentId)
  })

  for (const [name, traceparent] of [
    ['too short', `00-${traceId.slice(1)}-${parentId}-01`],
    ['all zeros', `00-${'0'.repeat(32)}-${parentId}-01`],
    ['with a span id of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['in capitals', `00-${traceId.toUpperCase()}-${parentId}-01`],
    ['of the version that means none', `ff-${traceId}-${parentId}-01`],
    ['nonsense', 'nonsense'],
    ['empty', ''],
  ] as const) {
    test(`is a new one when traceparent is ${name}`, async () => {
      await using trunkline = await startTest()
      const response = await post(trunkline.url, { traceparent })
      const made = response.headers.get('x-trace-id')
      expect(response.status).toBe(200)
      expect(made).toMatch(/^[0-9a-f]{12}7[0-9a-f]{19}$/)
      expect(made).not.toBe(traceId)
      expect(callIn(await trunkline.trace(made)).parentId).toBeUndefined()
    })
  }

  test('is found as it is, with dashes, in capitals and by its beginning', async () => {
    await using trunkline = await startTest()
    const id = (await post(trunkline.url)).headers.get('x-trace-id') ?? ''
    const dashed = id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    for (const written of [id, dashed, dashed.toUpperCase(), id.slice(0, 20)]) {
      expect((await trunkline.trace(toTraceId(written))).trace.traceId).toBe(id)
    }
  })

  test('is shared by the calls of one trace', async () => {
    await using trunkline = await startTest()
    const headers = { traceparent: `00-${traceId}-${parentId}-01`, 'x-run-id': 'r' }
    await post(trunkline.url, headers)
    await post(trunkline.url, headers)
    const { trace, spans } = await trunkline.trace(traceId)
    expect(trace.calls).toBe(2)
    expect(spans.map(({ kind }) => kind).toSorted()).toEqual(['attempt', 'attempt', 'call', 'call'])
  })
})

describe('the ids come back on errors too', () => {
  const asked = { traceparent: `00-${traceId}-${parentId}-01`, 'x-run-id': 'r', 'x-thread-id': 't' }
  const base = {
    'x-trace-id': traceId,
    'x-run-id': 'r',
    'x-thread-id': 't',
    'x-provider-name': null,
    'x-model-name': null,
  }
  const named = (model: string, provider: string | null): object => ({
    ...base,
    'x-model-name': model,
    'x-provider-name': provider,
  })

  for (const [name, status, body, expected] of [
    ['of a body that cannot be read', 400, { model: 7 }, base],
    ['without a credential', 401, { ...hello, model: 'gpt-5' }, named('gpt-5', 'openai')],
    ['that a provider answered', 429, { ...hello, model: 'mock/error-429' }, named('mock/error-429', 'mock')],
    ['of a provider that cannot be reached', 502, { ...hello, model: 'mock/refuse' }, named('mock/refuse', 'mock')],
    ['of a model that is not there', 404, { ...hello, model: 'mock/nobody' }, named('mock/nobody', 'mock')],
  ] as const) {
    test(name, async () => {
      await using trunkline = await startTest()
      const response = await post(trunkline.url, asked, body)
      expect([response.status, idsOf(response)]).toEqual([status, expected])
    })
  }
})

describe("the provider's headers", () => {
  const passed = {
    'retry-after': '7',
    'x-request-id': 'req_1',
    'x-ratelimit-limit-requests': '60',
    'x-ratelimit-remaining-tokens': '0',
    'x-ratelimit-reset-requests': '1s',
    'openai-processing-ms': '12',
    'openai-organization': 'org-1',
    'x-note': Buffer.from('für 😀').toString('latin1'),
  }
  const kept = {
    'set-cookie': ['a=1', 'b=2'],
    'access-control-allow-origin': '*',
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': 'x-request-id',
    'strict-transport-security': 'max-age=1',
    'alt-svc': 'h3=":443"',
    'keep-alive': 'timeout=99, max=3',
    'proxy-authenticate': 'Basic',
    server: 'cloudflare',
    upgrade: 'h2c',
    'x-hop': 'of the connection only',
    connection: 'keep-alive, x-hop',
    // Of another gateway on the way, whose ids would be taken for ours.
    'x-thread-id': 'theirs',
    'x-run-id': 'theirs',
    'x-trace-id': 'theirs',
    'x-model-name': 'theirs',
    'x-provider-name': 'theirs',
  }
  const problem = { message: 'Slow down.', type: 'requests', param: null, code: 'rate_limit_exceeded' }

  for (const [name, status, body, type] of [
    ['an answer', 200, '{"choices":[]}', 'application/json'],
    ['a stream', 200, 'data: {"choices":[]}\n\ndata: [DONE]\n\n', 'text/event-stream'],
    ['an error that passes as it came', 429, JSON.stringify({ error: problem }), 'application/json'],
    ['an error that is rewritten', 429, 'Slow down.', 'text/plain'],
  ] as const) {
    test(`with ${name}: hints, limits and ids reach the client, and nothing of the connection or for pages`, async () => {
      await using upstream = await startAnswering({
        status,
        headers: { ...kept, ...passed, 'content-type': type },
        body,
      })
      await using trunkline = await startTest({ settings: { 'providers.openai.base_url': upstream.url } })
      const response = await post(trunkline.url, {}, { ...hello, model: 'm', stream: type === 'text/event-stream' })
      expect(response.status).toBe(status)
      expect(Object.fromEntries(Object.keys(passed).map((key) => [key, response.headers.get(key)]))).toEqual(passed)
      const theirs = Object.entries(kept).filter(([key, value]) => response.headers.get(key) === String(value))
      expect(theirs).toEqual([])
      expect(response.headers.getSetCookie()).toEqual([])
      expect(response.headers.get('x-hop')).toBeNull()
      expect(idsOf(response)).toMatchObject({ 'x-thread-id': null, 'x-provider-name': 'openai', 'x-model-name': 'm' })
      expect(response.headers.get('content-type')).toBe(status === 429 ? 'application/json' : type)
    })
  }

  test("the id for the provider's support is in the trace", async () => {
    await using upstream = await startAnswering({ headers: { 'x-request-id': 'req_1' }, body: '{}' })
    await using trunkline = await startTest({ settings: { 'providers.openai.base_url': upstream.url } })
    const response = await post(trunkline.url, {}, { ...hello, model: 'm' })
    const { spans } = await trunkline.trace(response.headers.get('x-trace-id'))
    expect(spans[1]?.detail).toMatchObject({ providerRequestId: 'req_1' })
  })
})
