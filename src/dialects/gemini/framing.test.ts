import { expect, test } from 'vitest'
import { runStep } from '../../core/steps.ts'
import { geminiFraming } from './framing.ts'

const cut = (bytes: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size))

const streams: readonly (readonly [string, string, readonly string[]])[] = [
  ['events', 'data: {"a":1}\r\n\r\ndata: {"b":"é"}\r\n\r\n', ['{"a":1}', '{"b":"é"}']],
  [
    'events with a bare error',
    'data: {"a":1}\r\n\r\n{\n  "error": {\n    "code": 499\n  }\n}\n',
    ['{"a":1}', '{\n  "error": {\n    "code": 499\n  }\n}'],
  ],
  [
    'events that end in CR, with a bare error',
    'data: {"a":1}\r\r{\r "error": {}\r}\r',
    ['{"a":1}', '{\r "error": {}\r}'],
  ],
  ['a list', '[{"a":1},\r\n{"b":2}]', ['{"a":1}', '{"b":2}']],
  ['an event of several lines', ': hello\ndata: {"a":\ndata: {}}\n\n', ['{"a":\n{}}']],
  ['an event without its blank line', 'data: {"a":1}\r\n', ['{"a":1}']],
]

test.each(streams)('%s are read, however the network cuts them', (_, text, frames) => {
  const bytes = Buffer.from(text)
  for (let size = 1; size <= bytes.length; size++)
    expect(runStep(geminiFraming.split(), cut(bytes, size)).map(({ data }) => data)).toEqual(frames)
})

test('events are written as Google ends its lines', () => {
  expect(geminiFraming.write({ data: '{}' }).toString()).toBe('data: {}\r\n\r\n')
})
