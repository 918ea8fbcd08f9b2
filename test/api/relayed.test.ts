/** What is no chat and goes to a provider all the same: counts of tokens, and answers that the provider keeps itself. */
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SettingKey } from '../../src/config/settings.ts'
import { type Answering, startAnswering } from '../support/answering.ts'
import { rawCall } from '../support/raw-http.ts'
import { startTest, type TestTrunkline } from '../support/trunkline.ts'

const ours = 'key-of-the-operator'
const theirs = 'key-of-the-client'

/** Every header in which a client may have a key. */
const clientKeys = {
  authorization: `Bearer ${theirs}`,
  'x-api-key': theirs,
  'x-goog-api-key': theirs,
  'api-key': theirs,
}

type Say = (request: IncomingMessage, response: ServerResponse) => void

const saying =
  (body: object | string | Buffer, status = 200, headers: Record<string, string> = {}): Say =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body))
  }

let upstream: Answering
let trunkline: TestTrunkline
let say: Say
let bodies: string[]

/** What the provider was asked since the test began. */
let from = 0
const asked = (): IncomingMessage[] => upstream.asked.slice(from)

beforeAll(async () => {
  upstream = await startAnswering((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      bodies.push(Buffer.concat(chunks).toString())
      say(request, response)
    })
  })
  const settings: Partial<Record<SettingKey, string>> = { 'timeouts.total_ms': '1000' }
  for (const name of ['openai', 'anthropic', 'gemini'] as const) {
    settings[`providers.${name}.base_url`] = upstream.url
    settings[`providers.${name}.api_key`] = ours
  }
  // Its address is known, its key is not.
  settings['providers.vertex.base_url'] = upstream.url
  settings['providers.deepseek.base_url'] = upstream.url
  trunkline = await startTest({ settings })
})
afterAll(async () => {
  await trunkline.stop()
  await upstream[Symbol.asyncDispose]()
})

function answeredBy(next: Say): void {
  say = next
  bodies = []
  from = upstream.asked.length
}

const json = async (response: Response): Promise<unknown> => JSON.parse(await response.text())

describe('an answer that OpenAI keeps itself', () => {
  const at = (path: string, method = 'GET'): Promise<Response> =>
    fetch(`${trunkline.url}/v1/responses/${path}`, { method, headers: clientKeys })

  test.each([
    ['GET', 'resp_abc', '/responses/resp_abc'],
    [
      'GET',
      'resp_abc?include=file_search_call.results&starting_after=3',
      '/responses/resp_abc?include=file_search_call.results&starting_after=3',
    ],
    ['GET', 'resp_abc/input_items?limit=2&order=asc', '/responses/resp_abc/input_items?limit=2&order=asc'],
    ['DELETE', 'resp_abc', '/responses/resp_abc'],
    ['POST', 'resp_abc/cancel', '/responses/resp_abc/cancel'],
  ])('is asked for by %s %s', async (method, path, sent) => {
    answeredBy(saying({ id: 'resp_abc', object: 'response' }, 200, { 'x-request-id': 'req_1' }))
    const response = await at(path, method)
    expect([response.status, await json(response)]).toEqual([200, { id: 'resp_abc', object: 'response' }])
    expect([response.headers.get('x-provider-name'), response.headers.get('x-request-id')]).toEqual(['openai', 'req_1'])
    expect(asked().map((request) => [request.method, request.url])).toEqual([[method, sent]])
  })

  test('is asked for with the key of the operator and no other', async () => {
    answeredBy(saying({}))
    await at('resp_abc')
    expect(asked()[0]?.headers.authorization).toBe(`Bearer ${ours}`)
    expect(JSON.stringify(asked()[0]?.headers)).not.toContain(theirs)
  })

  test('is not there in the provider’s own words', async () => {
    const error = { error: { message: 'Response not found.', type: 'invalid_request_error', param: null, code: null } }
    answeredBy(saying(error, 404))
    const response = await at('resp_gone')
    expect([response.status, await json(response)]).toEqual([404, error])
  })

  test('does not say back the key that the provider did not like', async () => {
    answeredBy(saying({ error: { message: `Incorrect API key provided: ${ours}.` } }, 401))
    const response = await at('resp_abc')
    expect([response.status, await response.text()]).toEqual([401, expect.stringContaining('provided: [key].')])
  })

  test.each(['gzip', 'x-gzip', 'GZIP'])('is unpacked when it comes in %s', async (encoding) => {
    answeredBy(saying(gzipSync('{"id":"resp_abc"}'), 200, { 'content-encoding': encoding }))
    const response = await at('resp_abc')
    expect([response.headers.get('content-encoding'), await json(response)]).toEqual([null, { id: 'resp_abc' }])
  })

  test('comes as it is when its encoding says nothing', async () => {
    answeredBy(saying('{"id":"resp_abc"}', 200, { 'content-encoding': 'identity' }))
    expect(await json(await at('resp_abc'))).toEqual({ id: 'resp_abc' })
  })

  test('is refused in an encoding that nobody knows', async () => {
    answeredBy(saying('{"id":"resp_abc"}', 200, { 'content-encoding': 'rot13' }))
    const response = await at('resp_abc')
    expect([response.status, await json(response)]).toMatchObject([502, { error: { code: 'upstream_invalid' } }])
  })

  test.each([
    ['never begins', (): void => undefined],
    ['never ends', (_: IncomingMessage, response: ServerResponse): unknown => response.writeHead(200).write('{"id":')],
  ])('is not waited for when it %s', async (_, next) => {
    answeredBy(next)
    const response = await at('resp_abc')
    expect([response.status, await json(response)]).toMatchObject([504, { error: { code: 'timeout_total' } }])
  })

  test('that breaks off is none', async () => {
    answeredBy((_request, response) => {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('{"id":')
      setImmediate(() => response.destroy())
    })
    const response = await at('resp_abc')
    expect([response.status, await json(response)]).toMatchObject([502, { error: { code: 'upstream_cut' } }])
  })

  test.each([
    '../files',
    '%2e%2e/files',
    '..%2ffiles',
    'resp_abc/../../files',
    'resp_abc/input_items/../../../files',
    'resp_abc/input_items/1',
    'resp_abc/content',
    '/files',
    'resp_abc%3Fa=b',
    'resp abc',
    '.',
    '..',
    'resp_abc%00',
  ])('is nothing at %s, and the provider is not asked', async (path) => {
    answeredBy(saying({ data: 'of all others' }))
    for (const method of ['GET', 'DELETE', 'POST']) {
      const target = `/v1/responses/${path.replaceAll(' ', '%20')}`
      const { status, body } = await rawCall(trunkline.url, {
        method,
        target,
        headers: ['content-type: application/json', 'content-length: 0'],
      })
      expect([method, status, body.includes('of all others')]).toEqual([method, 404, false])
    }
    expect(asked()).toEqual([])
  })

  test('is not asked for where `openai` is a host that has no Responses', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'trunkline-relayed-'))
    const openai = { base_url: upstream.url, api_key: ours, dialects: ['openai-chat'] }
    await writeFile(join(folder.path, 'trunkline.yaml'), JSON.stringify({ providers: { openai } }))
    await using chats = await startTest({ dataDir: folder.path })
    answeredBy(saying({}))
    expect((await fetch(`${chats.url}/v1/responses/resp_abc`)).status).toBe(404)
    expect(asked()).toEqual([])
  })
})

describe('a count of tokens', () => {
  const count = (body: object, headers: Record<string, string> = clientKeys): Promise<Response> =>
    fetch(`${trunkline.url}/v1/messages/count_tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  const geminiCount = (path: string, body: object): Promise<Response> =>
    fetch(`${trunkline.url}/gemini/v1beta/models/${path}:countTokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...clientKeys },
      body: JSON.stringify(body),
    })
  const ask = { model: 'anthropic/claude-x', messages: [{ role: 'user', content: 'Hi' }], own_field: { a: 1 } }

  test('is asked for byte for byte where client and provider speak the same', async () => {
    answeredBy(saying('{"input_tokens":8, "own":true}', 200, { 'request-id': 'req_1' }))
    const response = await count(ask, {
      ...clientKeys,
      'anthropic-beta': 'some-beta',
      'anthropic-version': '2099-01-01',
    })
    expect([response.status, await response.text()]).toEqual([200, '{"input_tokens":8, "own":true}'])
    expect([response.headers.get('request-id'), response.headers.get('x-trunkline-estimated')]).toEqual(['req_1', null])
    expect(bodies).toEqual([JSON.stringify({ ...ask, model: 'claude-x' })])
    expect(asked()[0]).toMatchObject({
      url: '/v1/messages/count_tokens',
      headers: { 'x-api-key': ours, 'anthropic-beta': 'some-beta', 'anthropic-version': '2099-01-01' },
    })
    expect(JSON.stringify(asked()[0]?.headers)).not.toContain(theirs)
  })

  test('of Gemini names the model as the provider does, wherever it stands', async () => {
    answeredBy(saying({ totalTokens: 5, own: true }))
    const contents = [{ role: 'user', parts: [{ text: 'Hi' }] }]
    const inner = { model: 'models/gemini/gemini-x', contents, own_field: 1 }
    const response = await geminiCount('gemini/gemini-x', { generateContentRequest: inner })
    expect(await json(response)).toEqual({ totalTokens: 5, own: true })
    expect([asked()[0]?.url, bodies]).toEqual([
      '/models/gemini-x:countTokens',
      [JSON.stringify({ generateContentRequest: { ...inner, model: 'models/gemini-x' } })],
    ])
    expect([asked()[0]?.headers['x-goog-api-key'], JSON.stringify(asked()[0]?.headers).includes(theirs)]).toEqual([
      ours,
      false,
    ])
  })

  test('is asked for in the provider’s words where they differ', async () => {
    answeredBy(saying({ totalTokens: 12, promptTokensDetails: [] }))
    const response = await count({ ...ask, model: 'gemini/gemini-x', system: 'Be brief.', own_field: undefined })
    expect([await json(response), response.headers.get('x-provider-name')]).toEqual([{ input_tokens: 12 }, 'gemini'])
    expect(JSON.parse(bodies[0] as string)).toMatchObject({
      generateContentRequest: {
        model: 'models/gemini-x',
        contents: [{ role: 'user', parts: [{ text: 'Hi' }] }],
        systemInstruction: { parts: [{ text: 'Be brief.' }] },
      },
    })
  })

  test('is estimated, and said to be, where the provider does not count', async () => {
    answeredBy(saying({}))
    const response = await count({ ...ask, model: 'openai/gpt-x' })
    expect([response.status, response.headers.get('x-trunkline-estimated')]).toEqual([200, 'tokens'])
    expect(await json(response)).toEqual({ input_tokens: expect.any(Number) })
    expect(asked()).toEqual([])
  })

  test('never takes a client’s key to another provider, or to another address', async () => {
    answeredBy(saying({ totalTokens: 1, input_tokens: 1 }))
    await count({ ...ask, model: 'vertex/gemini-x' })
    await geminiCount('vertex/gemini-x', { contents: [{ parts: [{ text: 'Hi' }] }] })
    await count({ ...ask, model: 'deepseek/some' })
    expect(asked().length).toBe(3)
    for (const { headers, url } of asked()) expect(JSON.stringify([headers, url])).not.toContain(theirs)
  })

  test('is refused in the client’s own words, whoever refuses', async () => {
    answeredBy(saying({ error: { code: 404, message: 'models/gemini-x is not found.', status: 'NOT_FOUND' } }, 404))
    const response = await count({ ...ask, model: 'gemini/gemini-x' })
    expect([response.status, await json(response)]).toMatchObject([
      404,
      { type: 'error', error: { type: 'not_found_error', message: 'models/gemini-x is not found.' } },
    ])
    const error = { type: 'error', error: { type: 'not_found_error', message: 'No.' }, request_id: 'req_1' }
    answeredBy(saying(error, 404))
    const native = await count(ask)
    expect([native.status, await json(native)]).toEqual([404, error])
  })

  test.each([
    ['no JSON', '<html>'],
    ['no count', '{"total":1}'],
    ['a count that is none', '{"input_tokens":"many"}'],
  ])('that is %s is not passed off as one', async (_, body) => {
    answeredBy(saying(body))
    const response = await count(ask)
    expect([response.status, await json(response)]).toMatchObject([
      502,
      { type: 'error', error: { type: 'api_error' } },
    ])
  })

  test('is not waited for for ever', async () => {
    answeredBy(() => undefined)
    expect((await count(ask)).status).toBe(504)
  })

  test.each([
    ['no model', { messages: [] }],
    ['no JSON object', []],
    ['a model twice', '{"model":"anthropic/a","model":"anthropic/b","messages":[]}'],
  ])('of a request with %s is refused here', async (_, body) => {
    answeredBy(saying({ input_tokens: 1 }))
    const response = await fetch(`${trunkline.url}/v1/messages/count_tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    expect([response.status, await json(response)]).toMatchObject([400, { error: { type: 'invalid_request_error' } }])
    expect(asked()).toEqual([])
  })
})
