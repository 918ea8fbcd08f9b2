import { expect, test } from 'vitest'
import { runStep } from '../core/steps.ts'
import { ndjson } from './ndjson.ts'

const text = '{"a":"Grüße 🚀"}\r\n\n{"b":2}\n{"c":3}'
const lines = [{ data: '{"a":"Grüße 🚀"}' }, { data: '{"b":2}' }, { data: '{"c":3}' }]

test('lines are read wherever the network cuts them, the last one without its end too', () => {
  const bytes = Buffer.from(text)
  for (let size = 1; size <= bytes.length; size++) {
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
      bytes.subarray(at * size, (at + 1) * size),
    )
    expect(runStep(ndjson.split(), chunks)).toEqual(lines)
  }
})

test('what is written can be read', () => {
  expect(
    runStep(
      ndjson.split(),
      lines.map((line) => ndjson.write(line)),
    ),
  ).toEqual(lines)
})
