import { expect, test } from 'vitest'
import { isMadeCallId } from '../ids.ts'
import { countTokensRequest, decodeCountTokens, encodeTokenCount, readTokenCount } from './count-tokens.ts'
import { gemini } from './gemini.ts'
import { signatureOf } from './seals.ts'

const asked = { model: 'gemini-test', stream: false }
const decode = (body: object) => gemini.decodeRequest(body, asked)
const user = { role: 'user', parts: [{ text: 'Hi' }] }

test('camelCase and snake_case say the same', () => {
  const camel = decode({
    contents: [{ role: 'user', parts: [{ inlineData: { mimeType: 'image/png', data: 'iVBORw0KGgo=' } }] }],
    systemInstruction: { parts: [{ text: 'Be brief.' }] },
    generationConfig: {
      maxOutputTokens: 5,
      topP: 0.5,
      responseMimeType: 'application/json',
      responseJsonSchema: { type: 'object' },
    },
    tools: [{ functionDeclarations: [{ name: 'f', parametersJsonSchema: { type: 'object' } }] }],
  })
  const snake = decode({
    contents: { role: 'user', parts: { inline_data: { mime_type: 'image/png', data: 'iVBORw0KGgo=' } } },
    system_instruction: { parts: [{ text: 'Be brief.' }] },
    generation_config: {
      max_output_tokens: 5,
      top_p: 0.5,
      response_mime_type: 'application/json',
      response_json_schema: { type: 'object' },
    },
    tools: { function_declarations: [{ name: 'f', parameters_json_schema: { type: 'object' } }] },
  })
  expect(snake).toEqual(camel)
  expect(camel.settings).toEqual({ maxTokens: 5, topP: 0.5 })
  expect(camel.format).toEqual({ kind: 'schema', schema: { type: 'object' } })
})

test('names that somebody chose stay as they are', () => {
  const { messages } = decode({
    contents: [
      { role: 'model', parts: [{ function_call: { name: 'get_it', args: { user_name: { first_name: 'A' } } } }] },
    ],
  })
  expect(messages[0]?.parts[0]).toMatchObject({ name: 'get_it', arguments: '{"user_name":{"first_name":"A"}}' })
})

test('results find their calls by name and order where there are no ids', () => {
  const { messages } = decode({
    contents: [
      user,
      { role: 'model', parts: ['a', 'b', 'a'].map((name) => ({ functionCall: { name } })) },
      {
        role: 'user',
        parts: [
          { functionResponse: { name: 'a', response: { output: 'first' } } },
          { functionResponse: { name: 'a', response: { error: 'second' } } },
          { functionResponse: { name: 'b', response: { temperature: 15 } } },
          { text: 'And?' },
        ],
      },
    ],
  })
  expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'user'])
  const ids = messages[1]?.parts.map((part) => (part.kind === 'tool-call' ? part.id : '')) as string[]
  expect(new Set(ids).size).toBe(3)
  expect(ids.every(isMadeCallId)).toBe(true)
  expect(messages[2]?.parts).toMatchObject([
    { callId: ids[0], name: 'a', parts: [{ text: 'first' }] },
    { callId: ids[2], name: 'a', parts: [{ text: 'second' }], isError: true },
    { callId: ids[1], name: 'b', parts: [{ text: '{"temperature":15}' }] },
  ])
})

test.each<[object, readonly string[]]>([
  [{ output: 'a' }, ['a']],
  [{ result: 'a' }, ['a']],
  [{ output: { b: 1 } }, ['{"output":{"b":1}}']],
  [{ name: 'f', content: 'a' }, ['a']],
  [{ name: 'f', content: [{ text: 'a' }, { text: 'b' }] }, ['a', 'b']],
  [{ name: 'f', content: [] }, []],
  [{ name: 'f', content: [{ image: 'a' }] }, ['{"name":"f","content":[{"image":"a"}]}']],
  [{ name: 'g', content: 'a' }, ['{"name":"g","content":"a"}']],
])('the words of the result %j reach every provider, and Google gets it as it was', (response, texts) => {
  const contents = [user, { role: 'user', parts: [{ functionResponse: { name: 'f', response } }] }]
  const request = decode({ contents })
  const [result] = request.messages[1]?.parts ?? []
  expect(result?.kind === 'tool-result' ? result.parts : []).toEqual(texts.map((text) => ({ kind: 'text', text })))
  expect(gemini.encodeRequest(request, {}).body.contents).toEqual(contents)
})

test('ids that the client gives are kept', () => {
  const contents = [
    user,
    { role: 'model', parts: [{ functionCall: { id: 'one', name: 'a', args: {} } }] },
    { role: 'user', parts: [{ functionResponse: { id: 'one', name: 'a', response: {} } }] },
  ]
  const request = decode({ contents })
  expect(request.messages[1]?.parts).toMatchObject([{ id: 'one', arguments: '{}' }])
  expect(request.messages[2]?.parts).toMatchObject([{ callId: 'one' }])
  expect(gemini.encodeRequest(request, {}).body.contents).toEqual(contents)
})

test('signatures stay on their parts, also on an empty text', () => {
  const contents = [
    {
      role: 'model',
      parts: [
        { text: 'Hm.', thought: true },
        { functionCall: { name: 'a' }, thoughtSignature: 'c2VhbA==' },
        { executableCode: { code: '1+1', language: 'PYTHON' }, thoughtSignature: 'Y29kZQ==' },
        { text: '', thoughtSignature: 'ZW1wdHk=' },
        { thoughtSignature: 'YWxvbmU=' },
        { inlineData: { mimeType: 'image/png', data: 'iVBORw0KGgo=' }, thoughtSignature: 'aW1hZ2U=' },
      ],
    },
  ]
  const request = decode({ contents })
  expect(request.messages[0]?.parts).toMatchObject([
    { kind: 'reasoning', text: 'Hm.' },
    { kind: 'tool-call', arguments: '', seal: { by: 'gemini', value: 'c2VhbA==' } },
    { kind: 'server-tool', name: 'code_execution', phase: 'call', seal: { by: 'gemini', value: 'Y29kZQ==' } },
    { kind: 'text', text: '', seal: { by: 'gemini', value: 'ZW1wdHk=' } },
    { kind: 'text', text: '', seal: { by: 'gemini', value: 'YWxvbmU=' } },
    { kind: 'image' },
  ])
  expect(gemini.encodeRequest(request, {}).body.contents).toEqual(contents)
})

test("another provider's seal comes back as that provider's, with the whole thought", () => {
  const seal = { by: 'anthropic', value: 'sealed' }
  const thoughtSignature = signatureOf(seal, { kind: 'reasoning', text: '', form: 'text' })
  const redacted = signatureOf(seal, { kind: 'reasoning', text: '', redacted: true })
  const { messages } = decode({
    contents: [
      {
        role: 'model',
        parts: [
          { text: 'Let me ', thought: true },
          { text: 'see.', thought: true },
          { text: '', thought: true, thoughtSignature },
          { text: '', thought: true, thoughtSignature: redacted },
          { text: 'Ah.' },
        ],
      },
    ],
  })
  expect(messages[0]?.parts).toEqual([
    { kind: 'reasoning', text: 'Let me see.', form: 'text', seal },
    { kind: 'reasoning', text: '', redacted: true, seal },
    { kind: 'text', text: 'Ah.' },
  ])
})

test('files are what their type says, and belong to Google unless they are public', () => {
  const { messages } = decode({
    contents: [
      {
        role: 'user',
        parts: [
          { fileData: { fileUri: 'gs://bucket/a.wav', mimeType: 'audio/wav' } },
          { fileData: { fileUri: 'https://example.test/a.png' } },
          { fileData: { fileUri: 'https://www.youtube.com/watch?v=1' }, videoMetadata: { fps: 1 } },
          {
            fileData: {
              fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/1',
              mimeType: 'application/pdf',
            },
          },
          { inlineData: { mimeType: 'application/pdf', data: 'JVBERi0', displayName: 'a.pdf' } },
        ],
      },
    ],
  })
  expect(messages[0]?.parts).toMatchObject([
    { kind: 'audio', source: { kind: 'file', dialect: 'gemini', id: 'gs://bucket/a.wav' } },
    { kind: 'image', source: { kind: 'url', url: 'https://example.test/a.png' } },
    { kind: 'video', source: { kind: 'url' }, extra: { fields: { videoMetadata: { fps: 1 } } } },
    { kind: 'document', source: { kind: 'file' } },
    { kind: 'document', title: 'a.pdf', source: { kind: 'data', data: 'JVBERi0=' } },
  ])
})

test('a tool choice is told in our words', () => {
  const choice = (functionCallingConfig: object) =>
    decode({ contents: [], toolConfig: { functionCallingConfig } }).toolChoice
  expect(choice({ mode: 'AUTO' })).toEqual({ mode: 'auto' })
  expect(choice({ mode: 'any' })).toEqual({ mode: 'required' })
  expect(choice({ mode: 'NONE' })).toEqual({ mode: 'none' })
  expect(choice({ mode: 'ANY', allowedFunctionNames: ['a'] })).toEqual({ mode: 'required', names: ['a'] })
  expect(choice({ mode: 'ANY', allowedFunctionNames: ['a', 'b'] })).toEqual({
    mode: 'required',
    names: ['a', 'b'],
    isList: true,
  })
  expect(choice({ mode: 'VALIDATED', allowedFunctionNames: ['a'] })).toEqual({
    mode: 'auto',
    names: ['a'],
    isList: true,
  })
  expect(choice({ mode: 'CONSTRUCTOR' })).toBeUndefined()
})

test('settings are told in our words, and what only Google knows is kept', () => {
  const body = {
    contents: [],
    generationConfig: {
      temperature: 0,
      topK: 40,
      candidateCount: 2,
      stopSequences: ['a'],
      seed: 1,
      presencePenalty: 0.1,
      frequencyPenalty: 0.2,
      responseLogprobs: true,
      logprobs: 5,
      responseModalities: ['TEXT', 'IMAGE'],
      thinkingConfig: { thinkingLevel: 'HIGH', includeThoughts: true },
      speechConfig: { voiceConfig: {} },
    },
    safetySettings: [{ category: 'A', threshold: 'B' }],
    cachedContent: 'cachedContents/1',
    serviceTier: 'standard',
    toolConfig: { retrievalConfig: { languageCode: 'de' } },
  }
  const request = decode(body)
  expect(request.settings).toEqual({
    temperature: 0,
    topK: 40,
    choices: 2,
    stop: ['a'],
    seed: 1,
    presencePenalty: 0.1,
    frequencyPenalty: 0.2,
    logprobs: 5,
    modalities: ['text', 'image'],
    serviceTier: 'default',
  })
  expect(request.reasoning).toMatchObject({ effort: 'high', shown: true })
  expect(Object.keys(request.extra?.fields ?? {})).toEqual([
    'safetySettings',
    'cachedContent',
    'generationConfig.speechConfig',
    'toolConfig.retrievalConfig',
  ])
  expect(gemini.encodeRequest(request, {}).body).toEqual(body)
})

test('tools are told in our words, and come back as they were', () => {
  const tools = [
    { google_search: { exclude_domains: ['a'] } },
    {
      functionDeclarations: [
        {
          name: 'a',
          description: '',
          parameters: { type: 'OBJECT', properties: { b: { type: 'STRING' } } },
          behavior: 'BLOCKING',
        },
      ],
    },
    { codeExecution: {} },
    { urlContext: {} },
    { fileSearch: {} },
  ]
  const request = decode({ contents: [], tools })
  expect(request.tools).toMatchObject([
    { kind: 'server', name: 'web_search' },
    { kind: 'function', name: 'a', schema: { type: 'object', properties: { b: { type: 'string' } } } },
    { kind: 'server', name: 'code_execution' },
    { kind: 'server', name: 'web_fetch' },
    { kind: 'server', name: 'fileSearch' },
  ])
  expect(gemini.encodeRequest(request, {}).body.tools).toEqual(tools)
})

test('tokens are counted of contents alone or of a whole request', () => {
  const alone = decodeCountTokens({ contents: [user] }, asked)
  expect(countTokensRequest(alone, {}).body).toEqual({ contents: [user] })
  const whole = { model: 'models/gemini-test', contents: [user], systemInstruction: { parts: [{ text: 'Be brief.' }] } }
  const request = decodeCountTokens({ generateContentRequest: whole }, asked)
  expect(request.messages).toHaveLength(2)
  expect(countTokensRequest(request, {}).body).toEqual({ generateContentRequest: whole })
  expect(readTokenCount({ totalTokens: 7 })).toBe(7)
  expect(readTokenCount({ error: {} })).toBeUndefined()
  expect(encodeTokenCount(7)).toEqual({ totalTokens: 7 })
})
