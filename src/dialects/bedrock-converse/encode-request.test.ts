import { expect, test } from 'vitest'
import type { ChatRequest, Message, Part } from '../../core/chat.ts'
import { GatewayError } from '../../core/error.ts'
import type { Abilities } from '../dialect.ts'
import { type Fields, fieldsOf, listOf } from '../values.ts'
import { decodeRequest } from './decode-request.ts'
import { encodeRequest } from './encode-request.ts'

const claude = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'
const nova = 'us.amazon.nova-2-lite-v1:0'

const text = (words: string): Part => ({ kind: 'text', text: words })
const user = (...parts: Part[]): Message => ({ role: 'user', parts })
const assistant = (...parts: Part[]): Message => ({ role: 'assistant', parts })
const call = (id: string, written = '{}'): Part => ({ kind: 'tool-call', id, name: 'look', arguments: written })
const result = (callId: string, ...parts: Part[]): Message => ({
  role: 'tool',
  parts: [{ kind: 'tool-result', callId, parts }],
})
const look = { kind: 'function', name: 'look' } as const
const image = (data: string, mediaType = 'image/png'): Part => ({
  kind: 'image',
  source: { kind: 'data', mediaType, data },
})

const request = (messages: readonly Message[], more: Partial<ChatRequest> = {}): ChatRequest => ({
  model: claude,
  stream: false,
  messages,
  tools: [],
  settings: {},
  ...more,
})

const encoded = (
  messages: readonly Message[],
  more: Partial<ChatRequest> = {},
  abilities: Abilities = {},
): { body: Fields; dropped: readonly string[] } => encodeRequest(request(messages, more), abilities)

const turns = (messages: readonly Message[], more?: Partial<ChatRequest>, abilities?: Abilities): readonly Fields[] =>
  listOf(encoded(messages, more, abilities).body.messages)

test('instructions stand apart, and later ones where they were said', () => {
  const { body, dropped } = encoded([
    { role: 'system', parts: [text('Be brief.')] },
    { role: 'developer', parts: [text('Be kind.')] },
    user(text('Hi')),
    assistant(text('Hello')),
    { role: 'system', parts: [text('Be loud.')] },
    user(text('Go on')),
  ])
  expect(body.system).toEqual([{ text: 'Be brief.' }, { text: 'Be kind.' }])
  expect(listOf(body.messages).at(-1)).toEqual({
    role: 'user',
    content: [{ text: '<system>\nBe loud.\n</system>' }, { text: 'Go on' }],
  })
  expect(dropped).toEqual(['messages[4].role'])
})

test('neighbours of one role are one message, block beside block, and blank texts are none', () => {
  expect(turns([user(text('a')), user(text(' '), text('b')), assistant(text('')), user(text('c'))])).toEqual([
    { role: 'user', content: [{ text: 'a' }, { text: 'b' }, { text: 'c' }] },
  ])
})

test('a conversation begins with the user, whatever the client said first', () => {
  expect(turns([assistant(text('Hello')), user(text('Hi'))])[0]).toEqual({
    role: 'user',
    content: [{ text: 'Continue.' }],
  })
  expect(turns([{ role: 'system', parts: [text('Be brief.')] }])).toEqual([
    { role: 'user', content: [{ text: 'Continue.' }] },
  ])
})

test('the beginning of an answer loses its trailing blanks, or is asked for where the model does not go on by itself', () => {
  expect(turns([user(text('Count')), assistant(text('One, '))]).at(-1)).toEqual({
    role: 'assistant',
    content: [{ text: 'One,' }],
  })
  const refused = encoded([user(text('Count')), assistant(text('One, '))], {}, { prefill: false })
  expect(listOf(refused.body.messages).map(({ role }) => role)).toEqual(['user', 'assistant', 'user'])
  expect(refused.dropped).toEqual(['prefill'])
})

test('all results of a turn come first in one message, in the order in which they came', () => {
  const messages = turns(
    [
      user(text('Look')),
      assistant(text('Looking'), call('a'), call('b', '')),
      result('b', text('2')),
      user(text('And?')),
      result('a', text('1')),
    ],
    { tools: [look] },
  )
  expect(messages.at(-1)).toEqual({
    role: 'user',
    content: [
      { toolResult: { toolUseId: 'b', content: [{ text: '2' }] } },
      { toolResult: { toolUseId: 'a', content: [{ text: '1' }] } },
      { text: 'And?' },
    ],
  })
  expect(listOf(messages[1]?.content)[2]).toEqual({ toolUse: { toolUseId: 'b', name: 'look', input: {} } })
})

test('a call that nobody answered gets an error, and a result without its call is told as words', () => {
  expect(turns([user(text('Look')), assistant(call('a')), user(text('Never mind'))]).at(-1)).toEqual({
    role: 'user',
    content: [
      { toolResult: { toolUseId: 'a', content: [{ text: 'The tool gave no result.' }], status: 'error' } },
      { text: 'Never mind' },
    ],
  })
  expect(turns([result('lost', text('42')), user(text('Why?'))])).toEqual([
    { role: 'user', content: [{ text: 'Result of an earlier call:' }, { text: '42' }, { text: 'Why?' }] },
  ])
})

test('ids of calls are mapped to allowed ones, each to one of its own', () => {
  const messages = turns(
    [
      user(text('Look')),
      assistant(call('functions.look:0'), call('functions.look:0'), call('')),
      result('functions.look:0', text('1')),
      result('functions.look:0', text('2')),
      result('', text('3')),
      assistant(call('same')),
      result('same', text('4')),
      assistant(call('same')),
      result('same', text('5')),
    ],
    { tools: [look] },
  )
  const used = messages.flatMap(({ content }) => listOf(content).map(({ toolUse }) => fieldsOf(toolUse).toolUseId))
  const answered = messages.flatMap(({ content }) =>
    listOf(content).map(({ toolResult }) => fieldsOf(toolResult).toolUseId),
  )
  const ids = used.filter((id) => id !== undefined)
  expect(new Set(ids).size).toBe(5)
  for (const id of ids) expect(id).toMatch(/^[a-zA-Z0-9_-]{1,64}$/)
  expect(answered.filter((id) => id !== undefined)).toEqual(ids)
})

test('models of Mistral get ids of nine letters', () => {
  const messages = turns([user(text('Look')), assistant(call('call_1')), result('call_1', text('1'))], {
    model: 'mistral.mistral-large-2407-v1:0',
    tools: [look],
  })
  const id = fieldsOf(listOf(messages[1]?.content)[0]?.toolUse).toolUseId
  expect(id).toMatch(/^[a-z0-9]{9}$/)
  expect(fieldsOf(listOf(messages[2]?.content)[0]?.toolResult).toolUseId).toBe(id)
})

test('arguments that are no object are shown as they were written', () => {
  const inputs = ['{"a":1}', '', '[1]', 'not json'].map((written) =>
    fieldsOf(
      fieldsOf(listOf(turns([user(text('Look')), assistant(call('a', written))])[1]?.content)[0]?.toolUse).input,
    ),
  )
  expect(inputs).toEqual([{ a: 1 }, {}, { input: [1] }, { input: 'not json' }])
})

test('some tool is there as soon as tools were used, and none otherwise for a client that wants none', () => {
  const used = [user(text('Look')), assistant(call('a')), result('a', text('1'))]
  expect(encoded([user(text('Hi'))], { tools: [look], toolChoice: { mode: 'none' } }).body.toolConfig).toBeUndefined()
  for (const more of [{}, { tools: [look], toolChoice: { mode: 'none' as const } }]) {
    const config = fieldsOf(encoded(used, more).body.toolConfig)
    expect(listOf(config.tools).map(({ toolSpec }) => fieldsOf(toolSpec).name)).toEqual(['unavailable'])
    expect(config.toolChoice).toBeUndefined()
  }
})

test('a choice of tools is told in the words that there are', () => {
  const other = { ...look, name: 'other' }
  const config = (toolChoice: NonNullable<ChatRequest['toolChoice']>): Fields =>
    fieldsOf(encoded([user(text('Hi'))], { tools: [look, other], toolChoice }).body.toolConfig)
  const names = ({ tools }: Fields): unknown[] => listOf(tools).map(({ toolSpec }) => fieldsOf(toolSpec).name)
  expect(config({ mode: 'auto' }).toolChoice).toEqual({ auto: {} })
  expect(config({ mode: 'required' }).toolChoice).toEqual({ any: {} })
  const one = config({ mode: 'required', names: ['other'] })
  expect([one.toolChoice, names(one)]).toEqual([{ tool: { name: 'other' } }, ['look', 'other']])
  const among = config({ mode: 'auto', names: ['other'], isList: true })
  expect([among.toolChoice, names(among)]).toEqual([{ auto: {} }, ['other']])
})

test('one call at a time is asked of Claude in its own field, and said to be lost for others', () => {
  const asked = { tools: [look], parallelToolCalls: false }
  expect(encoded([user(text('Hi'))], asked).body.additionalModelRequestFields).toEqual({
    tool_choice: { type: 'auto', disable_parallel_tool_use: true },
  })
  expect(encoded([user(text('Hi'))], { ...asked, model: nova }).dropped).toEqual(['parallelToolCalls'])
})

test('a name of a tool that is not allowed is refused by name', () => {
  expect(() => encoded([user(text('Hi'))], { tools: [{ ...look, name: 'a.b' }] })).toThrow(GatewayError)
  expect(() => encoded([user(text('Hi'))], { tools: [{ ...look, name: 'a.b' }] })).toThrow('"a.b"')
})

test('schemas of tools have an object at their root, and one without description has none', () => {
  const tools = [
    { ...look, description: '' },
    { ...look, name: 'open', schema: { properties: { a: {} } } },
  ]
  expect(fieldsOf(encoded([user(text('Hi'))], { tools }).body.toolConfig).tools).toEqual([
    { toolSpec: { name: 'look', inputSchema: { json: { type: 'object', properties: {} } } } },
    { toolSpec: { name: 'open', inputSchema: { json: { type: 'object', properties: { a: {} } } } } },
  ])
})

test('pictures go as what they are, and those that are somewhere else are said to be lost', () => {
  const jpeg = '/9j/4AAQ'
  const { body, dropped } = encoded([
    user(
      text('See'),
      image(jpeg, 'image/png'),
      { kind: 'image', source: { kind: 'url', url: 'https://example.test/a.png' } },
      { kind: 'image', source: { kind: 'url', url: 's3://bucket/a.png' } },
      { kind: 'image', source: { kind: 'file', dialect: 'openai-chat', id: 'file-1' } },
    ),
  ])
  expect(listOf(body.messages)[0]?.content).toEqual([
    { text: 'See' },
    { image: { format: 'jpeg', source: { bytes: jpeg } } },
    { image: { format: 'png', source: { s3Location: { uri: 's3://bucket/a.png' } } } },
  ])
  expect(dropped).toEqual(['messages[0].image'])
})

test('documents get names that are allowed and occur once, and words beside them', () => {
  const pdf = { kind: 'data', mediaType: 'application/pdf', data: 'JVBERi0xLjM=' } as const
  const [turn] = turns([
    user(
      { kind: 'document', source: pdf, title: 'My  file_v1.2.pdf' },
      { kind: 'document', source: pdf, title: 'My file-v1-2' },
      { kind: 'document', source: { kind: 'text', text: 'Hi' }, context: 'A greeting', cited: true },
    ),
  ])
  expect(turn?.content).toEqual([
    { document: { format: 'pdf', source: { bytes: pdf.data }, name: 'My file-v1-2' } },
    { document: { format: 'pdf', source: { bytes: pdf.data }, name: 'My file-v1-2 (2)' } },
    {
      document: {
        format: 'txt',
        source: { text: 'Hi' },
        name: 'document',
        context: 'A greeting',
        citations: { enabled: true },
      },
    },
    { text: 'See the attached document.' },
  ])
})

test('results keep their pictures, blank texts and errors; where they may only be text, the pictures follow', () => {
  const messages: Message[] = [
    user(text('Look')),
    assistant(call('a')),
    {
      role: 'tool',
      parts: [{ kind: 'tool-result', callId: 'a', parts: [text(''), image('iVBORw0KGgo=')], isError: true }],
    },
  ]
  const picture = { image: { format: 'png', source: { bytes: 'iVBORw0KGgo=' } } }
  expect(turns(messages).at(-1)?.content).toEqual([
    { toolResult: { toolUseId: 'a', content: [{ text: '' }, picture], status: 'error' } },
  ])
  expect(turns(messages, {}, { mediaInResults: false }).at(-1)?.content).toEqual([
    { toolResult: { toolUseId: 'a', content: [{ text: '' }], status: 'error' } },
    picture,
  ])
})

test('marks of what may be cached become points behind their blocks, and are lost for models that have none', () => {
  const messages: Message[] = [
    { role: 'system', parts: [{ kind: 'text', text: 'Long.', cache: { ttl: '1h' } }] },
    user({ kind: 'text', text: 'Hi', cache: {} }),
  ]
  const { body } = encoded(messages, { tools: [{ ...look, cache: {} }] })
  const point = { cachePoint: { type: 'default' } }
  expect(body.system).toEqual([{ text: 'Long.' }, { cachePoint: { type: 'default', ttl: '1h' } }])
  expect(listOf(body.messages)[0]?.content).toEqual([{ text: 'Hi' }, point])
  expect(listOf(fieldsOf(body.toolConfig).tools)[1]).toEqual(point)
  expect(encoded(messages, { model: 'meta.llama3-8b-instruct-v1:0' }).dropped).toEqual(['cache'])
})

test('a mark on a document is kept apart from it by a blank', () => {
  const [turn] = turns([user(text('See'), { kind: 'document', source: { kind: 'text', text: 'Hi' }, cache: {} })])
  expect(listOf(turn?.content).slice(2)).toEqual([{ text: '\n' }, { cachePoint: { type: 'default' } }])
})

test("thoughts go back to whom they belong, and nobody else's are sent", () => {
  const thoughts = (by: string, value: string): Part => ({ kind: 'reasoning', text: 'Hm', seal: { by, value } })
  const hidden: Part = { kind: 'reasoning', text: '', redacted: true, seal: { by: 'anthropic', value: 'EuYBCk' } }
  const messages = [
    user(text('Hi')),
    assistant(
      thoughts('anthropic', 'Er8B'),
      hidden,
      thoughts('gemini', 'CsA'),
      { kind: 'reasoning', text: 'Plain' },
      text('Hello'),
    ),
    user(text('And?')),
  ]
  const { body, dropped } = encoded(messages)
  expect(listOf(body.messages)[1]?.content).toEqual([
    { reasoningContent: { reasoningText: { text: 'Hm', signature: 'Er8B' } } },
    { reasoningContent: { redactedContent: Buffer.from('EuYBCk').toString('base64') } },
    { text: 'Hello' },
  ])
  expect(dropped).toEqual(['messages[1].reasoning'])
  expect(listOf(encoded(messages, { model: nova }).body.messages)[1]?.content).toEqual([{ text: 'Hello' }])
  expect(
    listOf(encoded(messages, { model: 'arn:aws:some/profile' }, { seals: 'anthropic' }).body.messages)[1]?.content,
  ).toHaveLength(3)
})

test('a wish to think is told as each maker wants it', () => {
  const wish = (model: string, reasoning: ChatRequest['reasoning'], abilities: Abilities = {}, maxTokens?: number) => {
    const settings = maxTokens === undefined ? {} : { maxTokens }
    const { body, dropped } = encoded(
      [user(text('Hi'))],
      { model, settings, ...(reasoning && { reasoning }) },
      abilities,
    )
    const { additionalModelRequestFields: more, outputConfig, inferenceConfig } = body
    return { more, outputConfig, inferenceConfig, dropped }
  }
  expect(wish(claude, { effort: 'medium' })).toMatchObject({
    more: { thinking: { type: 'enabled', budget_tokens: 4096 } },
  })
  const room = (budget: number, maxTokens: number, abilities: Abilities = {}): unknown[] => {
    const { more, inferenceConfig } = wish(claude, { budget }, abilities, maxTokens)
    return [fieldsOf(fieldsOf(more).thinking).budget_tokens, fieldsOf(inferenceConfig).maxTokens]
  }
  expect(room(2000, 3000)).toEqual([2000, 3000])
  expect(room(5000, 3000)).toEqual([5000, 8000])
  expect(room(500, 100)).toEqual([1024, 1124])
  expect(room(5000, 4000, { defaultMaxTokens: 8192 })).toEqual([5000, 8192])
  expect(room(9000, 3000, { defaultMaxTokens: 8192 })).toEqual([4096, 7096])
  expect(wish(claude, { effort: 'minimal', shown: true }, { reasoning: 'adaptive' })).toMatchObject({
    more: { thinking: { type: 'adaptive', display: 'summarized' } },
    outputConfig: { effort: 'low' },
  })
  expect(wish(claude, { mode: 'off' }, { reasoning: 'adaptive' }).more).toEqual({ thinking: { type: 'disabled' } })
  expect(wish(claude, { mode: 'off' })).toMatchObject({ more: undefined, dropped: [] })
  expect(wish(nova, { effort: 'max' }).more).toEqual({
    reasoningConfig: { type: 'enabled', maxReasoningEffort: 'high' },
  })
  expect(wish(nova, { effort: 'high' }, {}, 100)).toMatchObject({
    more: { reasoningConfig: { maxReasoningEffort: 'medium' } },
    inferenceConfig: { maxTokens: 100 },
    dropped: ['reasoning.effort'],
  })
  const inAnthropic = { effort: 'low', extra: { dialect: 'anthropic-messages', fields: {} } }
  expect(wish(claude, inAnthropic)).toMatchObject({ more: undefined, outputConfig: { effort: 'low' } })
  expect(wish(claude, { extra: inAnthropic.extra })).toMatchObject({ more: undefined, outputConfig: undefined })
  expect(wish('openai.gpt-oss-120b-1:0', { effort: 'minimal' }).more).toEqual({ reasoning_effort: 'low' })
  expect(wish('us.deepseek.r1-v1:0', { effort: 'high' }).dropped).toEqual(['reasoning'])
  expect(wish(claude, { effort: 'high' }, { reasoning: 'none' }).dropped).toEqual(['reasoning'])
})

test('Claude does not think when it is made to call a tool, or in a turn that began without thoughts', () => {
  const reasoning = { effort: 'low' }
  const forced = encoded([user(text('Hi'))], { reasoning, tools: [look], toolChoice: { mode: 'required' } })
  expect([forced.dropped, forced.body.additionalModelRequestFields]).toEqual([['reasoning'], undefined])
  const midway = [user(text('Look')), assistant(call('a')), result('a', text('1'))]
  expect(encoded(midway, { reasoning, tools: [look] }).dropped).toEqual(['reasoning'])
  expect(encoded([...midway, user(text('And?'))], { reasoning, tools: [look] }).dropped).toEqual(['reasoning'])
  const told = encoded(midway, { reasoning, tools: [look] }, { reasoning: 'adaptive' }).body
  expect(told.additionalModelRequestFields).toEqual({ thinking: { type: 'disabled' } })
  const later = [...midway, assistant(text('1')), user(text('And?'))]
  expect(encoded(later, { reasoning, tools: [look] }).dropped).toEqual([])
})

test('settings without a counterpart are named, and so are those that a thinking Claude refuses', () => {
  const settings = {
    temperature: 1.5,
    topK: 5,
    seed: 1,
    choices: 2,
    frequencyPenalty: 0,
    logitBias: { a: 1 },
    stop: ['', 'x'],
  }
  const { body, dropped } = encoded([user(text('Hi'))], { settings })
  expect(body.inferenceConfig).toEqual({ temperature: 1, stopSequences: ['x'] })
  expect(body.additionalModelRequestFields).toEqual({ top_k: 5 })
  expect(dropped).toEqual(['seed', 'choices', 'logitBias'])
  const thinking = encoded([user(text('Hi'))], { settings: { temperature: 0.5, topK: 5 }, reasoning: { budget: 2000 } })
  expect(thinking.dropped).toEqual(['temperature', 'topK'])
  const alike = { temperature: 1, topP: 1 }
  const usual = encoded([user(text('Hi'))], { settings: alike, reasoning: { budget: 2000 } })
  expect([usual.dropped, usual.body.inferenceConfig]).toEqual([[], alike])
  expect(encoded([user(text('Hi'))], { settings, model: nova, reasoning: { effort: 'high' } }).dropped).toContain(
    'topK',
  )
  expect(encoded([user(text('Hi'))], { settings }, { refuses: ['temperature'] }).dropped).toContain('temperature')
  expect(encoded([user(text('Hi'))], { settings, model: nova }).body.additionalModelRequestFields).toEqual({
    inferenceConfig: { topK: 5 },
  })
})

test('who asks and what for goes with the request as far as it is allowed there', () => {
  const settings = { user: 'me', metadata: { a: '1', b: 'ü' }, serviceTier: 'flex' }
  const { body, dropped } = encoded([user(text('Hi'))], { settings })
  expect([body.requestMetadata, body.serviceTier, dropped]).toEqual([
    { a: '1', user: 'me' },
    { type: 'flex' },
    ['metadata'],
  ])
})

test('a schema for the answer is a string, or a tool that has to be called', () => {
  const format = { kind: 'schema', name: 'Point', schema: { type: 'object' } } as const
  expect(encoded([user(text('Hi'))], { format }).body.outputConfig).toEqual({
    textFormat: {
      type: 'json_schema',
      structure: { jsonSchema: { schema: '{"type":"object"}', name: 'Point' } },
    },
  })
  const { toolConfig } = encoded([user(text('Hi'))], { format }, { schema: 'tool' }).body
  expect(toolConfig).toMatchObject({ toolChoice: { tool: { name: 'trunkline_answer' } } })
  expect(encoded([user(text('Hi'))], { format }, { schema: 'none' }).dropped).toEqual(['format'])
  expect(encoded([user(text('Hi'))], { format: { kind: 'json' } }).dropped).toEqual(['format'])
})

test('what only another dialect knows is named and left out', () => {
  const extra = { dialect: 'openai-chat', fields: { prediction: {} }, echo: { id: 1 } }
  const { body, dropped } = encoded(
    [
      { ...user({ kind: 'opaque', dialect: 'openai-chat', value: {} }, text('Hi')), extra },
      assistant({ kind: 'server-tool', phase: 'call', name: 'web_search', dialect: 'gemini', value: {} }),
    ],
    { tools: [{ kind: 'server', name: 'web_search', dialect: 'openai-responses', value: {} }] },
  )
  expect(body).toEqual({ messages: [{ role: 'user', content: [{ text: 'Hi' }] }] })
  expect(dropped).toEqual(['prediction', 'messages[0].opaque', 'messages[1].server-tool', 'tools[0].web_search'])
  const searching = encoded([user(text('Hi'))], {
    model: nova,
    tools: [{ kind: 'server', name: 'web_search', dialect: 'gemini', value: {} }],
  })
  expect(searching.body.toolConfig).toEqual({ tools: [{ systemTool: { name: 'nova_grounding' } }] })
})

test('unknown fields and blocks come back where they stood', () => {
  const body = {
    messages: [
      {
        role: 'user',
        content: [
          { cachePoint: { type: 'default' } },
          { tomorrow: { a: 1 } },
          { text: 'Hi' },
          { cachePoint: { type: 'default', ttl: '1h' } },
          { cachePoint: { type: 'default' } },
        ],
      },
      { role: 'system', content: [{ text: 'Later.' }] },
      { role: 'user', content: [{ searchResult: { source: 'x', title: 'y', content: [{ text: 'z' }] } }] },
    ],
    guardrailConfig: { guardrailIdentifier: 'g' },
    inferenceConfig: { maxTokens: 5, minTokens: 2 },
    outputConfig: { effort: 'low', more: true },
    toolConfig: { tools: [{ systemTool: { name: 'nova_grounding' } }, { cachePoint: { type: 'default' } }], later: 1 },
    additionalModelRequestFields: { reasoning_config: { type: 'enabled', budget_tokens: 2000 }, top_k: 3, other: [] },
    performanceConfig: { latency: 'optimized' },
  }
  const decoded = decodeRequest(body, { model: claude, stream: true })
  expect(decoded).toMatchObject({ stream: true, settings: { topK: 3 }, reasoning: { budget: 2000, effort: 'low' } })
  expect(encodeRequest(decoded, {})).toEqual({ body, dropped: [] })
})

test('what cannot be understood is refused with its place', () => {
  const places = [
    [],
    { messages: {} },
    { messages: [1] },
    { messages: [{ role: 'robot', content: [] }] },
    { messages: [{ role: 'user', content: 'Hi' }] },
    { system: 'Hi' },
  ].map((body) => {
    try {
      decodeRequest(body, { model: claude, stream: false })
    } catch (thrown) {
      return (thrown as GatewayError).details.param
    }
    return undefined
  })
  expect(places).toEqual(['', 'messages', 'messages[0]', 'messages[0].role', 'messages[0].content', 'system'])
})
