import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  index,
  load,
  noRecordings,
  recordingsFolder,
  responseBytes,
  responseChunks,
} from '../../../test/support/recordings.ts'
import { type Cut, pieces } from '../../../test/support/replay-cut.ts'
import type { AnswerFacts } from '../../core/answer.ts'
import { openaiChat } from './openai-chat.ts'

const { watchAnswer, readAnswer } = openaiChat

function watched(chunks: Iterable<Uint8Array>, streaming = true): AnswerFacts {
  const watch = watchAnswer(streaming)
  for (const chunk of chunks) watch.next(chunk as Buffer)
  return watch.end()
}

/** What is known in the end: where the quick look was not enough, the whole is read. */
function known(chunks: readonly Uint8Array[], streaming = true): AnswerFacts {
  const facts = watched(chunks, streaming)
  return facts.unread ? readAnswer(Buffer.concat(chunks), streaming) : facts
}

const eventsOf = (text: string): Buffer[] => text.split(/(?<=\n\n)/).map((event) => Buffer.from(event))

interface Stream {
  readonly name: string
  readonly chunks: readonly Buffer[]
}

const golden = resolve(import.meta.dirname, '../../../test/golden/streams/openai-chat')
const goldenFiles = (end: string): string[] =>
  readdirSync(golden).filter((file) => file.endsWith(end) && !file.endsWith('.answer.json'))
const goldenText = (file: string): string => readFileSync(resolve(golden, file), 'utf8')
const goldenStreams: readonly Stream[] = goldenFiles('.sse').map((file) => ({
  name: file,
  chunks: eventsOf(goldenText(file)),
}))

const here = recordingsFolder() !== undefined
const rows = here ? index().filter(({ api, status }) => api === 'openai.chat' && status < 400) : []
const recordedStreams: readonly Stream[] = rows
  .filter(({ streaming }) => streaming)
  .map(({ id }) => ({ name: id, chunks: responseChunks(load(id)) }))

if (!here) test.skip(`recorded answers are watched: ${noRecordings}`, () => undefined)

interface WrittenChunk {
  readonly model?: string
  readonly usage?: unknown
  readonly x_groq?: { readonly usage?: unknown }
  readonly error?: unknown
  readonly choices?: readonly {
    readonly index?: number
    readonly delta?: Readonly<Record<string, unknown>>
    readonly finish_reason?: unknown
    readonly usage?: unknown
  }[]
}

/** The data of an event as JSON, in this test's own words: all streams here have their data in one line each. */
function written(event: Buffer): WrittenChunk | undefined {
  const line = event
    .toString()
    .split(/\r?\n/)
    .find((one) => one.startsWith('data:'))
  return line === undefined || line.slice(5).trim() === '[DONE]' ? undefined : JSON.parse(line.slice(5))
}

const lastUsage = (chunks: readonly Buffer[]): unknown =>
  chunks
    .map(written)
    .map((chunk) => chunk?.usage ?? chunk?.x_groq?.usage ?? chunk?.choices?.[0]?.usage)
    .findLast((usage) => usage)

/** The details repeat or encrypt what stands beside them; Snowflake's alone have it nowhere else. */
const wordless = new Set(['role', 'reasoning_details'])

const isEmpty = (value: unknown): boolean =>
  value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0)

const saysSomething = (chunk: WrittenChunk | undefined): boolean =>
  !!chunk?.error ||
  !!chunk?.choices?.some(
    ({ delta = {}, finish_reason: reason }) =>
      reason || Object.entries(delta).some(([key, value]) => !wordless.has(key) && !isEmpty(value)),
  )

const exhaustive = 5_000

/** Two pieces: at every byte of a small stream, at a hundred places of a large one, the same each time. */
function* halves(bytes: Buffer): Generator<[Buffer, Buffer]> {
  const everywhere = bytes.length <= exhaustive
  const count = everywhere ? bytes.length + 1 : 100
  for (let turn = 0; turn < count; turn++) {
    // A prime step over the length spreads the places without a pattern that events could share.
    const at = everywhere ? turn : (turn * 7_919 * 104_729 + 31) % bytes.length
    yield [bytes.subarray(0, at), bytes.subarray(at)]
  }
}

function expectSameFacts({ chunks }: Stream): AnswerFacts {
  const bytes = Buffer.concat(chunks)
  const whole = readAnswer(bytes, true)
  const cuts: readonly Cut[] = ['whole', 'event', 'byte', 7, { seed: 1 }]
  for (const cut of cuts) expect(known([...pieces(chunks, cut)]), `cut ${JSON.stringify(cut)}`).toEqual(whole)
  const wanted = JSON.stringify(sorted(whole))
  for (const cut of halves(bytes)) {
    if (JSON.stringify(sorted(known(cut))) !== wanted) expect(known(cut), `cut at ${cut[0].length}`).toEqual(whole)
  }
  return whole
}

const sorted = (facts: AnswerFacts): unknown => Object.entries(facts).toSorted(([a], [b]) => (a < b ? -1 : 1))

const streamKinds = [
  { kind: 'golden', streams: goldenStreams },
  { kind: 'recorded', streams: recordedStreams },
].filter(({ streams }) => streams.length > 0)

describe.each(streamKinds)('$kind streams', ({ streams }) => {
  test.each(streams)('$name says the same wherever the network cuts it', (stream) => {
    const facts = expectSameFacts(stream)
    expect(facts.usageReported).toEqual(lastUsage(stream.chunks))
    expect(facts.model).toEqual(stream.chunks.map(written).find((chunk) => chunk?.model)?.model)
    const reasons = stream.chunks.map((chunk) => written(chunk)?.choices?.find(({ index = 0 }) => index === 0))
    expect(facts.finishReason !== undefined).toBe(reasons.some((choice) => choice?.finish_reason))
  })

  test.each(streams)('$name has content from its first content on', ({ chunks }) => {
    const watch = watchAnswer(true)
    let expected = false
    for (const [at, chunk] of chunks.entries()) {
      watch.next(chunk)
      expected ||= saysSomething(written(chunk))
      expect(watch.hasContent, `after event ${at}: ${chunk}`).toBe(expected)
    }
    expect(expected).toBe(true)
  })
})

const answerKinds = [
  {
    kind: 'golden',
    answers: goldenFiles('.json').map((file) => ({ name: file, bytes: Buffer.from(goldenText(file)) })),
  },
  {
    kind: 'recorded',
    answers: rows.filter(({ streaming }) => !streaming).map(({ id }) => ({ name: id, bytes: responseBytes(load(id)) })),
  },
].filter(({ answers }) => answers.length > 0)

describe.each(answerKinds)('$kind whole answers', ({ answers }) => {
  test.each(answers)('$name says the same in one piece and in many', ({ bytes }) => {
    const answer = JSON.parse(bytes.toString())
    const facts = readAnswer(bytes, false)
    expect(facts.usageReported).toEqual(answer.usage ?? answer.choices?.[0]?.usage)
    expect(facts.model).toEqual(answer.model || undefined)
    expect(facts.finishReason === undefined).toBe(!answer.choices?.[0]?.finish_reason)
    for (const cut of ['whole', 'byte', { seed: 2 }] as const) {
      expect(known([...pieces([bytes], cut)], false)).toEqual(facts)
    }
  })
})

const text = goldenText('text.sse')
const textFacts = readAnswer(Buffer.from(text), true)

const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`
const content = (said: string, more: object = {}): string =>
  event({ model: 'm', choices: [{ index: 0, delta: { content: said }, ...more }] })
const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }

describe('a stream', () => {
  test.each([
    ['with CRLF', text.replaceAll('\n', '\r\n')],
    ['with comments everywhere', `: hi\n\n${text.replaceAll('data:', ': ping\n\ndata:')}: bye\n\n`],
    ['with no space after the colon', text.replaceAll('data: ', 'data:')],
    ['without its last blank line', text.trimEnd()],
    ['without [DONE]', text.replace('data: [DONE]\n\n', '')],
    ['without [DONE] and the last blank line', text.replace('data: [DONE]\n\n', '').trimEnd()],
    ['with lines for names and ids', text.replaceAll('data:', 'event: message\nid: 4\ndata:')],
    ['with data in two lines', text.replaceAll('"choices":', '\ndata: "choices":')],
    ['with carriage returns alone', text.replaceAll('\n', '\r')],
  ])('%s says the same', (_what, changed) => {
    expect(expectSameFacts({ name: '', chunks: [Buffer.from(changed)] })).toEqual(textFacts)
  })

  test('whose only event has no line end still has a model and content', () => {
    const chunks = [Buffer.from(content('Hi', { finish_reason: 'stop' }).trimEnd())]
    expect(known(chunks)).toEqual({ model: 'm', finishReason: 'stop' })
    expect(expectSameFacts({ name: '', chunks })).toEqual({ model: 'm', finishReason: 'stop' })
  })

  test('whose first content comes before a model is named has the model all the same', () => {
    const chunks = eventsOf(event({ choices: [{ delta: { content: 'a' } }] }) + content('b', { finish_reason: 'stop' }))
    expect(expectSameFacts({ name: '', chunks })).toMatchObject({ model: 'm' })
  })

  test('whose last words are [DONE] is not taken for its end', () => {
    const chunks = eventsOf(`${content('Say [DONE]', { finish_reason: 'stop' })}data: [DONE]\n\n`)
    expect(expectSameFacts({ name: '', chunks })).toMatchObject({ finishReason: 'stop' })
  })

  test.each([
    ['as an object', { message: 'Boom', code: 'c', type: 't' }, { code: 'c', message: 'Boom' }],
    ['with a type alone', { message: 'Boom', type: 't' }, { code: 't', message: 'Boom' }],
    ['with a number for a code', { message: 'Boom', code: 502 }, { code: '502', message: 'Boom' }],
    ['as a text', 'Boom', { code: 'upstream_error', message: 'Boom' }],
    ['as something else', { reason: 1 }, { code: 'upstream_error', message: '{"reason":1}' }],
    ['with a code that is nothing to read', { code: { toString: 1 }, message: 'Boom' }, { message: 'Boom' }],
  ])('that ends in an error %s has failed', (_how, error, facts) => {
    for (const name of ['', 'event: error\n']) {
      const chunks = eventsOf(`${content('Half')}${name}${event({ error })}`)
      expect(expectSameFacts({ name: '', chunks }).error).toMatchObject(facts)
    }
  })

  test('that is an error from the start has content, so that it is not held back', () => {
    const watch = watchAnswer(true)
    watch.next(Buffer.from('event: error\ndata: {"error":{"message":"No"}}\n\n'))
    expect(watch.hasContent).toBe(true)
  })

  test('that breaks off within an event says what it said until then', () => {
    const facts = expectSameFacts({
      name: '',
      chunks: eventsOf(`${content('a')}${content('b', { finish_reason: 'stop', usage })}data: {"choi`),
    })
    expect(facts).toMatchObject({ finishReason: 'stop', usageReported: usage })
  })

  test.each([
    ['a reason and usage', { finish_reason: 'stop' }, { usage }],
    ['nothing of both', {}, {}],
  ])('whose last event is larger than what is kept, with %s, is read as a whole', (_what, choice, more) => {
    const last = event({ model: 'm', choices: [{ delta: { content: 'x'.repeat(12_000) }, ...choice }], ...more })
    const chunks = [...pieces([Buffer.from(content('a') + last)], 1_000)]
    expect(watched(chunks)).toMatchObject({ unread: true })
    expect(known(chunks)).toEqual(readAnswer(Buffer.concat(chunks), true))
  })

  test('of which only roles and empty texts have come has no content', () => {
    const watch = watchAnswer(true)
    for (const delta of [{ role: 'assistant' }, { role: 'assistant', content: '' }, { content: null }, {}]) {
      watch.next(Buffer.from(event({ choices: [{ delta, finish_reason: null }] })))
    }
    watch.next(Buffer.from(event({ choices: [], usage: null })))
    expect(watch.hasContent).toBe(false)
  })

  test.each<[string, object]>([
    ['a text', { content: 'a' }],
    ['a list of parts', { content: [{ type: 'text', text: 'a' }] }],
    ['reasoning_content', { reasoning_content: 'a' }],
    ['reasoning', { reasoning: 'a' }],
    ['a refusal', { refusal: 'a' }],
    ['a tool call', { tool_calls: [{ index: 0 }] }],
    ['a function call', { function_call: { name: 'f' } }],
  ])('has content with %s, in the very piece that completes it', (_what, delta) => {
    const watch = watchAnswer(true)
    const bytes = Buffer.from(event({ choices: [{ delta }] }))
    watch.next(bytes.subarray(0, -1))
    expect(watch.hasContent).toBe(false)
    watch.next(bytes.subarray(-1))
    expect(watch.hasContent).toBe(true)
  })
})

describe('a stream has begun', () => {
  test.each<[string, string]>([
    ['a role', event({ choices: [{ delta: { role: 'assistant' } }] })],
    ['content', content('a')],
    ['usage', event({ choices: [], usage })],
    ['an error', event({ error: { message: 'No' } })],
    ['something that nobody knows', 'data: hello\n\n'],
    ['an event with a name', 'event: ping\ndata: {}\n\n'],
    ['the end mark', 'data: [DONE]\n\n'],
  ])('with %s, in the very piece that completes it', (_what, written) => {
    const watch = watchAnswer(true)
    const bytes = Buffer.from(`: wait\n\n${written}`)
    watch.next(bytes.subarray(0, -1))
    expect(watch.hasBegun).toBe(false)
    watch.next(bytes.subarray(-1))
    expect(watch.hasBegun).toBe(true)
  })

  test.each([': OPENROUTER PROCESSING\n\n', ':\r\n\r\n', '\n\n\n', 'event: ping\n\n', 'id: 1\nretry: 5\n\n'])(
    'not with %j',
    (sign) => {
      const watch = watchAnswer(true)
      for (const chunk of pieces([Buffer.from(sign.repeat(50))], 7)) watch.next(chunk as Buffer)
      expect([watch.hasBegun, watch.hasContent, watch.refusal]).toEqual([false, false, undefined])
    },
  )

  test('when its first line is longer than any event', () => {
    const watch = watchAnswer(true)
    const chunk = Buffer.alloc(64 * 1024, 'x')
    for (let size = 0; size < 1 << 20; size += chunk.length) {
      watch.next(chunk)
      expect(watch.hasBegun).toBe(false)
    }
    watch.next(chunk)
    expect(watch.hasBegun).toBe(true)
    expect(watch.refusal).toBeUndefined()
  })
})

/** What stands in the place of a stream, as its refusal or as the error of its facts. */
function refused(written: string, cut: Cut = 'whole'): { refusal: string | undefined; error: string | undefined } {
  const watch = watchAnswer(true)
  for (const chunk of pieces([Buffer.from(written)], cut)) watch.next(chunk as Buffer)
  const { error } = watch.end()
  return { refusal: watch.refusal?.code, error: error?.code }
}

describe('a stream is done', () => {
  const said = content('a', { finish_reason: 'stop' })
  const isDone = (written: string, cut: Cut): boolean => {
    const watch = watchAnswer(true)
    for (const chunk of pieces([Buffer.from(written)], cut)) watch.next(chunk as Buffer)
    watch.end()
    return watch.isDone
  }

  test.each<[string, string]>([
    ['its end mark', 'data: [DONE]\n\n'],
    ['its end mark without a blank line', 'data: [DONE]'],
    ['its end mark with CRLF', 'data: [DONE]\r\n\r\n'],
    ['its end mark without a space', 'data:[DONE]\n\n'],
    ['its end mark and comments after it', 'data: [DONE]\n\n: bye\n\n'],
  ])('with %s', (_what, end) => {
    for (const cut of ['whole', 'byte'] as const) {
      expect(isDone(said + end, cut)).toBe(true)
    }
  })

  test.each<[string, string]>([
    ['a finish reason alone', said],
    ['an end mark in its text', content('data: [DONE]', { finish_reason: 'stop' })],
    ['half an end mark', `${said}data: [DO`],
    ['a comment that is one', `${said}: [DONE]\n\n`],
  ])('not with %s', (_what, written) => {
    for (const cut of ['whole', 'byte'] as const) expect(isDone(written, cut)).toBe(false)
  })
})

describe('a stream is refused', () => {
  test.each<[string, object | string, string]>([
    ['of the vendor', { message: 'No', type: 'tokens', code: 'rate_limit_exceeded' }, 'rate_limited'],
    ['with a number', { message: 'No', code: 503 }, 'upstream_overloaded'],
    ['that is a text', 'Rate limit reached', 'rate_limited'],
    ['that says nothing', {}, 'upstream_error'],
  ])('for an error %s as its first event', (_what, error, code) => {
    for (const before of ['', ': wait\n\n', '\n\n', 'event: error\n']) {
      for (const after of ['', 'data: [DONE]\n\n', content('a')]) {
        for (const cut of ['whole', 'byte', 7] as const) {
          const { refusal } = refused(`${before}${event({ error })}${after}`, cut)
          expect(refusal, `${before} ${after} ${cut}`).toBe(code)
        }
      }
    }
  })

  test('as soon as the error is there', () => {
    const watch = watchAnswer(true)
    const bytes = Buffer.from(event({ error: { message: 'No', code: 429 } }))
    watch.next(bytes.subarray(0, -1))
    expect(watch.refusal).toBeUndefined()
    watch.next(bytes.subarray(-1))
    expect(watch.refusal?.status).toBe(429)
  })

  test.each<[string, object]>([
    ['no choices', { choices: [] }],
    [
      'a choice that says nothing',
      { choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: 'error' }] },
    ],
  ])('for an error in a chunk with %s', (_what, more) => {
    expect(refused(event({ id: 'x', ...more, error: { message: 'No', code: 429 } })).refusal).toBe('rate_limited')
  })

  test('for an error whose blank line never came', () => {
    expect(refused(event({ error: { message: 'No', code: 429 } }).trimEnd()).refusal).toBe('rate_limited')
  })

  test.each(['', '\n\n', ': wait\n\n: wait\n\n', 'event: ping\n\n'])('for ending before it began: %j', (written) => {
    expect(refused(written)).toEqual({ refusal: 'upstream_invalid', error: 'upstream_invalid' })
  })

  test.each<[string, string]>([
    ['after a role', event({ choices: [{ delta: { role: 'assistant' } }] })],
    ['after content', content('a')],
    ['beside content', ''],
  ])('not for an error %s', (_what, before) => {
    const choices = [{ index: 0, delta: { content: 'a' } }]
    const last = event({ error: { message: 'No', code: 'c' }, ...(before === '' && { choices }) })
    for (const cut of ['whole', 'byte'] as const) {
      expect(refused(`${before}${last}`, cut)).toEqual({ refusal: undefined, error: 'c' })
    }
  })
})

describe('a stream in small pieces', () => {
  const long = Array.from({ length: 400 }, (_, index) => content(`word ${index} `))
  const last = [content('', { finish_reason: 'stop' }), event({ model: 'm', choices: [], usage }), 'data: [DONE]\n\n']
  const bytes = Buffer.from([...long, ...last].join(''))

  test.each<[cut: Cut]>([['byte'], [3], [40], [200], [{ seed: 3 }]])('of %j has its facts at once', (cut) => {
    expect(watched(pieces([bytes], cut))).toMatchObject({ model: 'm', finishReason: 'stop', usageReported: usage })
    expect(watched(pieces([bytes], cut)).unread).toBeUndefined()
  })

  test('whose last event is larger than what is kept is known all the same', () => {
    const large = event({
      model: 'm',
      choices: [{ delta: { content: 'x'.repeat(12_000) }, finish_reason: 'stop' }],
      usage,
    })
    const cut = [...pieces([Buffer.from(content('a') + large)], 3)]
    expect(known(cut)).toEqual({ ...readAnswer(Buffer.concat(cut), true), model: 'm', finishReason: 'stop' })
  })
})

describe('what a stream costs in memory', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const held = (): number => {
    // What a collection finds is given back while the next one runs.
    collect()
    collect()
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return heapUsed + arrayBuffers
  }

  test.each<[what: string, chunk: () => Buffer, count: number]>([
    ['a line without end', () => Buffer.alloc(64 * 1024, 'x'), 200],
    ['a line without end, in small pieces', () => Buffer.alloc(1_000, 'x'), 8_000],
    ['content without end', () => Buffer.from(content('a'.repeat(1_000))), 8_000],
    [
      'content without end, in small pieces',
      () => Buffer.from('data: {"choices":[{"delta":{"content":"a"}}]}\n\n'),
      160_000,
    ],
    ['signs of life without end', () => Buffer.from(': wait\n\n'), 500_000],
  ])('is bounded for %s', (_what, chunk, count) => {
    const watch = watchAnswer(true)
    const before = held()
    for (let given = 0; given < count; given++) watch.next(chunk())
    expect(held() - before).toBeLessThan(2 << 20)
    watch.end()
  })
})

describe('a whole answer', () => {
  const sized = (size: number): Buffer => {
    const around = JSON.stringify({ model: 'm', choices: [{ message: { content: '' }, finish_reason: 'stop' }], usage })
    return Buffer.from(around.replace('"content":""', `"content":"${'x'.repeat(size - around.length)}"`))
  }

  test('of 256 kB is looked at as it passes', () => {
    const answer = sized(256 * 1024)
    expect(answer.length).toBe(256 * 1024)
    expect(watched(pieces([answer], 60_000), false)).toEqual(readAnswer(answer, false))
    expect(readAnswer(answer, false)).toMatchObject({ model: 'm', finishReason: 'stop', usageReported: usage })
  })

  test('of one byte more is left to the writer', () => {
    const answer = sized(256 * 1024 + 1)
    expect(watched(pieces([answer], 60_000), false)).toEqual({ unread: true })
    expect(known([answer], false)).toMatchObject({ finishReason: 'stop', usageReported: usage })
  })

  test('has content from its first byte on', () => {
    const watch = watchAnswer(false)
    expect(watch.hasContent).toBe(false)
    watch.next(Buffer.from('{'))
    expect(watch.hasContent).toBe(true)
  })

  test.each(['{', 'x', '<'])('has begun with %j, and not with blanks before it', (first) => {
    const watch = watchAnswer(false)
    for (const blank of [' ', '\n', '\r\n', '\t', ' '.repeat(100)]) watch.next(Buffer.from(blank))
    expect(watch.hasBegun).toBe(false)
    watch.next(Buffer.from(` ${first}`))
    expect(watch.hasBegun).toBe(true)
  })

  test.each<[body: string, code: string | undefined, error: string | undefined]>([
    ['{"error":{"message":"No","code":"rate_limit_exceeded"}}', 'rate_limited', 'rate_limit_exceeded'],
    ['{"error":{"message":"No","code":429}}', 'rate_limited', '429'],
    ['{"error":"The model is overloaded"}', 'upstream_overloaded', 'upstream_error'],
    ['{"error":{"message":"No","code":429},"choices":[]}', 'rate_limited', '429'],
    ['\n\n {"error":{"message":"No","code":429}}', 'rate_limited', '429'],
    ['{"error":{"message":"No","code":429},"choices":[{"index":0}]}', undefined, '429'],
    ['{"error":null,"choices":[]}', undefined, undefined],
    ['', 'upstream_invalid', 'upstream_invalid'],
    [' \n ', 'upstream_invalid', 'upstream_invalid'],
    ['<html>Bad Gateway</html>', 'upstream_invalid', 'upstream_invalid'],
    ['Hello', 'upstream_invalid', 'upstream_invalid'],
    ['"Hello"', 'upstream_invalid', 'upstream_invalid'],
    ['null', 'upstream_invalid', 'upstream_invalid'],
    ['{"choices":[{"index":0', 'upstream_invalid', 'upstream_invalid'],
    ['{"model": nope}', 'upstream_invalid', 'upstream_invalid'],
  ])('of %j is refused as %s', (body, code, error) => {
    for (const cut of ['whole', 'byte'] as const) {
      const watch = watchAnswer(false)
      for (const chunk of pieces([Buffer.from(body)], cut)) watch.next(chunk as Buffer)
      expect(watch.refusal).toBeUndefined()
      expect(watch.end().error?.code).toBe(error)
      expect(watch.refusal?.code).toBe(code)
    }
  })

  test('with an error in it has failed, whatever its status', () => {
    expect(known([Buffer.from('{"error":{"message":"No","code":500}}')], false)).toEqual({
      error: { code: '500', message: 'No' },
    })
  })

  test('that is not JSON has failed', () => {
    expect(known([Buffer.from('{"model": nope}')], false)).toMatchObject({ error: { code: 'upstream_invalid' } })
  })

  test.each(['{}', '[1]'])('whose choices are %s instead of a list of objects is valid all the same', (choices) => {
    expect(known([Buffer.from(`{"model":"m","choices":${choices}}`)], false)).toEqual({ model: 'm' })
  })

  test('whose choices hold nothing but null is valid all the same', () => {
    expect(known([Buffer.from('{"model":"m","choices":[null]}')], false)).toEqual({ model: 'm' })
  })
})

describe('whatever comes', () => {
  const json = fc.json({ maxDepth: 3 }).map((value) => `data: ${value}\n\n`)
  const odd = fc.record({ model: fc.jsonValue(), choices: fc.jsonValue(), usage: fc.jsonValue() }).map(event)
  const failed = fc.record({ error: fc.jsonValue() }).map(event)
  const delta = fc
    .record({ index: fc.jsonValue(), delta: fc.jsonValue(), finish_reason: fc.jsonValue(), usage: fc.jsonValue() })
    .map((choice) => event({ choices: [choice] }))
  const noise = fc.constantFrom('data: [DONE]\n\n', 'data:\n\n', '\r\n', ': c\n', 'data: {', 'event: error\n')
  const streams = fc
    .tuple(fc.array(fc.oneof(json, odd, delta, noise), { maxLength: 12 }), fc.option(failed))
    .map(([parts, last]) => Buffer.from(parts.join('') + (last ?? '')))
  const anything = fc.oneof(
    streams,
    fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
  )

  test('nothing is thrown', () => {
    fc.assert(
      fc.property(anything, fc.boolean(), fc.integer({ min: 1, max: 50 }), (bytes, streaming, size) => {
        watched(pieces([bytes], size), streaming)
        readAnswer(bytes, streaming)
      }),
      { numRuns: 1_000 },
    )
  })

  test('a stream says the same in one piece and in many', () => {
    fc.assert(
      fc.property(streams, fc.integer({ min: 1, max: 50 }), (bytes, size) => {
        const watch = watchAnswer(true)
        for (const piece of pieces([bytes], size)) watch.next(Buffer.from(piece))
        const facts = watch.end()
        if (watch.refusal) expect(facts.error?.code).toBe(watch.refusal.code)
        else expect(facts.unread ? readAnswer(bytes, true) : facts).toEqual(readAnswer(bytes, true))
      }),
      { numRuns: 500 },
    )
  })
})
