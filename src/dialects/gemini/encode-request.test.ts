import { expect, test } from 'vitest'
import type { ChatRequest, Message, Part } from '../../core/chat.ts'
import { GatewayError } from '../../core/error.ts'
import type { Abilities } from '../dialect.ts'
import { madeCallId } from '../ids.ts'
import { gemini } from './gemini.ts'

const hi: Message = { role: 'user', parts: [{ kind: 'text', text: 'Hi' }] }
const request = (more: Partial<ChatRequest> = {}): ChatRequest => ({
  model: 'gemini-test',
  stream: false,
  messages: [hi],
  tools: [],
  settings: {},
  ...more,
})
const encode = (more: Partial<ChatRequest>, abilities: Abilities = {}) => gemini.encodeRequest(request(more), abilities)
const contents = (messages: readonly Message[], abilities: Abilities = {}) =>
  encode({ messages }, abilities).body.contents

const text = (words: string): Part => ({ kind: 'text', text: words })
const call = (id: string, name = 'f', more: object = {}): Part => ({
  kind: 'tool-call',
  id,
  name,
  arguments: '{"a":1}',
  ...more,
})
const result = (callId: string, ...parts: Part[]): Part => ({ kind: 'tool-result', callId, parts })
const image: Part = { kind: 'image', source: { kind: 'data', mediaType: 'image/png', data: 'iVBORw0KGgo=' } }
const wireImage = { inlineData: { mimeType: 'image/png', data: 'iVBORw0KGgo=' } }
const response = (id: string, output: string, more: object = {}) => ({
  functionResponse: { id, name: 'f', response: { output }, ...more },
})

test('instructions go to their own place, wherever they stood', () => {
  const messages: Message[] = [
    { role: 'system', parts: [text('One.')] },
    hi,
    { role: 'developer', parts: [text('Two.'), text('')] },
  ]
  expect(encode({ messages }).body).toEqual({
    contents: [{ role: 'user', parts: [{ text: 'Hi' }] }],
    systemInstruction: { parts: [{ text: 'One.' }, { text: 'Two.' }] },
  })
  expect(encode({ messages }, { instructionsField: false }).body).toEqual({
    contents: [{ role: 'user', parts: [{ text: 'One.' }, { text: 'Two.' }, { text: 'Hi' }] }],
  })
})

test('a conversation begins with the user, and turns of one side are one', () => {
  const assistant: Message = { role: 'assistant', parts: [text('Ho')] }
  expect(contents([assistant, assistant, hi, hi])).toEqual([
    { role: 'user', parts: [{ text: ' ' }] },
    { role: 'model', parts: [{ text: 'Ho' }, { text: 'Ho' }] },
    { role: 'user', parts: [{ text: 'Hi' }, { text: 'Hi' }] },
  ])
  expect(contents([{ role: 'system', parts: [text('Only this.')] }])).toEqual([
    { role: 'user', parts: [{ text: ' ' }] },
  ])
  expect(contents([hi, { role: 'assistant', parts: [text('')] }, hi])).toEqual([
    { role: 'user', parts: [{ text: 'Hi' }, { text: 'Hi' }] },
  ])
})

test('results stand in one turn, as many as calls and in their order', () => {
  const messages: Message[] = [
    hi,
    { role: 'assistant', parts: [text('Wait.'), call('1'), call('2'), call('3')] },
    { role: 'tool', parts: [result('2', text('two'))] },
    { role: 'tool', parts: [result('1', text('one'))] },
    { role: 'user', parts: [text('And?')] },
  ]
  expect(contents(messages)).toEqual([
    { role: 'user', parts: [{ text: 'Hi' }] },
    {
      role: 'model',
      parts: [{ text: 'Wait.' }, ...['1', '2', '3'].map((id) => ({ functionCall: { name: 'f', id, args: { a: 1 } } }))],
    },
    {
      role: 'user',
      parts: [
        response('1', 'one'),
        response('2', 'two'),
        { functionResponse: { id: '3', name: 'f', response: { error: 'The tool gave no result.' } } },
        { text: 'And?' },
      ],
    },
  ])
})

test('a result whose call is gone is told in words', () => {
  expect(contents([hi, { role: 'tool', parts: [result('gone', text('late'))] }])).toEqual([
    { role: 'user', parts: [{ text: 'Hi' }, { text: 'Result of a tool:' }, { text: 'late' }] },
  ])
})

test('ids that we made do not go to Google', () => {
  const id = madeCallId('abc')
  const [, model, user] = contents([
    hi,
    { role: 'assistant', parts: [call(id)] },
    { role: 'tool', parts: [result(id, text('one'))] },
  ]) as object[]
  expect(model).toEqual({ role: 'model', parts: [{ functionCall: { name: 'f', args: { a: 1 } } }] })
  expect(user).toEqual({ role: 'user', parts: [{ functionResponse: { name: 'f', response: { output: 'one' } } }] })
})

test('pictures in a result stand in it for newer models, and follow it for older ones', () => {
  const messages: Message[] = [
    hi,
    { role: 'assistant', parts: [call('1')] },
    { role: 'tool', parts: [result('1', text('See.'), image)] },
  ]
  expect((contents(messages, { thinkingLevels: true }) as object[])[2]).toEqual({
    role: 'user',
    parts: [response('1', 'See.', { parts: [wireImage] })],
  })
  expect((contents(messages) as object[]).slice(2)).toEqual([
    { role: 'user', parts: [response('1', 'See.')] },
    { role: 'user', parts: [{ text: 'Result of f:' }, wireImage] },
  ])
})

test('a result is an object: words and errors are put into one', () => {
  const responseTo = (part: Part) => {
    const all = contents([hi, { role: 'assistant', parts: [call('1')] }, { role: 'tool', parts: [part] }]) as {
      parts: { functionResponse: { response: unknown } }[]
    }[]
    return all[2]?.parts[0]?.functionResponse.response
  }
  expect(responseTo(result('1', text('{"temperature":15}')))).toEqual({ temperature: 15 })
  expect(responseTo(result('1', text('[1]')))).toEqual({ output: '[1]' })
  expect(responseTo(result('1', text('{"id":12345678901234567890}')))).toEqual({
    output: '{"id":12345678901234567890}',
  })
  expect(responseTo(result('1'))).toEqual({ output: '' })
  expect(responseTo({ kind: 'tool-result', callId: '1', isError: true, parts: [text('No.')] })).toEqual({
    error: 'No.',
  })
})

test("only Google's own seals go to Google, and newer models are told where there is none", () => {
  const own = { by: 'gemini', value: 'c2VhbA==' }
  const foreign = { by: 'anthropic', value: 'other' }
  const messages: Message[] = [
    hi,
    { role: 'assistant', parts: [{ kind: 'reasoning', text: 'Hm.', seal: foreign }, call('0')] },
    { role: 'tool', parts: [result('0')] },
    hi,
    { role: 'assistant', parts: [call('1', 'f', { seal: own }), call('2')] },
    { role: 'tool', parts: [result('1'), result('2')] },
    {
      role: 'assistant',
      parts: [{ kind: 'reasoning', text: '', seal: foreign, redacted: true }, call('3'), call('4')],
    },
    { role: 'tool', parts: [result('3'), result('4')] },
  ]
  const signatures = (abilities: Abilities) =>
    (contents(messages, abilities) as { role: string; parts: { thoughtSignature?: string }[] }[])
      .filter(({ role }) => role === 'model')
      .map(({ parts }) => parts.map(({ thoughtSignature }) => thoughtSignature))
  expect(signatures({ thinkingLevels: true })).toEqual([
    [undefined, 'skip_thought_signature_validator'],
    ['c2VhbA==', undefined],
    ['skip_thought_signature_validator', undefined],
  ])
  expect(signatures({}).flat()).toEqual([undefined, undefined, 'c2VhbA==', undefined, undefined, undefined])
  expect(encode({ messages }).dropped).toEqual(['messages[6].reasoning'])
  expect((contents(messages) as { parts: object[] }[])[1]?.parts[0]).toEqual({ text: 'Hm.', thought: true })
})

test('arguments are an object', () => {
  const args = (written: string) =>
    (
      contents([hi, { role: 'assistant', parts: [{ kind: 'tool-call', id: '1', name: 'f', arguments: written }] }]) as {
        parts: { functionCall: object }[]
      }[]
    )[1]?.parts[0]?.functionCall
  expect(args('')).toEqual({ name: 'f', id: '1' })
  expect(args('{"__proto__":1}')).toEqual(JSON.parse('{"name":"f","id":"1","args":{"__proto__":1}}'))
  expect(args('not json')).toEqual({ name: 'f', id: '1', args: { input: 'not json' } })
  expect(args('[1]')).toEqual({ name: 'f', id: '1', args: { input: [1] } })
})

test('media go by what they are', () => {
  const parts: Part[] = [
    { kind: 'image', source: { kind: 'data', mediaType: 'image/png', data: '/9j/4AAQ' }, detail: 'low' },
    { kind: 'image', source: { kind: 'url', url: 'https://example.test/a.jpg' } },
    { kind: 'document', source: { kind: 'url', url: 'https://example.test/paper' } },
    { kind: 'document', title: 'Notes', source: { kind: 'text', text: 'Buy milk.' } },
    { kind: 'document', source: { kind: 'file', dialect: 'openai-chat', id: 'file-1' } },
    { kind: 'audio', source: { kind: 'data', mediaType: 'audio/wav', data: 'UklGRg==' } },
  ]
  const messages: Message[] = [{ role: 'user', parts }]
  const wire = [
    { inlineData: { mimeType: 'image/jpeg', data: '/9j/4AAQ' } },
    { fileData: { fileUri: 'https://example.test/a.jpg', mimeType: 'image/jpeg' } },
    { fileData: { fileUri: 'https://example.test/paper', mimeType: 'application/pdf' } },
    { text: 'Notes\n\nBuy milk.' },
    { inlineData: { mimeType: 'audio/wav', data: 'UklGRg==' } },
  ]
  expect(encode({ messages })).toEqual({
    body: { contents: [{ role: 'user', parts: wire }] },
    dropped: ['messages[0].image.detail', 'messages[0].document'],
  })
  expect(encode({ messages }, { urls: false }).dropped).toContain('messages[0].image')
  expect((contents(messages, { thinkingLevels: true }) as { parts: object[] }[])[0]?.parts[0]).toMatchObject({
    mediaResolution: { level: 'MEDIA_RESOLUTION_LOW' },
  })
})

test('what Google cannot take is named', () => {
  const { body, dropped } = encode({
    tools: [
      { kind: 'function', name: 'f', extra: { dialect: 'anthropic-messages', fields: { eager: true } } },
      { kind: 'custom', name: 'free' },
      {
        kind: 'server',
        name: 'web_search',
        dialect: 'anthropic-messages',
        value: { type: 'web_search_1', name: 'web_search', max_uses: 2 },
      },
    ],
    parallelToolCalls: false,
    settings: {
      user: 'me',
      logitBias: { 1: 2 },
      store: false,
      stop: ['a', '', 'b', 'c', 'd', 'e', 'f'],
      serviceTier: 'auto',
      metadata: { a: 'b' },
    },
    extra: { dialect: 'openai-chat', fields: { prediction: {} }, echo: { nobody: 1 } },
  })
  expect(dropped.toSorted()).toEqual([
    'logitBias',
    'metadata',
    'parallelToolCalls',
    'prediction',
    'stop',
    'tools[0].eager',
    'tools[1]',
    'tools[2]',
    'user',
  ])
  expect(body).toMatchObject({
    tools: [{ functionDeclarations: [{ name: 'f' }] }],
    generationConfig: { stopSequences: ['a', 'b', 'c', 'd', 'e'] },
  })
  expect(encode({ settings: { temperature: 1, seed: 2 } }, { refuses: ['temperature'] })).toMatchObject({
    body: { generationConfig: { seed: 2 } },
    dropped: ['temperature'],
  })
})

test('newer models take their own tools beside functions', () => {
  const tools = [
    { kind: 'function', name: 'f' },
    { kind: 'server', name: 'web_search', dialect: 'openai-responses', value: { type: 'web_search' } },
  ] as const
  expect(encode({ tools }, { thinkingLevels: true }).body).toMatchObject({
    tools: [{ functionDeclarations: [{ name: 'f' }] }, { googleSearch: {} }],
    toolConfig: { includeServerSideToolInvocations: true },
  })
  expect(encode({ tools: tools.slice(1) }).body.tools).toEqual([{ googleSearch: {} }])
})

test('schemas go as they are, or in the subset that old models know', () => {
  const schema = { type: 'object', properties: { a: { $ref: '#/$defs/b' } }, $defs: { b: { type: 'string' } } }
  const wish = { tools: [{ kind: 'function', name: 'f', schema }], format: { kind: 'schema', schema } } as const
  expect(encode({ tools: wish.tools }).body.tools).toEqual([
    { functionDeclarations: [{ name: 'f', parametersJsonSchema: schema }] },
  ])
  expect(encode({ format: wish.format }).body.generationConfig).toEqual({
    responseMimeType: 'application/json',
    responseJsonSchema: schema,
  })
  const narrow = { type: 'OBJECT', properties: { a: { type: 'STRING' } } }
  expect(encode({ tools: wish.tools }, { jsonSchema: false }).body.tools).toEqual([
    { functionDeclarations: [{ name: 'f', parameters: narrow }] },
  ])
  expect(encode({ format: wish.format }, { jsonSchema: false }).body.generationConfig).toEqual({
    responseMimeType: 'application/json',
    responseSchema: narrow,
  })
  // Older models take tools or a format: the format is then asked for in words.
  const both = encode(wish)
  expect(both.dropped).toEqual(['format'])
  expect(JSON.stringify(both.body.systemInstruction)).toContain('JSON Schema')
  expect(encode(wish, { thinkingLevels: true }).dropped).toEqual([])
})

test('a choice of tools needs tools', () => {
  const tools = [{ kind: 'function', name: 'f' }] as const
  const config = (more: Partial<ChatRequest>) => encode({ tools, ...more }).body.toolConfig
  expect(encode({ toolChoice: { mode: 'required' } }).body.toolConfig).toBeUndefined()
  expect(config({})).toBeUndefined()
  expect(config({ toolChoice: { mode: 'required' } })).toEqual({ functionCallingConfig: { mode: 'ANY' } })
  expect(config({ toolChoice: { mode: 'none' } })).toEqual({ functionCallingConfig: { mode: 'NONE' } })
  expect(config({ toolChoice: { mode: 'required', names: ['f'] } })).toEqual({
    functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['f'] },
  })
  expect(config({ toolChoice: { mode: 'auto', names: ['f'], isList: true } })).toEqual({
    functionCallingConfig: { mode: 'VALIDATED', allowedFunctionNames: ['f'] },
  })
  expect(config({ tools: [{ kind: 'function', name: 'f', strict: true }] })).toEqual({
    functionCallingConfig: { mode: 'VALIDATED' },
  })
})

test('a name that Google does not allow is refused with the rule', () => {
  expect(() => encode({ tools: [{ kind: 'function', name: '1/f' }] })).toThrow(GatewayError)
  expect(() => encode({ tools: [{ kind: 'function', name: 'a.b:c-d' }] })).not.toThrow()
})

test.each<[object, Abilities, object | undefined]>([
  [{ effort: 'high' }, { thinkingLevels: true }, { thinkingLevel: 'high', includeThoughts: true }],
  [{ effort: 'xhigh' }, { thinkingLevels: true }, { thinkingLevel: 'high', includeThoughts: true }],
  [{ effort: 'none' }, { thinkingLevels: true }, { thinkingLevel: 'minimal' }],
  [
    { effort: 'minimal' },
    { thinkingLevels: true, thinkingCanBeOff: false },
    { thinkingLevel: 'low', includeThoughts: true },
  ],
  [{ budget: 5000 }, { thinkingLevels: true }, { thinkingLevel: 'medium', includeThoughts: true }],
  [{ mode: 'adaptive', shown: false }, { thinkingLevels: true }, {}],
  [{ effort: 'low' }, {}, { thinkingBudget: 1024, includeThoughts: true }],
  [{ budget: 5000, shown: false }, {}, { thinkingBudget: 5000 }],
  [{ mode: 'off' }, {}, { thinkingBudget: 0 }],
  [{ effort: 'none' }, { thinkingCanBeOff: false }, { thinkingBudget: 128 }],
  [{ mode: 'adaptive' }, {}, { thinkingBudget: -1, includeThoughts: true }],
  [{ effort: 'high' }, { reasoning: 'none' }, undefined],
])('the wish to think %j is told a model with %j', (reasoning, abilities, expected) => {
  const { generationConfig } = encode({ reasoning }, abilities).body as {
    generationConfig?: { thinkingConfig?: object }
  }
  expect(generationConfig?.thinkingConfig).toEqual(expected)
})
