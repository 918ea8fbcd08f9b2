/** Answers that we keep for clients of Responses whose provider keeps none, and those that a provider keeps. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answering, startAnswering } from '../support/answering.ts'
import { temporaryFolder } from '../support/data-folder.ts'
import { startTest, type TestTrunkline } from '../support/trunkline.ts'

interface Item {
  readonly id: string
  readonly type: string
  readonly role?: string
  readonly name?: string
  readonly call_id?: string
  readonly content?: readonly { readonly text: string }[]
}

interface Response {
  readonly id: string
  readonly status: string
  readonly output: readonly Item[]
}

let trunkline: TestTrunkline
beforeAll(async () => {
  trunkline = await startTest()
})
afterAll(() => trunkline.stop())

interface Answered<T = never> {
  readonly status: number
  readonly body: T
}

async function ask<T = Response>(
  body: object,
  { url = trunkline.url, headers = {} }: { url?: string; headers?: Record<string, string> } = {},
): Promise<Answered<T>> {
  const response = await fetch(`${url}/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'mock/echo', ...body }),
  })
  return { status: response.status, body: (await response.json()) as T }
}

async function at<T = Response>(
  path: string,
  {
    method = 'GET',
    url = trunkline.url,
    headers = {},
  }: { method?: string; url?: string; headers?: Record<string, string> } = {},
): Promise<Answered<T>> {
  const response = await fetch(`${url}/v1/responses/${path}`, { method, headers })
  return { status: response.status, body: (await response.json()) as T }
}

/** The events of a stream. */
async function streamed(body: object): Promise<{ readonly type: string; readonly response?: Response }[]> {
  const response = await fetch(`${trunkline.url}/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'mock/echo', stream: true, ...body }),
  })
  return [...(await response.text()).matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data as string))
}

const textsOf = (items: readonly Item[]): (string | undefined)[] => items.map(({ content }) => content?.[0]?.text)

const gone = { error: { message: expect.stringMatching(/^There is no response/), type: 'invalid_request_error' } }

describe('an answer that is kept', () => {
  test('is the one that came as a stream, under the id of all its events', async () => {
    const events = await streamed({ input: 'One' })
    const whole = events.at(-1)?.response
    expect(new Set(events.flatMap(({ response }) => (response ? [response.id] : [])))).toEqual(new Set([whole?.id]))
    const { status, body } = await at(whole?.id ?? '')
    expect([status, body]).toEqual([200, whole])
  })

  test('is there for a later process', async () => {
    using folder = temporaryFolder()
    const first = await startTest({ dataDir: folder.path })
    const { body } = await ask({ input: 'One' }, { url: first.url })
    await first.stop()
    await using second = await startTest({ dataDir: folder.path })
    expect(await at(body.id, { url: second.url })).toEqual({ status: 200, body })
    const next = await ask({ input: 'Two', previous_response_id: body.id }, { url: second.url })
    const items = await at<{ data: Item[] }>(`${next.body.id}/input_items?order=asc`, { url: second.url })
    expect(textsOf(items.body.data)).toEqual(['One', 'One', 'Two'])
  })

  test('belongs to its project, and is not there for another', async () => {
    using folder = temporaryFolder()
    await (await startTest({ dataDir: folder.path })).stop()
    {
      using database = new DatabaseSync(join(folder.path, 'config.db'))
      database.exec(`insert into projects (id, name, is_default, created_us) values ('other', 'Other', 0, 1)`)
    }
    await using both = await startTest({ dataDir: folder.path })
    const { url } = both
    const headers = { 'x-project-id': 'other' }
    const { body } = await ask({ input: 'One' }, { url, headers })
    expect((await at(body.id, { url, headers })).status).toBe(200)
    expect(await at(body.id, { url })).toMatchObject({ status: 404, body: gone })
    expect(await at(body.id, { url, method: 'DELETE' })).toMatchObject({ status: 404, body: gone })
    expect(await at(`${body.id}/input_items`, { url })).toMatchObject({ status: 404, body: gone })
    const next = await ask({ input: 'Two', previous_response_id: body.id }, { url })
    expect(next).toMatchObject({ status: 400, body: { error: { code: 'previous_response_not_found' } } })
    const reference = { type: 'item_reference', id: body.output[0]?.id }
    expect(await ask({ input: [reference] }, { url })).toMatchObject({
      status: 400,
      body: { error: { param: 'input[0]' } },
    })
    expect((await ask({ input: [reference] }, { url, headers })).status).toBe(200)
    expect((await at(body.id, { url, headers })).status).toBe(200)
  })

  test('can be deleted once', async () => {
    const { id } = (await ask({ input: 'One' })).body
    expect(await at(id, { method: 'DELETE' })).toEqual({ status: 200, body: { id, object: 'response', deleted: true } })
    expect(await at(id, { method: 'DELETE' })).toMatchObject({ status: 404, body: gone })
    expect(await ask({ input: 'Two', previous_response_id: id })).toMatchObject({
      status: 400,
      body: { error: { code: 'previous_response_not_found', param: 'previous_response_id' } },
    })
  })

  test('cannot be cancelled, since it is already there', async () => {
    const { id } = (await ask({ input: 'One' })).body
    expect(await at(`${id}/cancel`, { method: 'POST' })).toMatchObject({
      status: 400,
      body: { error: { param: 'response_id' } },
    })
    expect(await at('resp_tl_none/cancel', { method: 'POST' })).toMatchObject({ status: 404, body: gone })
  })

  test('is not streamed again, and has nothing else below it', async () => {
    const { id } = (await ask({ input: 'One' })).body
    expect(await at(`${id}?stream=true`)).toMatchObject({ status: 400, body: { error: { param: 'stream' } } })
    expect((await at(`${id}/output_items`)).status).toBe(404)
    expect((await at(`${id}/input_items`, { method: 'DELETE' })).status).toBe(404)
    expect((await at(id)).status).toBe(200)
  })

  test('is none when it failed, whenever that was', async () => {
    const before = await ask<{ error: object }>({ model: 'mock/error-503', input: 'One' })
    expect([before.status, before.body.error]).toEqual([503, expect.anything()])
    const events = await streamed({ model: 'mock/error-stream', input: 'One two three four five six' })
    const id = events.find(({ response }) => response)?.response?.id ?? ''
    expect(id).toMatch(/^resp_tl_/)
    expect(events.map(({ type }) => type)).not.toContain('response.completed')
    expect(await at(id)).toMatchObject({ status: 404, body: gone })
  })
})

describe('what led to an answer', () => {
  test('is listed newest first, page by page', async () => {
    const input = ['One', 'Two', 'Three', 'Four', 'Five'].map((content) => ({ role: 'user', content }))
    const { id } = (await ask({ input })).body
    const seen: (string | undefined)[] = []
    let after = ''
    for (let page = 0; page < 3; page++) {
      const { body } = await at<{ data: Item[]; has_more: boolean; first_id: string; last_id: string }>(
        `${id}/input_items?limit=2${after && `&after=${after}`}`,
      )
      seen.push(...textsOf(body.data))
      expect([body.first_id, body.last_id, body.has_more]).toEqual([body.data[0]?.id, body.data.at(-1)?.id, page < 2])
      after = body.last_id
    }
    expect(seen).toEqual(['Five', 'Four', 'Three', 'Two', 'One'])
  })

  test.each(['0', '101', 'many', '1.5', '-1'])('is not listed %s at a time', async (limit) => {
    const { id } = (await ask({ input: 'One' })).body
    expect(await at(`${id}/input_items?limit=${limit}`)).toMatchObject({
      status: 400,
      body: { error: { param: 'limit' } },
    })
  })

  test('has an id for every item, never the same twice, over several turns', async () => {
    const first = (await ask({ input: 'One' })).body
    const second = (await ask({ input: 'Two', previous_response_id: first.id })).body
    const third = (await ask({ input: 'Three', previous_response_id: second.id })).body
    const { data } = (await at<{ data: Item[] }>(`${third.id}/input_items?order=asc&limit=100`)).body
    expect(textsOf(data)).toEqual(['One', 'One', 'Two', 'Two', 'Three'])
    expect(new Set(data.map(({ id }) => id)).size).toBe(5)
  })

  test('has calls of tools and what came of them', async () => {
    const tools = [{ type: 'function', name: 'add', parameters: { type: 'object', properties: {} } }]
    const first = (await ask({ model: 'mock/tools', input: 'Add.', tools })).body
    const call = first.output.find(({ type }) => type === 'function_call') as Item
    const output = { type: 'function_call_output', call_id: call.call_id, output: '3' }
    const second = await ask({ model: 'mock/tools', tools, input: [output], previous_response_id: first.id })
    expect([second.status, JSON.stringify(second.body.output)]).toEqual([200, expect.stringContaining('3')])
    const { data } = (await at<{ data: Item[] }>(`${second.body.id}/input_items?order=asc`)).body
    expect(data.map(({ type }) => type)).toEqual(['message', 'function_call', 'function_call_output'])
  })
})

describe('a provider that keeps its answers itself', () => {
  let upstream: Answering
  let own: TestTrunkline
  const bodies: Record<string, unknown>[] = []
  const theirs = { id: 'resp_theirs', object: 'response', status: 'completed', model: 'gpt-x', output: [], usage: null }

  beforeAll(async () => {
    upstream = await startAnswering((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        if (chunks.length > 0) bodies.push(JSON.parse(Buffer.concat(chunks).toString()))
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(theirs))
      })
    })
    own = await startTest({ settings: { 'providers.openai.base_url': upstream.url, 'providers.openai.api_key': 'k' } })
  })
  afterAll(async () => {
    await own.stop()
    await upstream[Symbol.asyncDispose]()
  })

  const send = (body: object): Promise<Answered> => {
    bodies.length = 0
    return ask<never>({ model: 'openai/gpt-x', ...body }, { url: own.url })
  }

  test('gets the request as it came, state and all', async () => {
    for (const body of [
      { input: 'Hi', store: true, previous_response_id: 'resp_theirs' },
      { input: [{ type: 'item_reference', id: 'msg_theirs' }], conversation: 'conv_1', background: true },
      { input: 'Hi', previous_response_id: null },
    ]) {
      expect(await send(body)).toEqual({ status: 200, body: theirs })
      expect(bodies).toEqual([{ model: 'gpt-x', ...body }])
    }
  })

  test('is not kept twice: its ids are its own', async () => {
    expect((await send({ input: 'Hi' })).body).toMatchObject({ id: 'resp_theirs' })
    const before = upstream.asked.length
    expect(await at('resp_theirs', { url: own.url })).toEqual({ status: 200, body: theirs })
    expect(upstream.asked.slice(before).map(({ method, url }) => [method, url])).toEqual([
      ['GET', '/responses/resp_theirs'],
    ])
  })

  test('gets what was said before in full where another provider said it', async () => {
    const first = (await ask({ input: 'One' }, { url: own.url })).body
    expect(await send({ input: 'Two', previous_response_id: first.id, own_field: 1 })).toEqual({
      status: 200,
      body: theirs,
    })
    const [sent] = bodies
    expect(sent).toMatchObject({ model: 'gpt-x', own_field: 1 })
    expect(sent).not.toHaveProperty('previous_response_id')
    expect(textsOf((sent?.input ?? []) as Item[]).slice(0, 2)).toEqual(['One', 'One'])
    expect(((sent?.input ?? []) as unknown[])[2]).toEqual({ role: 'user', content: 'Two' })
  })

  test('gets the items themselves that we keep, and references to its own as they came', async () => {
    const first = (await ask({ input: 'One' }, { url: own.url })).body
    const references = [first.output[0]?.id, 'msg_theirs'].map((id) => ({ type: 'item_reference', id }))
    expect((await send({ input: references, previous_response_id: 'resp_theirs' })).status).toBe(200)
    const { input, ...rest } = bodies[0] ?? {}
    expect(rest).toEqual({ model: 'gpt-x', previous_response_id: 'resp_theirs' })
    expect(input).toEqual([first.output[0], references[1]])
  })

  test('is not asked to go on from what nobody knows', async () => {
    const answer = await send({ input: 'Two', previous_response_id: 'resp_tl_none' })
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'previous_response_not_found' } } })
    expect(bodies).toEqual([])
  })

  test('of another provider is said to know nothing of it', async () => {
    const answer = await ask({ input: 'Two', previous_response_id: 'resp_theirs' }, { url: own.url })
    expect(answer).toMatchObject({ status: 400, body: { error: { param: 'previous_response_id' } } })
  })
})
