import { expect, test } from 'vitest'
import { parseTraceparent, toTraceId } from './ids.ts'

const trace = '0af7651916cd43dd8448eb211c80319c'
const span = 'b7ad6b7169203331'

test('a traceparent is taken apart, whatever its flags', () => {
  for (const flags of ['00', '01', 'ff']) {
    expect(parseTraceparent(`00-${trace}-${span}-${flags}`)).toEqual({ traceId: trace, parentId: span })
  }
})

test('a version to come may have more behind it', () => {
  expect(parseTraceparent(`cc-${trace}-${span}-01-what-the-future-brings`)).toEqual({ traceId: trace, parentId: span })
})

test.each([
  ['nothing', ''],
  ['the version that is forbidden', `ff-${trace}-${span}-01`],
  ['a trace id of zeros', `00-${'0'.repeat(32)}-${span}-01`],
  ['a span id of zeros', `00-${trace}-${'0'.repeat(16)}-01`],
  ['capital letters', `00-${trace.toUpperCase()}-${span}-01`],
  ['a short trace id', `00-${trace.slice(1)}-${span}-01`],
  ['a long span id', `00-${trace}-${span}0-01`],
  ['no flags', `00-${trace}-${span}`],
  ['flags that run on', `00-${trace}-${span}-011`],
  ['something in front', ` 00-${trace}-${span}-01`],
])('%s is as if there were none', (_what, header) => {
  expect(parseTraceparent(header)).toBeUndefined()
})

test('a trace id may be written with dashes and in capitals', () => {
  expect(toTraceId('0AF76519-16CD-43DD-8448-EB211C80319C')).toBe(trace)
})
