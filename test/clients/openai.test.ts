import OpenAI, { APIConnectionTimeoutError, APIError, APIUserAbortError } from 'openai'
import type { ChatCompletionChunk, ChatCompletionCreateParamsNonStreaming } from 'openai/resources/chat/completions'
import { describe, expect, test, vi } from 'vitest'
import { dataUrlOf } from '../../src/dialects/media.ts'
import { startAnswering } from '../support/answering.ts'
import { type Exchange, index, load, noRecordings, recordingsFolder } from '../support/recordings.ts'
import { type ReplayOptions, type ReplayUpstream, startReplayUpstream } from '../support/replay-upstream.ts'
import { attemptsIn, callIn, startTest, type TestTrunkline } from '../support/trunkline.ts'

const hello = { model: 'mock/echo', messages: [{ role: 'user' as const, content: 'Hello there' }] }

/** The vendor's own client, as a program of a user has it: only the address is ours. */
const clientOf = ({ url }: TestTrunkline, options: object = {}): OpenAI =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey: 'anything', maxRetries: 0, ...options })

async function collected(stream: AsyncIterable<ChatCompletionChunk>): Promise<ChatCompletionChunk[]> {
  const chunks: ChatCompletionChunk[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks
}

const textOf = (chunks: readonly ChatCompletionChunk[]): string =>
  chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')

const finishOf = (chunks: readonly ChatCompletionChunk[]): string | null | undefined =>
  chunks.findLast(({ choices }) => choices[0]?.finish_reason)?.choices[0]?.finish_reason

/** Whatever the call throws; a call that succeeds is a failure here. */
async function thrownBy(call: PromiseLike<unknown>): Promise<InstanceType<typeof APIError>> {
  const outcome = await Promise.resolve(call).then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(outcome).toBeInstanceOf(APIError)
  return outcome as InstanceType<typeof APIError>
}

const newTraceId = (): string => crypto.randomUUID().replaceAll('-', '')
const inTrace = (traceId: string): { headers: Record<string, string> } => ({
  headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
})

test('a whole answer', async () => {
  await using trunkline = await startTest()
  const { data, response } = await clientOf(trunkline).chat.completions.create(hello).withResponse()
  expect(data.choices[0]).toMatchObject({
    message: { role: 'assistant', content: 'Hello there' },
    finish_reason: 'stop',
  })
  expect(data.usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 3, total_tokens: 6 })
  const { trace } = await trunkline.trace(response.headers.get('x-trace-id'))
  expect(trace).toMatchObject({ status: 'ok', httpStatus: 200, model: 'mock/echo', inputTokens: 3, outputTokens: 3 })
})

describe('a stream', () => {
  test('has the content in pieces, the reason at its end, and no usage that nobody asked for', async () => {
    await using trunkline = await startTest()
    const { data, response } = await clientOf(trunkline)
      .chat.completions.create({ ...hello, stream: true })
      .withResponse()
    const chunks = await collected(data)
    expect([textOf(chunks), finishOf(chunks)]).toEqual(['Hello there', 'stop'])
    expect(chunks.length).toBeGreaterThan(2)
    expect(chunks.filter((chunk) => chunk.usage !== undefined)).toEqual([])
    const { trace } = await trunkline.trace(response.headers.get('x-trace-id'))
    expect(trace).toMatchObject({ status: 'ok', inputTokens: 3, outputTokens: 3 })
  })

  test('has the usage as its last chunk when it was asked for', async () => {
    await using trunkline = await startTest()
    const options = { stream: true, stream_options: { include_usage: true } } as const
    const chunks = await collected(await clientOf(trunkline).chat.completions.create({ ...hello, ...options }))
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 3 } })
    expect(chunks.slice(0, -1).filter((chunk) => chunk.usage)).toEqual([])
  })

  test("is put together by the SDK's own helper", async () => {
    await using trunkline = await startTest()
    const deltas: string[] = []
    const stream = clientOf(trunkline).chat.completions.stream(hello)
    stream.on('content', (delta) => deltas.push(delta))
    expect(await stream.finalContent()).toBe('Hello there')
    expect(deltas).toEqual(['Hello', ' there'])
  })
})

describe('tools over two turns', () => {
  const weather = {
    type: 'function',
    function: {
      name: 'get_weather',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
  } as const
  const asked = {
    model: 'mock/tools',
    tools: [weather],
    messages: [{ role: 'user' as const, content: 'Warm in Rome?' }],
  }

  for (const stream of [false, true]) {
    test(stream ? 'streamed' : 'whole', async () => {
      await using trunkline = await startTest()
      const client = clientOf(trunkline)
      const turn = async (messages: OpenAI.ChatCompletionMessageParam[]): Promise<OpenAI.ChatCompletionMessage> => {
        const headers = { 'x-thread-id': 'weather' }
        if (!stream) {
          const answer = await client.chat.completions.create({ ...asked, messages }, { headers })
          return answer.choices[0]?.message as OpenAI.ChatCompletionMessage
        }
        return await client.chat.completions.stream({ ...asked, messages }, { headers }).finalMessage()
      }
      const first = await turn(asked.messages)
      const [call] = first.tool_calls ?? []
      expect(call).toMatchObject({ type: 'function', function: { name: 'get_weather', arguments: '{"city":"mock"}' } })
      const result = { role: 'tool' as const, tool_call_id: call?.id ?? '', content: '21 °C' }
      const second = await turn([...asked.messages, first, result])
      expect(second.content).toBe('The tools answered. get_weather: 21 °C')

      const { traces } = await trunkline.ask('listTraces', {
        project: 'default',
        filter: { threadId: 'weather' },
        page: { limit: 10 },
      })
      expect(traces.map(({ status }) => status)).toEqual(['ok', 'ok'])
      const { conversation } = callIn(await trunkline.trace(traces[0]?.traceId))
      expect(conversation?.messages.map(({ parts }) => parts.map(({ kind }) => kind))).toEqual([
        ['text'],
        ['tool-call'],
        ['tool-result'],
      ])
    })
  }

  test("run by the SDK's own loop", async () => {
    await using trunkline = await startTest()
    const cities: unknown[] = []
    const get_weather = (given: object): string => {
      cities.push(given)
      return '21 °C'
    }
    const parameters = { ...weather.function.parameters, required: ['city'] }
    const runnable = {
      name: 'get_weather',
      description: 'How warm it is',
      parameters,
      parse: JSON.parse,
      function: get_weather,
    }
    const runner = clientOf(trunkline).chat.completions.runTools({
      ...asked,
      tools: [{ type: 'function', function: runnable }],
    })
    expect(await runner.finalContent()).toBe('The tools answered. get_weather: 21 °C')
    expect(cities).toEqual([{ city: 'mock' }])
  })
})

test('structured output, parsed by the SDK', async () => {
  await using trunkline = await startTest()
  const schema = {
    type: 'object',
    properties: {
      name: { type: 'string' },
      age: { type: 'integer', minimum: 18 },
      tags: { type: 'array', items: { type: 'string' } },
    },
    required: ['name', 'age', 'tags'],
    additionalProperties: false,
  }
  const answer = await clientOf(trunkline).chat.completions.parse({
    ...hello,
    model: 'mock/json',
    response_format: { type: 'json_schema', json_schema: { name: 'person', strict: true, schema } },
  })
  expect(answer.choices[0]?.message.parsed).toEqual({ name: 'mock', age: 18, tags: [] })
})

describe('the models', () => {
  test('are listed', async () => {
    await using trunkline = await startTest()
    const ids: string[] = []
    for await (const { id, object } of clientOf(trunkline).models.list()) ids.push(`${object} ${id}`)
    expect(ids).toContain('model mock/echo')
    expect(ids).toContain('model mock/error-stream')
  })

  test('are looked up by name, slash and all', async () => {
    await using trunkline = await startTest()
    const client = clientOf(trunkline)
    expect(await client.models.retrieve('mock/echo')).toMatchObject({
      id: 'mock/echo',
      object: 'model',
      owned_by: 'mock',
    })
    expect(await thrownBy(client.models.retrieve('nobody/nothing'))).toMatchObject({
      status: 404,
      code: 'model_not_found',
    })
  })
})

describe('an error is of the class that the SDK has for it', () => {
  const classes = [
    ['mock/error-400', OpenAI.BadRequestError, 400, 'invalid_value', 'invalid_request_error', "'messages'"],
    [
      'mock/error-401',
      OpenAI.AuthenticationError,
      401,
      'invalid_api_key',
      'invalid_request_error',
      'Incorrect API key',
    ],
    [
      'mock/error-403',
      OpenAI.PermissionDeniedError,
      403,
      'unsupported_country_region_territory',
      'request_forbidden',
      'Country',
    ],
    ['mock/error-404', OpenAI.NotFoundError, 404, 'model_not_found', 'invalid_request_error', 'does not exist'],
    ['mock/nobody', OpenAI.NotFoundError, 404, 'model_not_found', 'invalid_request_error', 'The mock has no model'],
    ['mock/error-429', OpenAI.RateLimitError, 429, 'rate_limit_exceeded', 'requests', 'Rate limit reached'],
    ['mock/error-500', OpenAI.InternalServerError, 500, null, 'server_error', 'The server had an error'],
    ['mock/error-503', OpenAI.InternalServerError, 503, null, 'server_error', 'overloaded'],
    ['mock/refuse', OpenAI.InternalServerError, 502, 'upstream_unreachable', 'server_error', 'Nothing listens'],
    ['gpt-5', OpenAI.AuthenticationError, 401, 'invalid_api_key', 'authentication_error', 'OPENAI_API_KEY'],
  ] as const
  for (const [model, type, status, code, errorType, contains] of classes) {
    for (const stream of [false, true]) {
      test(`${model}${stream ? ', streamed' : ''}`, async () => {
        await using trunkline = await startTest()
        // Without any key of its own the SDK sends none, as a program does that leaves the keys to us.
        const client = clientOf(trunkline, { apiKey: 'anything', defaultHeaders: { authorization: null } })
        const error = await thrownBy(client.chat.completions.create({ ...hello, model, stream }))
        expect(error).toBeInstanceOf(type)
        expect(error).toMatchObject({ status, code, type: errorType })
        expect(error.message).toContain(contains)
        const { trace } = await trunkline.trace(error.headers?.get('x-trace-id'))
        expect(trace).toMatchObject({ status: 'error', httpStatus: status, model })
      })
    }
  }

  test('a bad field', async () => {
    await using trunkline = await startTest()
    const error = await thrownBy(clientOf(trunkline).chat.completions.create({ ...hello, router: {} } as typeof hello))
    expect(error).toBeInstanceOf(OpenAI.BadRequestError)
    expect(error).toMatchObject({ status: 400, code: 'unsupported_parameter', param: 'router' })
  })

  test('the hints of a 429 can be read', async () => {
    await using trunkline = await startTest()
    const error = await thrownBy(clientOf(trunkline).chat.completions.create({ ...hello, model: 'mock/error-429' }))
    expect(error.headers?.get('retry-after')).toBe('1')
    expect(error.headers?.get('x-ratelimit-remaining-requests')).toBe('0')
    expect(error.requestID).toMatch(/^req_mock_/)
  })

  test('the SDK tries again as the provider says', async () => {
    let asked = 0
    await using upstream = await startAnswering((_request, response) => {
      asked++
      const busy = asked === 1
      response.writeHead(busy ? 429 : 200, {
        'content-type': 'application/json',
        ...(busy && { 'retry-after-ms': '1' }),
      })
      response.end(busy ? '{"error":{"message":"Busy.","code":429}}' : '{"choices":[{"message":{"content":"Now."}}]}')
    })
    await using trunkline = await startTest({ settings: { 'providers.openai.base_url': upstream.url } })
    const client = clientOf(trunkline, { maxRetries: 1 })
    const answer = await client.chat.completions.create(
      { ...hello, model: 'm' },
      { headers: { 'x-run-id': 'retried' } },
    )
    expect(answer.choices[0]?.message.content).toBe('Now.')
    const { traces } = await trunkline.ask('listTraces', {
      project: 'default',
      filter: { runId: 'retried' },
      page: { limit: 9 },
    })
    expect(traces.map(({ httpStatus }) => httpStatus)).toEqual([200, 429])
  })

  for (const [model, contains] of [
    ['mock/error-stream', 'The server had an error'],
    ['mock/cut', 'broke'],
  ] as const) {
    test(`${model} in the middle of a stream`, async () => {
      await using trunkline = await startTest()
      const chunks: ChatCompletionChunk[] = []
      const read = async (): Promise<void> => {
        const stream = await clientOf(trunkline).chat.completions.create({ ...hello, model, stream: true })
        for await (const chunk of stream) chunks.push(chunk)
      }
      const error = await thrownBy(read())
      expect(error.message).toContain(contains)
      expect(chunks.length).toBeGreaterThan(0)
      expect(finishOf(chunks)).toBeUndefined()
    })
  }
})

describe('a client that leaves', () => {
  test('after its timeout throws what the SDK has for it, and the trace says that it left', async () => {
    await using trunkline = await startTest()
    const traceId = newTraceId()
    const call = clientOf(trunkline).chat.completions.create(
      { ...hello, model: 'mock/hang' },
      { timeout: 50, ...inTrace(traceId) },
    )
    expect(await thrownBy(call)).toBeInstanceOf(APIConnectionTimeoutError)
    const view = await vi.waitFor(() => trunkline.trace(traceId))
    expect(view.trace).toMatchObject({ status: 'cancelled', httpStatus: 499 })
    expect(attemptsIn(view).map(({ status }) => status)).toEqual(['cancelled'])
  })

  test('before the answer begins', async () => {
    await using trunkline = await startTest()
    const traceId = newTraceId()
    const controller = new AbortController()
    const call = clientOf(trunkline).chat.completions.create(
      { ...hello, model: 'mock/hang', stream: true },
      { signal: controller.signal, ...inTrace(traceId) },
    )
    setImmediate(() => controller.abort())
    expect(await thrownBy(call)).toBeInstanceOf(APIUserAbortError)
  })

  test('in the middle of a stream of the mock', async () => {
    await using trunkline = await startTest()
    const traceId = newTraceId()
    const controller = new AbortController()
    const stream = await clientOf(trunkline).chat.completions.create(
      { ...hello, model: 'mock/hang-stream', stream: true },
      { signal: controller.signal, ...inTrace(traceId) },
    )
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) controller.abort()
    const view = await vi.waitFor(() => trunkline.trace(traceId))
    expect(view.trace).toMatchObject({ status: 'cancelled', httpStatus: 200 })
    expect(callIn(view).conversation?.answer?.choices[0]?.message.parts).toEqual([
      { kind: 'text', text: 'Hello there' },
    ])
  })
})

describe.skipIf(!recordingsFolder())(
  `with recorded answers (${recordingsFolder() ? 'replayed' : noRecordings})`,
  () => {
    interface Replayed extends AsyncDisposable {
      readonly trunkline: TestTrunkline
      readonly upstream: ReplayUpstream
      readonly client: OpenAI
    }

    /** Trunkline before the provider of these exchanges. `key` is the configured one. */
    async function replayed(ids: readonly string[], key?: string, options: ReplayOptions = {}): Promise<Replayed> {
      const upstream = await startReplayUpstream({ exchanges: ids, ...options })
      const trunkline = await startTest({
        settings: {
          'providers.openai.base_url': upstream.baseUrlFor(load(ids[0] as string), '/chat/completions'),
          ...(key !== undefined && { 'providers.openai.api_key': key }),
        },
      })
      return {
        trunkline,
        upstream,
        client: clientOf(trunkline),
        async [Symbol.asyncDispose]() {
          await trunkline.stop()
          await upstream.close()
        },
      }
    }

    type Params = ChatCompletionCreateParamsNonStreaming
    const paramsOf = (exchange: Exchange): Params =>
      (exchange.request.body ?? { ...hello, model: 'gpt-4o' }) as unknown as Params
    const bodyOf = ({ response }: Exchange): unknown => ('body' in response ? response.body : undefined)
    const chunksOf = ({ response }: Exchange): unknown[] =>
      ('chunks' in response ? response.chunks : [])
        .map((chunk) => chunk.replace(/^data: /, '').trim())
        .filter((data) => data.startsWith('{'))
        .map((data) => JSON.parse(data) as unknown)

    for (const ids of [
      ['openai-multi-tool-0-1fcb8389', 'openai-multi-tool-1-5c7c30a5'],
      ['openai-test-openai-native-output-0-14ac0c6f', 'openai-test-openai-native-output-1-cd087d84'],
    ]) {
      test(`two turns with tools: ${ids[0]}`, async () => {
        await using session = await replayed(ids)
        for (const exchange of ids.map(load)) {
          const { data, response } = await session.client.chat.completions.create(paramsOf(exchange)).withResponse()
          expect(data).toEqual(bodyOf(exchange))
          const view = await session.trunkline.trace(response.headers.get('x-trace-id'))
          expect(view.trace).toMatchObject({
            status: 'ok',
            inputTokens: data.usage?.prompt_tokens,
            outputTokens: data.usage?.completion_tokens,
          })
        }
        expect(session.upstream.unmatched).toEqual([])
        expect(session.upstream.seen.map(({ recording }) => recording)).toEqual(ids)
        expect(session.upstream.seen.map(({ bytes }) => bytes.toString())).toEqual(
          ids.map((id) => JSON.stringify(load(id).request.body)),
        )
      })
    }

    test('two streamed turns with tools', async () => {
      const ids = ['openai-multi-tool-streaming-0-607c0f3f', 'openai-multi-tool-streaming-1-6c0ffff7']
      await using session = await replayed(ids)
      for (const exchange of ids.map(load)) {
        const params = { ...paramsOf(exchange), stream: true } as const
        expect(await collected(await session.client.chat.completions.create(params))).toEqual(chunksOf(exchange))
      }
      expect(session.upstream.seen.map(({ recording }) => recording)).toEqual(ids)
    })

    test('a picture goes up as it is, and is in the stored conversation', async () => {
      const exchange = load('openai-openai-gpt-5-0-c7387f76')
      await using session = await replayed([exchange.id])
      const { data, response } = await session.client.chat.completions.create(paramsOf(exchange)).withResponse()
      expect(data).toEqual(bodyOf(exchange))
      expect(session.upstream.seen[0]?.bytes.toString()).toBe(JSON.stringify(exchange.request.body))
      const { conversation } = callIn(await session.trunkline.trace(response.headers.get('x-trace-id')))
      const [image] = conversation?.messages.flatMap(({ parts }) => parts).filter(({ kind }) => kind === 'image') ?? []
      const source = image?.kind === 'image' && image.source.kind === 'data' ? image.source : undefined
      const url = source ? dataUrlOf(source) : ''
      expect(url).toMatch(/^data:image\/png;base64,/)
      expect(JSON.stringify(exchange.request.body)).toContain(JSON.stringify(url))
    })

    test('a client that leaves in the middle of a stream takes the provider with it', async () => {
      const exchange = load('openai-multi-tool-streaming-1-6c0ffff7')
      const never = new Promise<void>(() => undefined)
      const beforeWrite = (_seen: unknown, written: number): Promise<void> | undefined =>
        written > 600 ? never : undefined
      await using session = await replayed([exchange.id], undefined, { beforeWrite })
      const traceId = newTraceId()
      const controller = new AbortController()
      const params = { ...paramsOf(exchange), stream: true } as const
      const stream = await session.client.chat.completions.create(params, {
        signal: controller.signal,
        ...inTrace(traceId),
      })
      const chunks: ChatCompletionChunk[] = []
      for await (const chunk of stream) {
        chunks.push(chunk)
        controller.abort()
      }
      await session.upstream.idle()
      expect(session.upstream.seen.map(({ aborted }) => aborted)).toEqual([true])
      const view = await vi.waitFor(() => session.trunkline.trace(traceId))
      expect(view.trace).toMatchObject({ status: 'cancelled', httpStatus: 200 })
      expect(attemptsIn(view)[0]).toMatchObject({ status: 'cancelled', detail: { usageMissing: 'cancelled' } })
    })

    const ownAddress = new Set(['azure', 'snowflake', 'bedrock-mantle'])
    const refusals = recordingsFolder()
      ? index().filter(
          ({ api, status, provider }) => api === 'openai.chat' && status >= 400 && !ownAddress.has(provider),
        )
      : []

    const classOf = (status: number): (new (...args: never[]) => Error) =>
      ({
        400: OpenAI.BadRequestError,
        401: OpenAI.AuthenticationError,
        404: OpenAI.NotFoundError,
        429: OpenAI.RateLimitError,
      })[status] ?? (status >= 500 ? OpenAI.InternalServerError : APIError)

    test('there are recorded errors of every class', () => {
      expect(new Set(refusals.map(({ status }) => status))).toEqual(new Set([400, 401, 402, 404, 429, 500, 503]))
    })

    for (const { id, status } of refusals) {
      test(`the recorded error ${id}`, async () => {
        const exchange = load(id)
        await using session = await replayed([id], `recording:${id}`)
        const error = await thrownBy(session.client.chat.completions.create(paramsOf(exchange)))
        expect(error).toBeInstanceOf(classOf(status))
        const body = bodyOf(exchange) as {
          error?: { message: string; code?: unknown; type?: unknown; param?: unknown }
          detail?: string
        }
        expect(error.status).toBe(status)
        expect(error.message).toContain(body.error?.message ?? body.detail)
        const { type, code, param } = body.error ?? {}
        if (typeof code === 'string') expect(error.code).toBe(code)
        if (typeof type === 'string' && (code === null || typeof code !== 'number')) expect(error.type).toBe(type)
        if (typeof param === 'string') expect(error.param).toBe(param)
        expect([typeof error.type, typeof error.code].filter((kind) => kind === 'string')).not.toEqual([])
        const recordedRetry = exchange.response.headers['retry-after']
        if (recordedRetry !== undefined) expect(error.headers?.get('retry-after')).toBe(recordedRetry)
        const view = await session.trunkline.trace(error.headers?.get('x-trace-id'))
        expect(view.trace).toMatchObject({ status: 'error', httpStatus: status })
        expect(error.message).toContain(attemptsIn(view)[0]?.detail.error?.message)
        expect(session.upstream.unmatched).toEqual([])
      })
    }

    for (const id of [
      'openai-constructed-error-mid-stream',
      'groq-test-tool-use-failed-error-streaming-with-text-0-4648dd3b',
      'openrouter-test-openrouter-stream-error-0-2082a38d',
    ]) {
      test(`a recorded stream with an error in it: ${id}`, async () => {
        const exchange = load(id)
        await using session = await replayed([id])
        const read = async (): Promise<void> => {
          const params = { ...paramsOf(exchange), stream: true } as const
          await collected(await session.client.chat.completions.create(params))
        }
        expect((await thrownBy(read())).message).not.toBe('')
        expect(session.upstream.unmatched).toEqual([])
        const { traces } = await session.trunkline.ask('listTraces', {
          project: 'default',
          filter: {},
          page: { limit: 2 },
        })
        // The SDK hangs up at the error, so whether the call has failed or been left depends on who is first.
        expect(traces).toMatchObject([{ status: expect.stringMatching(/^(error|cancelled)$/), httpStatus: 200 }])
      })
    }

    describe("the client's own key", () => {
      const id = 'openai-multi-tool-1-5c7c30a5'

      test('never goes to an address that somebody configured', async () => {
        await using session = await replayed([id])
        const client = clientOf(session.trunkline, { apiKey: 'sk-of-the-client', organization: 'org-1' })
        await client.chat.completions.create(paramsOf(load(id)))
        const [seen] = session.upstream.seen
        expect(seen?.headers.authorization).toBeUndefined()
        expect(JSON.stringify(seen?.headers)).not.toContain('sk-of-the-client')
        expect(seen?.headers['openai-organization']).toBe('org-1')
      })

      test('gives way to the configured one', async () => {
        await using session = await replayed([id], 'sk-configured')
        const client = clientOf(session.trunkline, { apiKey: 'sk-of-the-client' })
        await client.chat.completions.create(paramsOf(load(id)))
        expect(session.upstream.seen[0]?.headers.authorization).toBe('Bearer sk-configured')
        expect(JSON.stringify(session.upstream.seen[0]?.headers)).not.toContain('sk-of-the-client')
      })
    })
  },
)
