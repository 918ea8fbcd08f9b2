import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { index, load, noRecordings, recordingsFolder, responseBytes } from '../../../test/support/recordings.ts'
import { pieces } from '../../../test/support/replay-cut.ts'
import { runStep } from '../../core/steps.ts'
import { withoutAddedUsage } from './without-usage.ts'

const edit = (chunks: Iterable<Uint8Array>): string =>
  Buffer.concat(runStep(withoutAddedUsage(), chunks as Iterable<Buffer>)).toString()

const usage = '{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}'
const said = 'data: {"id":"1","choices":[{"delta":{"content":"Grüß"}}],"usage":null}\n\n'
const saidWithout = 'data: {"id":"1","choices":[{"delta":{"content":"Grüß"}}]}\n\n'
const counted = `data: {"id":"1","choices":[],"usage":${usage}}\n\n`
const done = 'data: [DONE]\n\n'

/** The edit of the whole, when every way to cut it gives the same. */
function edited(text: string): string {
  const bytes = Buffer.from(text)
  const whole = edit([bytes])
  for (let at = 0; at <= bytes.length; at++) {
    if (edit([bytes.subarray(0, at), bytes.subarray(at)]) !== whole) expect(`a cut at ${at} of ${text}`).toBe('nothing')
  }
  for (const cut of ['byte', 7, { seed: 3 }] as const) expect(edit(pieces([bytes], cut))).toBe(whole)
  return whole
}

const crlf = (text: string): string => text.replaceAll('\n', '\r\n')

test.each<[what: string, before: string, after: string]>([
  ['the chunk of usage goes, and its blank line with it', said + counted + done, saidWithout + done],
  ['with CRLF too', crlf(said + counted + done), crlf(saidWithout + done)],
  ['without a last line end the chunk goes too', (said + counted).trimEnd(), saidWithout],
  ['without a last line end the empty field goes too', said.trimEnd(), saidWithout.trimEnd()],
  ['the chunk alone leaves nothing', counted, ''],
  ['two blank lines after the chunk leave one', `${counted}\n${done}`, `\n${done}`],
  ['a comment stays', `: hi\n\n${counted}: bye\n\n`, ': hi\n\n: bye\n\n'],
  ['nothing stays nothing', '', ''],
])('%s', (_what, before, after) => {
  expect(edited(before)).toBe(after)
})

test.each<[field: string, before: string, after: string]>([
  ['first', '{"usage":null,"choices":[1]}', '{"choices":[1]}'],
  ['in the middle', '{"choices":[1],"usage":null,"x":1}', '{"choices":[1],"x":1}'],
  ['last', '{"choices":[1],"usage":null}', '{"choices":[1]}'],
  ['alone', '{"usage":null}', '{}'],
  ['with white space', '{ "choices": [1] , "usage" : null , "x": 1 }', '{ "choices": [1]  , "x": 1 }'],
  ['first with white space', '{ "usage": null , "choices": [1] }', '{  "choices": [1] }'],
])('an empty field goes with one comma when it stands %s', (_place, before, after) => {
  expect(JSON.parse(after)).toEqual(without(JSON.parse(before)))
  expect(edited(`data: ${before}\n\n${done}`)).toBe(`data: ${after}\n\n${done}`)
})

const without = ({ usage: _usage, ...others }: Record<string, unknown>): unknown => others

test('the empty field goes from a chunk whose text is the word usage', () => {
  expect(edited('data: {"choices":[{"delta":{"content":"usage"}}],"usage":null}\n\n')).toBe(
    'data: {"choices":[{"delta":{"content":"usage"}}]}\n\n',
  )
})

describe('is not touched:', () => {
  const texts: Readonly<Record<string, string>> = {
    'a text that only looks like the field': String.raw`data: {"choices":[{"delta":{"content":", \"usage\":null"}}]}`,
    'a chunk with usage and choices': `data: {"choices":[{"delta":{},"finish_reason":"stop"}],"usage":${usage}}`,
    'a list without choices whose usage is no object': 'data: {"choices":[],"usage":5}',
    'a chunk that has neither': 'data: {"choices":[],"prompt_filter_results":[]}',
    'a chunk that is not JSON': 'data: {"choices":[],"usage":{',
    'a stream without usage': `${saidWithout}: ping\n\nevent: x\nid: 3\ndata: {"choices":[]}\n\n${done}`,
    'a blank line with spaces': `${saidWithout}  \n\n`,
  }
  test.each(Object.entries(texts))('%s', (_what, text) => {
    for (const end of ['\n\n', '\n', '']) {
      expect(edited(text + end)).toBe(text + end)
      expect(edited(crlf(text + end))).toBe(crlf(text + end))
    }
  })
})

test('lines go on as soon as they are whole', () => {
  const step = withoutAddedUsage()
  const next = (text: string): string => Buffer.concat([...step.next(Buffer.from(text))]).toString()
  expect(next('data: {"choices":[1]}\n\ndata: {"us')).toBe('data: {"choices":[1]}\n\n')
  expect(next('age":null}')).toBe('')
  expect(next('\n')).toBe('data: {}\n')
})

test('bytes without usage go on as the very same chunk', () => {
  const chunk = Buffer.from(saidWithout)
  expect(withoutAddedUsage().next(chunk)[0]).toBe(chunk)
})

const golden = resolve(import.meta.dirname, '../../../test/golden/streams/openai-chat')
const here = recordingsFolder() !== undefined
const streams = [
  ...readdirSync(golden)
    .filter((file) => file.endsWith('.sse'))
    .map((file) => ({ name: file, bytes: readFileSync(resolve(golden, file)) })),
  ...(here ? index() : [])
    .filter(({ api, status, streaming }) => api === 'openai.chat' && status < 400 && streaming)
    .map(({ id }) => ({ name: id, bytes: responseBytes(load(id)) })),
]

if (!here) test.skip(`recorded streams are edited: ${noRecordings}`, () => undefined)

/** The chunks as they should reach a client who never asked for usage: the rule once more, on parsed values. */
function expected(text: string): unknown[] {
  return dataOf(text).flatMap((chunk) => {
    if (typeof chunk !== 'object' || chunk === null) return [chunk]
    const { usage: reported, ...others } = chunk as { usage?: unknown; choices?: unknown[] }
    if (reported === null) return [others]
    return reported && others.choices?.length === 0 ? [] : [chunk]
  })
}

const dataOf = (text: string): unknown[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('data:'))
    .map((line) => (line.includes('{') ? JSON.parse(line.slice(5)) : line))

test.each(streams)('$name loses its usage and nothing else, however it is cut', ({ bytes }) => {
  const whole = edit([bytes])
  expect(dataOf(whole)).toEqual(expected(bytes.toString()))
  for (const cut of ['byte', 100, { seed: 4 }, { seed: 5 }] as const) expect(edit(pieces([bytes], cut))).toBe(whole)
})
