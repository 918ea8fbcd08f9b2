import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pieces } from '../../../test/support/replay-cut.ts'
import { assemble, type ChatAnswer, type ChatEvent, type Message, type Part } from '../../core/chat.ts'
import { compose, runStep } from '../../core/steps.ts'
import { sseFrames } from '../../http/sse.ts'
import { decodeAnswer, decodeRequest, decodeStream } from './decode.ts'

const messageOf = (message: object): Message => decodeRequest({ messages: [message] }).messages[0] as Message
const partsOf = (message: object): readonly Part[] => messageOf({ role: 'user', ...message }).parts
const eventsOf = (chunks: readonly unknown[]): ChatEvent[] =>
  runStep(
    decodeStream(),
    chunks.map((chunk) => ({ data: typeof chunk === 'string' ? chunk : JSON.stringify(chunk) })),
  )
const deltas = (...list: readonly object[]): readonly Part[] =>
  assemble(eventsOf(list.map((delta) => ({ choices: [{ index: 0, delta }] })))).choices[0]?.message.parts ?? []

describe('a request', () => {
  test('has a model, messages and tools, old and new', () => {
    const schema = { type: 'object' }
    expect(
      decodeRequest({
        model: 'm',
        stream: true,
        messages: [{ role: 'user', content: 'Hi', name: 'ann' }],
        tools: [
          { type: 'function', function: { name: 'f', description: 'does', parameters: schema } },
          { type: 'custom', custom: { name: 'c', description: 'too' } },
        ],
        functions: [{ name: 'old', parameters: schema }],
      }),
    ).toEqual({
      model: 'm',
      stream: true,
      messages: [{ role: 'user', name: 'ann', parts: [{ kind: 'text', text: 'Hi' }] }],
      tools: [
        { name: 'f', description: 'does', schema },
        { name: 'c', description: 'too' },
        { name: 'old', schema },
      ],
    })
  })

  test.each([
    {},
    { messages: null, tools: null },
    { messages: 'Hi', tools: {}, functions: 3 },
    { messages: [null, 3] },
  ])('such as %j is read as far as it goes', (body) => {
    expect(decodeRequest(body)).toEqual({ model: '', stream: false, messages: [], tools: [] })
  })

  test.each([
    ['system', 'system'],
    ['developer', 'developer'],
    ['user', 'user'],
    ['assistant', 'assistant'],
    ['tool', 'tool'],
    ['function', 'tool'],
    ['constructor', 'user'],
    [undefined, 'user'],
  ])('with the role %s has a message of %s', (role, expected) => {
    expect(messageOf({ role, content: 'Hi' }).role).toBe(expected)
  })
})

describe('a message', () => {
  test.each<[what: string, wire: unknown, part: Part]>([
    ['text', { type: 'text', text: 'a' }, { kind: 'text', text: 'a' }],
    ['a bare text', 'a', { kind: 'text', text: 'a' }],
    ['a refusal', { type: 'refusal', refusal: 'no' }, { kind: 'refusal', text: 'no' }],
    ['thinking', { type: 'thinking', thinking: 'hm' }, { kind: 'reasoning', text: 'hm' }],
    [
      'thinking in parts',
      { type: 'thinking', thinking: [{ type: 'text', text: 'h' }, null, { type: 'text', text: 'm' }] },
      { kind: 'reasoning', text: 'hm' },
    ],
    [
      'an image',
      { type: 'image_url', image_url: { url: 'u', detail: 'low' } },
      { kind: 'image', url: 'u', detail: 'low' },
    ],
    ['an image that is only its address', { type: 'image_url', image_url: 'u' }, { kind: 'image', url: 'u' }],
    ['an image without one', { type: 'image_url' }, { kind: 'image', url: '' }],
    [
      'audio',
      { type: 'input_audio', input_audio: { data: 'd', format: 'wav' } },
      { kind: 'audio', data: 'd', format: 'wav' },
    ],
    [
      'a file',
      { type: 'file', file: { file_data: 'd', filename: 'f.pdf' } },
      { kind: 'document', data: 'd', filename: 'f.pdf' },
    ],
    ['a file by its id', { type: 'file', file: { file_id: 'i' } }, { kind: 'document', fileId: 'i' }],
    [
      'what nobody knows',
      { type: 'video_url', video_url: 'v' },
      { kind: 'opaque', dialect: 'openai-chat', value: { type: 'video_url', video_url: 'v' } },
    ],
  ])('of %s', (_what, wire, part) => {
    expect(partsOf({ content: [wire] })).toEqual([part])
  })

  test.each([null, undefined, '', []])('of %j is empty', (content) => {
    expect(partsOf({ content })).toEqual([])
  })

  test('of the assistant has its reasoning, its words and its calls, in this order', () => {
    expect(
      partsOf({
        role: 'assistant',
        tool_calls: [
          { id: 'a', function: { name: 'f', arguments: '{' } },
          { id: 'b', type: 'custom', custom: { name: 'c', input: 'x' } },
        ],
        refusal: 'no',
        content: 'Hi',
        reasoning_content: 'hm',
      }),
    ).toEqual([
      { kind: 'reasoning', text: 'hm' },
      { kind: 'text', text: 'Hi' },
      { kind: 'refusal', text: 'no' },
      { kind: 'tool-call', id: 'a', name: 'f', arguments: '{' },
      { kind: 'tool-call', id: 'b', name: 'c', arguments: 'x' },
    ])
  })

  test('of the time before tools has its call, and the result by its name', () => {
    expect(partsOf({ role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } })).toEqual([
      { kind: 'tool-call', id: '', name: 'f', arguments: '{}' },
    ])
    expect(messageOf({ role: 'function', name: 'f', content: '7' })).toEqual({
      role: 'tool',
      name: 'f',
      parts: [{ kind: 'tool-result', callId: 'f', parts: [{ kind: 'text', text: '7' }] }],
    })
  })

  test('with the result of a tool says whose it is', () => {
    expect(partsOf({ role: 'tool', tool_call_id: 'a', content: [{ type: 'text', text: '7' }] })).toEqual([
      { kind: 'tool-result', callId: 'a', parts: [{ kind: 'text', text: '7' }] },
    ])
  })

  test('whose arguments are an object shows them as they were written', () => {
    expect(
      partsOf({ role: 'assistant', tool_calls: [{ id: 1, function: { name: 'f', arguments: { a: 1 } } }] }),
    ).toEqual([{ kind: 'tool-call', id: '1', name: 'f', arguments: '{"a":1}' }])
  })
})

describe('reasoning', () => {
  const reasoned = [{ kind: 'reasoning', text: 'hm' }]
  test.each<[form: string, message: object]>([
    ['reasoning_content', { reasoning_content: 'hm' }],
    ['reasoning', { reasoning: 'hm' }],
    ['both', { reasoning_content: 'hm', reasoning: 'hm' }],
    ['an empty one and a full one', { reasoning_content: '', reasoning: 'hm' }],
    ['a list of thinking', { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] }] }],
  ])('as %s is the same whole and streamed', (_form, message) => {
    expect(decodeAnswer({ choices: [{ message }] }).choices[0]?.message.parts).toEqual(reasoned)
    expect(deltas(message)).toEqual(reasoned)
  })
})

describe('the calls of a stream', () => {
  const a = { kind: 'tool-call', id: 'a', name: 'f', arguments: '{}' }
  const b = { kind: 'tool-call', id: 'b', name: 'g', arguments: '[]' }
  const call = (fields: object, name?: string, written = ''): object => ({
    ...fields,
    function: { ...(name && { name }), arguments: written },
  })
  test.each<[how: string, fragments: readonly (readonly object[])[]]>([
    [
      'with their index',
      [[call({ index: 0, id: 'a' }, 'f')], [call({ index: 0 }, '', '{}')], [call({ index: 1, id: 'b' }, 'g', '[]')]],
    ],
    [
      'interleaved',
      [
        [call({ index: 0, id: 'a' }, 'f', '{')],
        [call({ index: 1, id: 'b' }, 'g', '[')],
        [call({ index: 0 }, '', '}'), call({ index: 1 }, '', ']')],
      ],
    ],
    ['without an index', [[call({ id: 'a' }, 'f', '{')], [call({}, '', '}')], [call({ id: 'b' }, 'g', '[]')]]],
    ['without an index in one chunk', [[call({ id: 'a' }, 'f', '{}'), call({ id: 'b' }, 'g', '[]')]]],
    [
      'with the index 0 for all of them',
      [
        [call({ index: 0, id: 'a' }, 'f', '{}')],
        [call({ index: 0, id: 'b' }, 'g', '[')],
        [call({ index: 0 }, '', ']')],
      ],
    ],
    [
      'with id and name in every fragment',
      [
        [call({ index: 0, id: 'a' }, 'f', '{')],
        [call({ index: 0, id: 'a' }, 'f', '}')],
        [call({ index: 1, id: 'b' }, 'g', '[')],
        [call({ index: 1, id: 'b' }, 'g', ']')],
      ],
    ],
    [
      'with empty ids after the first',
      [
        [call({ index: 0, id: 'a' }, 'f', '{')],
        [call({ index: 0, id: '' }, '', '}')],
        [call({ index: 1, id: 'b' }, 'g', '[]')],
        [call({ index: 1, id: null }, '')],
      ],
    ],
    [
      'with an index that does not begin at 0',
      [[call({ index: 1, id: 'a' }, 'f', '{}')], [call({ index: 5, id: 'b' }, 'g', '[]')]],
    ],
  ])('come together %s', (_how, fragments) => {
    expect(deltas(...fragments.map((tool_calls) => ({ tool_calls })))).toEqual([a, b])
  })

  test('may get their id late', () => {
    expect(
      deltas({ tool_calls: [call({ index: 0 }, 'f')] }, { tool_calls: [call({ index: 0, id: 'a' }, '', '{}')] }),
    ).toEqual([a])
  })

  test('of the time before tools come together too', () => {
    expect(deltas({ function_call: { name: 'f', arguments: '{' } }, { function_call: { arguments: '}' } })).toEqual([
      { ...a, id: '' },
    ])
  })
})

describe('a stream', () => {
  test('begins with the first chunk that has a name', () => {
    const events = eventsOf([
      { choices: [], model: '', id: '' },
      { id: 'i', model: 'm' },
      { id: 'i', model: 'm' },
    ])
    expect(events).toEqual([{ kind: 'start', id: 'i', model: 'm' }])
  })

  test('of several choices keeps them apart', () => {
    const { choices } = assemble(
      eventsOf([
        { choices: [{ index: 1, delta: { content: 'b' } }] },
        { choices: [{ index: 0, delta: { content: 'a' }, finish_reason: 'length' }] },
        { choices: [{ index: 1, delta: { refusal: 'no' }, finish_reason: 'stop' }] },
      ]),
    )
    expect(choices.map(({ message, finish }) => [message.parts.map(({ kind }) => kind), finish])).toEqual([
      [['text'], 'length'],
      [['text', 'refusal'], 'stop'],
    ])
  })

  test('says nothing where nothing is said', () => {
    expect(
      eventsOf([
        '[DONE]',
        ' [DONE] ',
        'null',
        '3',
        {},
        { choices: null },
        { choices: [null] },
        { choices: [{}] },
        { error: 'No.' },
      ]),
    ).toEqual([])
  })
})

test.each([
  ['stop', 'stop'],
  ['eos', 'stop'],
  ['length', 'length'],
  ['model_length', 'length'],
  ['tool_calls', 'tool_calls'],
  ['function_call', 'tool_calls'],
  ['content_filter', 'content_filter'],
  ['abandoned', 'other'],
  ['constructor', 'other'],
  ['', undefined],
  [null, undefined],
])('the reason %j is %s, whole and streamed', (written, finish) => {
  const choice = { index: 0, finish_reason: written, message: { content: 'a' } }
  expect(decodeAnswer({ choices: [choice] }).choices[0]?.finish).toBe(finish)
  expect(assemble(eventsOf([{ choices: [choice] }])).choices[0]?.finish).toBe(finish)
})

describe('an answer that is streamed is the answer that would have come whole', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1 })
  const call = fc.record({ id: fc.uuid(), name: text, written: fc.json() })
  const choice = fc.record({
    reasoning: fc.option(text),
    content: fc.option(text),
    refusal: fc.option(text),
    calls: fc.uniqueArray(call, { maxLength: 3, selector: ({ id }) => id }),
    reason: fc.constantFrom('stop', 'length', 'tool_calls', 'content_filter', 'odd'),
  })
  type Written = typeof choice extends fc.Arbitrary<infer T> ? T : never
  const answer = fc.record({
    choices: fc.array(choice, { minLength: 1, maxLength: 3 }),
    usage: fc.option(fc.record({ prompt_tokens: fc.nat(99), completion_tokens: fc.nat(99) })),
  })

  const wholeOf = ({ reasoning, content, refusal, calls, reason }: Written, index: number): object => ({
    index,
    message: {
      role: 'assistant',
      content,
      refusal,
      reasoning_content: reasoning,
      tool_calls: calls.map(({ id, name, written }) => ({
        id,
        type: 'function',
        function: { name, arguments: written },
      })),
    },
    finish_reason: reason,
  })

  /** The choice as chunks: every text in pieces of so many characters, its calls one after the other. */
  function* chunksOf({ reasoning, content, refusal, calls, reason }: Written, index: number, size: number) {
    const chunk = (delta: object, finish_reason: string | null = null): object => ({
      id: 'i',
      model: 'm',
      choices: [{ index, delta, finish_reason }],
    })
    const cut = (whole: string | null): string[] => {
      const letters = [...(whole ?? '')]
      const count = Math.ceil(letters.length / size)
      return Array.from({ length: count }, (_, at) => letters.slice(at * size, (at + 1) * size).join(''))
    }
    yield chunk({ role: 'assistant', content: '' })
    for (const piece of cut(reasoning)) yield chunk({ reasoning_content: piece })
    for (const piece of cut(content)) yield chunk({ content: piece })
    for (const piece of cut(refusal)) yield chunk({ refusal: piece })
    for (const [at, { id, name, written }] of calls.entries()) {
      yield chunk({ tool_calls: [{ index: at, id, type: 'function', function: { name, arguments: '' } }] })
      for (const piece of cut(written)) yield chunk({ tool_calls: [{ index: at, function: { arguments: piece } }] })
    }
    yield chunk({}, reason)
  }

  /** Takes from each in turn, as a host with several choices writes them. */
  function mixed(lists: readonly (readonly object[])[]): object[] {
    const longest = Math.max(...lists.map((list) => list.length))
    return Array.from({ length: longest }, (_, at) => lists.flatMap((list) => list.slice(at, at + 1))).flat()
  }

  test('whatever is in it, however it is divided and wherever the network cuts', () => {
    fc.assert(
      fc.property(answer, fc.integer({ min: 1, max: 9 }), fc.integer(), ({ choices, usage }, size, seed) => {
        const chunks = [
          ...mixed(choices.map((one, index) => [...chunksOf(one, index, size)])),
          ...(usage ? [{ id: 'i', model: 'm', choices: [], usage }] : []),
        ]
        const stream = Buffer.from(
          `${chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('')}data: [DONE]\n\n`,
        )
        const streamed = assemble(runStep(compose(sseFrames(), decodeStream()), pieces([stream], { seed })))
        expect(streamed).toEqual(decodeAnswer({ id: 'i', model: 'm', choices: choices.map(wholeOf), usage }))
      }),
    )
  })
})

const golden = resolve(import.meta.dirname, '../../../test/golden/streams/openai-chat')
const goldenFiles = readdirSync(golden).filter((file) => /\.(sse|json)$/.test(file) && !file.endsWith('.answer.json'))

test.each(goldenFiles)('%s is decoded as written beside it', async (file) => {
  const bytes = readFileSync(resolve(golden, file))
  const read = (chunks: Iterable<Uint8Array>): ChatAnswer =>
    file.endsWith('.sse')
      ? assemble(runStep(compose(sseFrames(), decodeStream()), chunks))
      : decodeAnswer(JSON.parse(Buffer.concat([...chunks]).toString()))
  const answer = read([bytes])
  for (let size = 1; size < 20; size++) expect(read(pieces([bytes], size)), `pieces of ${size}`).toEqual(answer)
  await expect(`${JSON.stringify(answer, null, 2)}\n`).toMatchFileSnapshot(resolve(golden, `${file}.answer.json`))
})
