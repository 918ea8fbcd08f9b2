import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { ChatAnswer } from '../../core/chat.ts'
import { assemble } from '../../core/chat-events.ts'
import { defaultTimeouts } from '../../core/config.ts'
import { compose, runStep } from '../../core/steps.ts'
import { decodeAnswer } from '../../dialects/openai-chat/decode-answer.ts'
import { decodeStream } from '../../dialects/openai-chat/decode-stream.ts'
import { openaiChat } from '../../dialects/openai-chat/openai-chat.ts'
import { sseFrames } from '../../http/sse.ts'
import { plan } from '../../routing/plan.ts'
import { configured } from '../provider.ts'
import { mock } from './mock.ts'
import { modelNames } from './models.ts'
import { optionNames } from './options.ts'
import { type Act, scriptOf } from './script.ts'

interface Played {
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
  readonly events: number
  readonly waitedMs: number
  readonly last: Act['kind'] | undefined
}

/** What a script comes to, without waiting for it. */
function played(bytes: string): Played {
  const acts = [...scriptOf(Buffer.from(bytes))]
  const head = acts.find((act) => act.kind === 'head')
  const chunks = acts.flatMap((act) => (act.kind === 'data' ? [act.chunk] : []))
  return {
    status: head?.status,
    headers: head?.headers ?? {},
    body: Buffer.concat(chunks).toString('utf8'),
    events: chunks.length,
    waitedMs: acts.reduce((sum, act) => sum + (act.kind === 'wait' ? act.ms : 0), 0),
    last: acts.at(-1)?.kind,
  }
}

const messages = [{ role: 'user', content: 'Hello there, world!' }]
const ask = (fields: object): Played => played(JSON.stringify({ model: 'mock/echo', messages, ...fields }))

// biome-ignore lint/suspicious/noExplicitAny: a test looks wherever it likes in an answer.
const whole = (fields: object): any => JSON.parse(ask(fields).body)

const errorOf = (fields: object) => whole(fields).error

const streamed = (body: string): ChatAnswer =>
  assemble(runStep(compose(sseFrames(), decodeStream()), [Buffer.from(body)]))

/** What a stream says, though it may never say that this was all. */
function toldIn(body: string): ChatAnswer {
  const decoder = decodeStream()
  return assemble(runStep(sseFrames(), [Buffer.from(body)]).flatMap((frame) => decoder.next(frame)))
}

const dataOf = (body: string): string[] => runStep(sseFrames(), [Buffer.from(body)]).map(({ data }) => data)

const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, unit: { enum: ['celsius', 'fahrenheit'] } },
      required: ['city', 'unit'],
    },
  },
}
const shell = { type: 'custom', custom: { name: 'shell' } }

interface Row {
  readonly status?: number
  /** The last act of both forms, or of the whole and of the streamed one. */
  readonly last?: Act['kind']
  readonly text?: RegExp
  readonly finish?: string | null
  readonly waitsMs?: number
  readonly streamed?: (stream: Played) => void
}

const rows: Readonly<Record<string, Row>> = {
  echo: { text: /^Hello there, world!$/, finish: 'stop' },
  lorem: { text: /^Lorem ipsum/, finish: 'stop' },
  tools: { text: /^No tool was called/, finish: 'stop' },
  reasoning: { text: /^Hello there, world!$/, finish: 'stop' },
  json: { text: /^\{"mock":true,"text":"Hello there, world!"\}$/, finish: 'stop' },
  'error-400': { status: 400 },
  'error-401': { status: 401 },
  'error-403': { status: 403 },
  'error-404': { status: 404 },
  'error-429': { status: 429 },
  'error-500': { status: 500 },
  'error-503': { status: 503 },
  delay: { text: /^Hello/, finish: 'stop', waitsMs: 2000 },
  slow: { text: /^Hello/, finish: 'stop' },
  hang: { last: 'hang' },
  'hang-stream': {
    last: 'hang',
    streamed: ({ body }) => expect(() => streamed(body)).toThrow('broke off'),
  },
  cut: { last: 'fail', streamed: ({ body }) => expect(() => streamed(body)).toThrow('broke off') },
  refuse: { last: 'fail' },
  malformed: { streamed: ({ body }) => expect(() => streamed(body)).toThrow('not valid JSON') },
  'error-stream': {
    status: 500,
    streamed: ({ body, status }) => {
      expect(status).toBe(200)
      expect(JSON.parse(dataOf(body).at(-1) ?? '')).toMatchObject({ error: { type: 'server_error' } })
      expect(body).not.toContain('[DONE]')
    },
  },
  'no-usage': { text: /^Hello/, finish: 'stop' },
  'no-finish': {
    text: /^Hello/,
    finish: null,
    streamed: ({ body }) => {
      expect(body).not.toContain('[DONE]')
      expect(() => streamed(body)).toThrow('broke off')
    },
  },
}

test('every model has its row in this test', () => {
  expect(Object.keys(rows)).toEqual(modelNames)
})

for (const [name, row] of Object.entries(rows)) {
  const model = `mock/${name}`

  test(`${model} as a whole`, () => {
    const { status, body, last, waitedMs } = ask({ model })
    expect(last).toBe(row.last ?? 'end')
    if (row.waitsMs !== undefined) expect(waitedMs).toBe(row.waitsMs)
    if (row.status !== undefined) {
      expect(status).toBe(row.status)
      expect(JSON.parse(body)).toMatchObject({ error: { message: expect.any(String), type: expect.any(String) } })
    }
    if (row.text) {
      const { choices } = JSON.parse(body)
      expect(choices[0].message.content).toMatch(row.text)
      expect(choices[0].finish_reason).toBe(row.finish)
    }
    if (row.last === 'hang' || row.last === 'fail' || name === 'malformed') expect(() => JSON.parse(body)).toThrow()
  })

  test(`${model} as a stream`, () => {
    const stream = ask({ model, stream: true })
    expect(stream.last).toBe(row.last ?? 'end')
    if (row.waitsMs !== undefined) expect(stream.waitedMs).toBe(row.waitsMs)
    row.streamed?.(stream)
    if (!row.text) return
    const answer = toldIn(stream.body)
    expect(answer.choices[0]?.message.parts.at(-1)).toMatchObject({
      kind: 'text',
      text: expect.stringMatching(row.text),
    })
  })
}

const alike: Readonly<Record<string, object>> = {
  'a text': {},
  'a long text': { model: 'mock/lorem' },
  'a long text in large pieces': { model: 'mock/lorem', mock: { chunk_words: 7 } },
  'a text that is cut off': { model: 'mock/lorem', max_tokens: 10 },
  'reasoning, then text': { model: 'mock/reasoning' },
  'several choices': { model: 'mock/lorem', n: 3 },
  'several tools at once': { model: 'mock/tools', tools: [weather, shell], mock: { parallel: true } },
  'text beside calls': {
    mock: { text: 'I look it up.', tool_calls: [{ name: 'f', arguments: { a: 1 } }, { name: 'g' }] },
  },
  'JSON by a schema': {
    response_format: { type: 'json_schema', json_schema: { schema: weather.function.parameters } },
  },
  'text in other scripts': { messages: [{ role: 'user', content: '  你好,世界!👩‍👩‍👧 \n\n é  ' }] },
  'a word without end': { messages: [{ role: 'user', content: 'x'.repeat(1000) }] },
  'an empty text': { mock: { text: '' } },
  'no usage': { mock: { usage: false } },
}

for (const [name, fields] of Object.entries(alike)) {
  test(`a stream puts together to the whole answer: ${name}`, () => {
    // The ids are made from the request, which differs: these are compared without them.
    const withoutHash = (body: string) => body.replaceAll(/mock[-_][0-9a-f]{12}/g, 'mock')
    const expected = decodeAnswer(JSON.parse(withoutHash(ask(fields).body)))
    const { body } = ask({ ...fields, stream: true, stream_options: { include_usage: true } })
    const parts = ({ choices, ...rest }: ChatAnswer) => ({ ...rest, choices: choices.map(partsByKind) })
    expect(parts(streamed(withoutHash(body)))).toEqual(parts(expected))
  })
}

/** A whole answer may have an empty text where a stream has none. */
const partsByKind = ({ message, finish }: ChatAnswer['choices'][number]) => ({ parts: message.parts, finish })

test('the chunks come in the order of OpenAI', () => {
  const { body } = ask({ stream: true, stream_options: { include_usage: true } })
  const events = dataOf(body)
  expect(events.at(-1)).toBe('[DONE]')
  const chunks = events.slice(0, -1).map((data) => JSON.parse(data))
  expect(chunks.map(({ choices }) => choices[0]?.delta)).toEqual([
    { role: 'assistant', content: '', refusal: null },
    { content: 'Hello' },
    { content: ' there,' },
    { content: ' world!' },
    {},
    undefined,
  ])
  expect(chunks.map(({ usage }) => usage?.total_tokens ?? usage)).toEqual([null, null, null, null, null, 10])
  expect(new Set(chunks.map(({ id, created, model, object }) => `${id} ${created} ${model} ${object}`)).size).toBe(1)
})

test('a stream that was not asked for its usage says nothing of it', () => {
  expect(ask({ stream: true }).body).not.toContain('"usage"')
  expect(ask({ stream: true, stream_options: { include_usage: true }, mock: { usage: false } }).body).not.toContain(
    '"usage"',
  )
})

test('the fragments of a tool call have the id and the name in the first only', () => {
  const { body } = ask({ model: 'mock/tools', tools: [weather], stream: true })
  const deltas = dataOf(body)
    .slice(0, -1)
    .map((data) => JSON.parse(data).choices[0].delta)
  const [role, begin, ...fragments] = deltas.slice(0, -1)
  expect(role).toEqual({ role: 'assistant', content: null, refusal: null })
  expect(begin).toEqual({
    tool_calls: [
      {
        index: 0,
        id: expect.stringMatching(/^call_mock_[0-9a-f]{12}_0_0$/),
        type: 'function',
        function: { name: 'get_weather', arguments: '' },
      },
    ],
  })
  for (const fragment of fragments) {
    expect(fragment).toEqual({ tool_calls: [{ index: 0, function: { arguments: expect.any(String) } }] })
  }
})

test('choices of one stream come interleaved, and each says which it is', () => {
  const { body } = ask({ stream: true, n: 2 })
  const chunks = dataOf(body).slice(0, -1)
  expect(chunks.map((data) => JSON.parse(data).choices[0].index).slice(0, 4)).toEqual([0, 1, 0, 1])
  expect(streamed(body).choices.map(({ message }) => message.parts)).toEqual([
    [{ kind: 'text', text: '(0) Hello there, world!' }],
    [{ kind: 'text', text: '(1) Hello there, world!' }],
  ])
})

test('the same request has the same answer to the last byte, another request other ids', () => {
  expect(ask({})).toEqual(ask({}))
  expect(whole({}).id).not.toBe(whole({ seed: 1 }).id)
  expect(whole({}).id).toMatch(/^chatcmpl-mock-[0-9a-f]{12}$/)
})

test('a model is known with and without the name of the provider, and answers with the name asked', () => {
  expect(whole({ model: 'echo' })).toMatchObject({ model: 'echo', choices: [{ finish_reason: 'stop' }] })
  expect(whole({ model: 'mock/echo' }).model).toBe('mock/echo')
  const provider = configured('mock', mock, defaultTimeouts)
  const facts = { providers: new Map([['mock', provider]]), models: new Map() }
  expect(plan('mock/echo', facts, 'openai')).toEqual([{ provider, model: 'mock/echo' }])
})

test('a model that is not there is a 404 with the name that was meant', () => {
  expect(ask({ model: 'mock/ehco' }).status).toBe(404)
  expect(errorOf({ model: 'mock/ehco' })).toMatchObject({
    message: 'The mock has no model `mock/ehco`. Did you mean mock/echo?',
    param: 'model',
    code: 'model_not_found',
  })
  expect(errorOf({ model: 'constructor' }).message).toContain('The models are: mock/echo, mock/lorem,')
})

test('the echo is of the text of the last user message', () => {
  const parts = [
    { type: 'text', text: 'a' },
    { type: 'image_url', image_url: { url: 'data:,' } },
    { type: 'text', text: 'b' },
  ]
  const said = (given: object[]) => whole({ messages: given }).choices[0].message.content
  expect(said([...messages, { role: 'assistant', content: 'x' }, { role: 'user', content: parts }])).toBe('a\nb')
  expect(said([{ role: 'system', content: 'x' }])).toBe('There is no text in a user message to echo.')
  expect(said([])).toBe('There is no text in a user message to echo.')
})

test('a limit cuts a text between two characters, and a stop sequence before itself', () => {
  const choice = (fields: object) => whole(fields).choices[0]
  expect(choice({ max_tokens: 2 })).toMatchObject({ message: { content: 'Hello th' }, finish_reason: 'length' })
  expect(choice({ max_completion_tokens: 1, max_tokens: 2 }).message.content).toBe('Hell')
  expect(choice({ max_tokens: 1, mock: { text: '日本' } }).message.content).toBe('日')
  expect(choice({ max_tokens: 5 })).toMatchObject({ finish_reason: 'stop' })
  expect(choice({ stop: ['world', ' there'] })).toMatchObject({ message: { content: 'Hello' }, finish_reason: 'stop' })
  expect(choice({ stop: ',', max_tokens: 1 })).toMatchObject({ message: { content: 'Hell' }, finish_reason: 'length' })
})

test('reasoning counts toward the limit and the completion', () => {
  const { choices, usage } = whole({ mock: { reasoning: 'abcdefgh', text: 'ijkl' } })
  expect(choices[0].message).toMatchObject({ reasoning_content: 'abcdefgh', content: 'ijkl' })
  expect(usage).toMatchObject({
    prompt_tokens: 5,
    completion_tokens: 3,
    total_tokens: 8,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 2 },
  })
  const cut = whole({ max_tokens: 2, mock: { reasoning: 'abcdefgh', text: 'ijkl' } })
  expect(cut.choices[0]).toMatchObject({ message: { content: '' }, finish_reason: 'length' })
})

test('a tool is called once, and its result is told', () => {
  const asked = { model: 'mock/tools', tools: [weather, shell] }
  const { message, finish_reason: reason } = whole(asked).choices[0]
  expect(reason).toBe('tool_calls')
  expect(message).toMatchObject({
    content: null,
    tool_calls: [
      { type: 'function', function: { name: 'get_weather', arguments: '{"city":"mock","unit":"celsius"}' } },
    ],
  })
  const result = { role: 'tool', tool_call_id: message.tool_calls[0].id, content: '21 °C' }
  const after = whole({ ...asked, messages: [...messages, message, result] }).choices[0]
  expect(after).toMatchObject({ finish_reason: 'stop', message: { content: 'The tools answered. get_weather: 21 °C' } })
})

const choices: readonly { readonly name: string; readonly fields: object; readonly called: readonly string[] }[] = [
  { name: 'another model calls nothing by itself', fields: {}, called: [] },
  { name: 'any model calls when it has to', fields: { tool_choice: 'required' }, called: ['get_weather'] },
  {
    name: 'any model calls what is named',
    fields: { tool_choice: { type: 'custom', custom: { name: 'shell' } } },
    called: ['shell'],
  },
  { name: 'none is none', fields: { model: 'mock/tools', tool_choice: 'none' }, called: [] },
  {
    name: 'all at once',
    fields: { model: 'mock/tools', mock: { parallel: true } },
    called: ['get_weather', 'shell'],
  },
  {
    name: 'one after the other when the request says so',
    fields: { model: 'mock/tools', mock: { parallel: true }, parallel_tool_calls: false },
    called: ['get_weather'],
  },
  {
    name: 'only what is allowed',
    fields: {
      model: 'mock/tools',
      tool_choice: {
        type: 'allowed_tools',
        allowed_tools: { mode: 'auto', tools: [{ type: 'custom', custom: { name: 'shell' } }] },
      },
    },
    called: ['shell'],
  },
]

for (const { name, fields, called } of choices) {
  test(`the choice of tools: ${name}`, () => {
    const { message } = whole({ tools: [weather, shell], ...fields }).choices[0]
    const names = (message.tool_calls ?? []).map(
      (call: { function?: { name: string }; custom?: { name: string } }) => call.function?.name ?? call.custom?.name,
    )
    expect(names).toEqual(called)
  })
}

test('every model answers in JSON when asked to', () => {
  const schema = { type: 'object', properties: { age: { type: 'integer', minimum: 18 } }, required: ['age'] }
  const format = { type: 'json_schema', json_schema: { name: 'person', schema } }
  for (const model of ['mock/echo', 'mock/lorem', 'mock/json', 'mock/reasoning', 'mock/tools']) {
    expect(whole({ model, response_format: format, n: 2 }).choices[1].message.content).toBe('{"age":18}')
  }
  expect(JSON.parse(whole({ response_format: { type: 'json_object' } }).choices[0].message.content)).toEqual({
    mock: true,
    text: 'Hello there, world!',
  })
})

const bad: readonly { readonly fields: object; readonly param: string }[] = [
  { fields: { mock: { delay: 1 } }, param: 'mock.delay' },
  { fields: { messages: 'hello' }, param: 'messages' },
  { fields: { n: 0 }, param: 'n' },
  { fields: { n: 17 }, param: 'n' },
  { fields: { max_tokens: '5' }, param: 'max_tokens' },
  { fields: { stop: 5 }, param: 'stop' },
  { fields: { tools: [null] }, param: 'tools' },
  { fields: { tool_choice: 'required' }, param: 'tool_choice' },
  { fields: { tools: [weather], tool_choice: { type: 'function', function: { name: 'x' } } }, param: 'tool_choice' },
  {
    fields: {
      model: 'mock/tools',
      tools: [shell, { type: 'function', function: { name: 'f', parameters: { $ref: '#' } } }],
      tool_choice: { type: 'function', function: { name: 'f' } },
    },
    param: 'tools[1].function.parameters',
  },
]

for (const { fields, param } of bad) {
  test(`a request that the mock cannot take is a 400 that names the field: ${JSON.stringify(fields)}`, () => {
    for (const stream of [false, true]) {
      expect(ask({ ...fields, stream }).status).toBe(400)
      expect(errorOf({ ...fields, stream })).toMatchObject({ type: 'invalid_request_error', param })
    }
  })
}

test('a rate limit says when to come back', () => {
  expect(ask({ model: 'mock/error-429' }).headers).toMatchObject({
    'retry-after': '1',
    'x-ratelimit-remaining-requests': '0',
    'x-ratelimit-reset-requests': '1s',
  })
  expect(errorOf({ model: 'mock/error-429' })).toMatchObject({ type: 'requests', code: 'rate_limit_exceeded' })
  expect(ask({ mock: { status: 503, retry_after: 7 } }).headers).toMatchObject({ 'retry-after': '7' })
})

test('any status can be asked for, with a message of its own', () => {
  expect(ask({ mock: { status: 418, message: 'Tea.' } })).toMatchObject({ status: 418, last: 'end' })
  expect(errorOf({ mock: { status: 418, message: 'Tea.' } }).message).toBe('Tea.')
  expect(ask({ mock: { status: 201 } })).toMatchObject({ status: 201 })
  expect(ask({ mock: { status: 204 } })).toMatchObject({ status: 204, body: '', last: 'end' })
  expect(ask({ model: 'mock/error-429', mock: { status: 500 } }).status).toBe(500)
})

test('a fault comes after as many events, or bytes of a whole answer, as asked', () => {
  expect(ask({ stream: true, mock: { cut_after: 2 } })).toMatchObject({ events: 2, last: 'fail' })
  expect(ask({ stream: true, mock: { cut_after: 0 } })).toMatchObject({ events: 0, last: 'fail', status: 200 })
  expect(ask({ stream: true, mock: { cut_after: 1000 } })).toMatchObject({ events: 6, last: 'fail' })
  expect(ask({ mock: { cut_after: 10 } }).body).toBe('{"id":"cha')
  const failing = ask({ stream: true, mock: { error_after: 2, message: 'Oh.' } })
  expect(failing).toMatchObject({ events: 3, last: 'end' })
  expect(dataOf(failing.body).at(-1)).toBe('{"error":{"message":"Oh.","type":"server_error","param":null,"code":null}}')
})

test('the answer can be given word for word', () => {
  const given = { tool_calls: [{ name: 'f', arguments: '{broken' }], finish_reason: 'content_filter' }
  expect(whole({ mock: given }).choices[0]).toMatchObject({
    message: { content: null, tool_calls: [{ type: 'function', function: { name: 'f', arguments: '{broken' } }] },
    finish_reason: 'content_filter',
  })
  expect(whole({ mock: { text: 'Exactly.' }, n: 2 }).choices[1].message.content).toBe('Exactly.')
})

test('a very long text is sent in no more pieces than anybody can hold', () => {
  const content = 'word '.repeat(200_000)
  const stream = ask({ stream: true, messages: [{ role: 'user', content }] })
  expect(stream.events).toBeLessThanOrEqual(10_003)
  expect(streamed(stream.body).choices[0]?.message.parts).toEqual([{ kind: 'text', text: content }])
})

const doc = readFileSync(new URL('../../../docs/mock.md', import.meta.url), 'utf8')

test('docs/mock.md names every model and every option', () => {
  const missing = [...modelNames.map((name) => `| \`mock/${name}\` |`), ...optionNames.map((name) => `| \`${name}\` |`)]
  expect(missing.filter((cell) => !doc.includes(cell))).toEqual([])
})

/** A curl in the doc, and the block after it. */
const examples = [...doc.matchAll(/```sh\n[^`]*?-d '([^']*)'\n```\n[^`]*```(json|text)\n([^`]*)```/g)]

test('docs/mock.md has examples', () => {
  expect(examples.length).toBeGreaterThan(3)
})

/** Streams are asked for their usage on the way, which the client does not see; ids are made of what was asked. */
function playedThrough(text: string): string {
  const body = Buffer.from(text)
  const facts = openaiChat.readRequest(body, { jsonDepth: 200, jsonValues: 1_000 }, () => undefined)
  if (!facts.stream) return played(text).body
  const sent = openaiChat.editRequest(body, facts, { model: facts.model, addUsage: true })
  const answer = Buffer.from(played(sent.toString('utf8')).body)
  return Buffer.concat(runStep(openaiChat.withoutAddedUsage(), [answer])).toString('utf8')
}

for (const [, body = '', language, shown = ''] of examples) {
  test(`docs/mock.md shows what really comes for ${body}`, () => {
    const answer = playedThrough(body)
    if (language === 'json') expect(JSON.parse(shown)).toEqual(JSON.parse(answer))
    else expect(shown.trimEnd()).toBe(answer.trimEnd())
  })
}
