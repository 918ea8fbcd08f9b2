import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ChatRequest, Message, Part } from '../../core/chat.ts'
import { GatewayError } from '../../core/error.ts'
import { runStep } from '../../core/steps.ts'
import type { Fields } from '../values.ts'
import { decodeAnswer } from './decode-answer.ts'
import { decodeRequest } from './decode-request.ts'
import { decodeStream } from './decode-stream.ts'
import { encodeRequest } from './encode-request.ts'

const asked = { model: 'm', stream: false }
const decoded = (body: Fields): ChatRequest => decodeRequest(body, asked)
const messagesOf = (...input: readonly Fields[]): readonly Message[] => decoded({ input }).messages
const partsOf = (item: Fields): readonly Part[] => messagesOf(item)[0]?.parts ?? []
const back = (body: Fields): Fields => encodeRequest(decoded(body), {}).body

function refused(body: unknown): GatewayError {
  try {
    decodeRequest(body, asked)
  } catch (thrown) {
    if (thrown instanceof GatewayError) return thrown
    throw thrown
  }
  throw new Error('Nobody refused it.')
}

describe('what is said', () => {
  test('may be one text, and instructions stand before it', () => {
    const body = { model: 'n', instructions: 'Be kind.', input: 'Hi' }
    expect(decoded(body)).toMatchObject({
      model: 'n',
      messages: [
        { role: 'system', parts: [{ kind: 'text', text: 'Be kind.' }] },
        { role: 'user', parts: [{ kind: 'text', text: 'Hi' }] },
      ],
    })
    expect(back(body)).toEqual(body)
  })

  test('by the assistant in a row is one turn, results of tools are apart', () => {
    const input = [
      {
        type: 'reasoning',
        id: 'rs_1',
        summary: [
          { type: 'summary_text', text: 'a' },
          { type: 'summary_text', text: 'b' },
        ],
        encrypted_content: 'x',
      },
      {
        type: 'message',
        id: 'msg_1',
        role: 'assistant',
        status: 'completed',
        phase: 'commentary',
        content: [{ type: 'output_text', text: 'c', annotations: [] }],
      },
      { type: 'function_call', id: 'fc_1', call_id: 'c1', name: 'f', arguments: '' },
      { type: 'custom_tool_call', call_id: 'c2', name: 'g', input: 'free' },
      {
        type: 'function_call_output',
        call_id: 'c1',
        output: [{ type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'auto' }],
      },
      { type: 'custom_tool_call_output', call_id: 'c2', output: 'done' },
      { role: 'user', content: [{ type: 'input_text', text: 'And?' }] },
    ]
    const messages = messagesOf(...input)
    expect(messages.map(({ role, parts }) => [role, parts.map(({ kind }) => kind)])).toEqual([
      ['assistant', ['reasoning', 'reasoning', 'text', 'tool-call', 'tool-call']],
      ['tool', ['tool-result']],
      ['tool', ['tool-result']],
      ['user', ['text']],
    ])
    expect(messages[0]?.parts.map((part) => 'seal' in part && part.seal)).toEqual([
      false,
      { by: 'openai', value: 'x' },
      false,
      false,
      false,
    ])
    const again = back({ model: 'm', input }).input as readonly Fields[]
    expect(again.slice(0, 6)).toEqual(input.slice(0, 6))
  })

  test('by the assistant in two items stays in two', () => {
    const input = [
      { role: 'assistant', content: 'a' },
      { role: 'assistant', content: 'b' },
    ]
    expect(back({ model: 'm', input }).input).toHaveLength(2)
  })

  test('in a thought without a summary is nothing but its seal', () => {
    expect(partsOf({ type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'x' })).toMatchObject([
      { kind: 'reasoning', text: '', id: 'rs_1', seal: { by: 'openai', value: 'x' } },
    ])
  })

  test.each<[what: string, wire: Fields, part: Partial<Part>]>([
    [
      'a picture by its address',
      { type: 'input_image', image_url: 'https://a/b' },
      { kind: 'image', source: { kind: 'url', url: 'https://a/b' } },
    ],
    [
      'a kept picture',
      { type: 'input_image', file_id: 'f' },
      { kind: 'image', source: { kind: 'file', dialect: 'openai-responses', id: 'f' } },
    ],
    [
      'a file',
      { type: 'input_file', file_data: 'data:application/pdf;base64,JVBERi0=', filename: 'a.pdf' },
      { kind: 'document', title: 'a.pdf', source: { kind: 'data', mediaType: 'application/pdf', data: 'JVBERi0=' } },
    ],
    [
      'a file that is only its data',
      { type: 'input_file', file_data: 'YWJj', filename: 'a.txt' },
      { kind: 'document', source: { kind: 'data', mediaType: 'text/plain', data: 'YWJj' } },
    ],
    [
      'a file by its address',
      { type: 'input_file', file_url: 'https://a/b.pdf' },
      { kind: 'document', source: { kind: 'url', url: 'https://a/b.pdf' } },
    ],
    ['a refusal', { type: 'refusal', refusal: 'no' }, { kind: 'refusal', text: 'no' }],
    [
      'what nobody knows',
      { type: 'input_smell', smell: 1 },
      { kind: 'opaque', value: { type: 'input_smell', smell: 1 } },
    ],
  ])('may be %s', (_what, wire, part) => {
    expect(partsOf({ role: 'user', content: [wire] })).toMatchObject([part])
  })

  test('by tools of the provider is never a call to run', () => {
    const input = [
      { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: 'q' } },
      { type: 'code_interpreter_call', id: 'ci_1', code: '1', container_id: 'c' },
      { type: 'tool_search_output', call_id: 'x', tools: [] },
      { type: 'compaction', id: 'cmp_1', encrypted_content: 'x' },
      { type: 'item_reference', id: 'msg_1' },
    ]
    const [message] = messagesOf(...input)
    expect(message?.parts.map((part) => ('name' in part ? part.name : part.kind))).toEqual([
      'web_search',
      'code_execution',
      'tool_search',
      'opaque',
      'opaque',
    ])
    expect(back({ model: 'm', input }).input).toEqual(input)
  })

  test('with the mark of another provider’s seal is sealed by that provider', () => {
    const carried = (name: string): string => `trunkline.seal.${name}`
    const by = Buffer.from('anthropic').toString('base64url')
    expect(
      partsOf({ type: 'reasoning', id: 'rs_tl_1_0', summary: [], encrypted_content: carried(`r.${by}..se.al`) }),
    ).toMatchObject([{ kind: 'reasoning', text: '', redacted: true, seal: { by: 'anthropic', value: 'se.al' } }])
    const call = { type: 'function_call', call_id: 'c.1', name: 'f', arguments: '{}' }
    const to = Buffer.from('c.1').toString('base64url')
    const [turn] = messagesOf(call, {
      type: 'reasoning',
      id: 'rs_2',
      summary: [],
      encrypted_content: carried(`a.${by}.${to}.s`),
    })
    expect(turn?.parts).toMatchObject([{ kind: 'tool-call', seal: { by: 'anthropic', value: 's' } }])
  })
})

describe('tools', () => {
  const strict = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false }
  test.each([
    [{ strict: true, parameters: {} }, true],
    [{ strict: false, parameters: strict }, false],
    [{ parameters: strict }, true],
    [{ parameters: { type: 'object', properties: { a: {} } } }, undefined],
    [{ strict: null, parameters: {} }, undefined],
  ])('that say %j are strict: %j', (fields, expected) => {
    const wire = { type: 'function', name: 'f', ...fields }
    const { tools } = decoded({ input: '', tools: [wire] })
    expect(tools[0]).toMatchObject({ kind: 'function', name: 'f' })
    expect(tools[0]?.kind === 'function' && tools[0].strict).toBe(expected)
    const { strict: said, ...rest } = wire as Fields
    expect(back({ model: 'm', input: '', tools: [wire] }).tools).toEqual([typeof said === 'boolean' ? wire : rest])
  })

  test.each<[wire: unknown, choice: unknown]>([
    ['auto', { mode: 'auto' }],
    [
      { type: 'function', name: 'f' },
      { mode: 'required', names: ['f'] },
    ],
    [{ type: 'web_search_preview' }, { mode: 'required', names: ['web_search'] }],
    [
      { type: 'mcp', server_label: 'deepwiki' },
      { mode: 'required', names: ['mcp'] },
    ],
    [
      { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'f' }, { type: 'web_search' }] },
      { mode: 'auto', names: ['f', 'web_search'], isList: true },
    ],
  ])('are chosen by %j', (wire, choice) => {
    const body = { model: 'm', input: '', tools: [{ type: 'function', name: 'f', strict: false }], tool_choice: wire }
    expect(decoded(body).toolChoice).toEqual(choice)
    expect(back(body).tool_choice).toEqual(wire)
  })
})

test('all else comes back as it was, known or not', () => {
  const body = {
    model: 'm',
    input: 'Hi',
    max_output_tokens: 5,
    temperature: 0,
    top_logprobs: 3,
    include: ['message.output_text.logprobs', 'web_search_call.results'],
    reasoning: { effort: 'low', summary: 'auto', context: 'all_turns' },
    text: { format: { type: 'json_schema', name: 'n', schema: {}, strict: true }, verbosity: 'high', odd: 1 },
    user: 'u',
    metadata: { a: 'b' },
    prompt_cache_key: 'k',
    service_tier: 'flex',
    store: true,
    truncation: 'auto',
    background: true,
    max_tool_calls: 3,
    tomorrow: { a: [1] },
    stream: true,
    stream_options: { include_obfuscation: false },
  }
  expect(back(body)).toEqual(body)
  expect(decoded(body)).toMatchObject({
    stream: true,
    settings: { maxTokens: 5, logprobs: 3, verbosity: 'high', user: 'u', serviceTier: 'flex' },
    reasoning: { effort: 'low', summary: 'auto', shown: true },
    format: { kind: 'schema', name: 'n', strict: true },
    extra: { fields: { truncation: 'auto', background: true, max_tool_calls: 3, tomorrow: { a: [1] } } },
  })
})

test.each<[body: unknown, param: string]>([
  [{ input: 3 }, 'input'],
  [{ input: [3] }, 'input[0]'],
  [{ input: [{ role: 'tool', content: 'x' }] }, 'input[0].role'],
  [{ input: [{ role: 'user', content: 3 }] }, 'input[0].content'],
  [{ input: '', instructions: 3 }, 'instructions'],
  [{ input: '', tools: {} }, 'tools'],
])('%j is refused for %s', (body, param) => {
  expect(refused(body)).toMatchObject({ code: 'bad_request', details: { param } })
})

describe('whatever comes', () => {
  const calmly = (run: () => unknown): void => {
    try {
      run()
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(GatewayError)
    }
  }
  const word = fc.constantFrom(
    'message',
    'reasoning',
    'function_call',
    'function_call_output',
    'image_generation_call',
    'compaction',
    'output_text',
    'input_image',
    'user',
    'assistant',
    'allowed_tools',
    'function',
  )
  const name = fc.constantFrom(
    'type',
    'role',
    'content',
    'output',
    'input',
    'summary',
    'item',
    'part',
    'response',
    'tools',
    'tool_choice',
    'text',
    'delta',
    'annotations',
    'logprobs',
    'output_index',
    '__proto__',
    'constructor',
  )
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      word,
      fc.jsonValue(),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(name, tie('value'), { maxKeys: 6 }),
    ),
  }))
  const typed = fc.constantFrom(
    'response.output_item.added',
    'response.output_item.done',
    'response.content_part.added',
    'response.output_text.delta',
    'response.output_text.done',
    'response.reasoning_summary_text.delta',
    'response.function_call_arguments.delta',
    'response.output_text.annotation.added',
    'response.completed',
    'response.failed',
    'error',
  )

  test('is read or refused, and leaves no trace', () => {
    fc.assert(
      fc.property(value, fc.array(fc.tuple(typed, value), { maxLength: 6 }), (body, events) => {
        calmly(() => encodeRequest(decodeRequest(body, asked), {}))
        calmly(() => decodeAnswer(body))
        const frames = events.map(([type, rest]) => ({ data: JSON.stringify({ ...(rest as object), type }) }))
        calmly(() => runStep(decodeStream(), frames))
        calmly(() => runStep(decodeStream(), [{ data: JSON.stringify(body) ?? '' }]))
        expect(Object.keys(Object.prototype)).toEqual([])
      }),
    )
  })
})
