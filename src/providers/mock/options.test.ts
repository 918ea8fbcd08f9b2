import { expect, test } from 'vitest'
import type { GatewayError } from '../../core/error.ts'
import { readOptions } from './options.ts'

const refused: readonly { readonly mock: unknown; readonly param: string; readonly message: string }[] = [
  { mock: 'slow', param: 'mock', message: '`mock` must be an object with options.' },
  { mock: [], param: 'mock', message: '`mock` must be an object with options.' },
  {
    mock: { delay: 5 },
    param: 'mock.delay',
    message: 'There is no option `mock.delay`. Did you mean `mock.delay_ms`?',
  },
  { mock: { cut_aftr: 5 }, param: 'mock.cut_aftr', message: 'Did you mean `mock.cut_after`?' },
  { mock: { toString: 5 }, param: 'mock.toString', message: 'The options are: text, reasoning, tool_calls,' },
  {
    mock: { delay_ms: '5' },
    param: 'mock.delay_ms',
    message: 'must be a whole number of milliseconds from 0 to 3600000.',
  },
  { mock: { delay_ms: -1 }, param: 'mock.delay_ms', message: 'must be a whole number' },
  { mock: { status: 600 }, param: 'mock.status', message: 'must be a whole number from 200 to 599.' },
  { mock: { hang: true }, param: 'mock.hang', message: 'must be "head" or "body".' },
  { mock: { usage: null }, param: 'mock.usage', message: 'must be true or false.' },
  { mock: { finish_reason: 1 }, param: 'mock.finish_reason', message: 'must be a string, or null.' },
  { mock: { cut_after: 'end' }, param: 'mock.cut_after', message: 'or "middle".' },
  { mock: { tool_calls: [{ nam: 'x' }] }, param: 'mock.tool_calls', message: 'must be a list of calls' },
]

for (const { mock, param, message } of refused) {
  test(`the options ${JSON.stringify(mock)} are refused with the field's name`, () => {
    const error = thrownBy(() => readOptions(mock))
    expect(error).toMatchObject({ code: 'bad_request', details: { param } })
    expect(error?.message).toContain(message)
  })
}

test('a request without options, or with all of them right, is taken', () => {
  const all = {
    text: '',
    reasoning: 'hm',
    tool_calls: [{ name: 'f', arguments: '{broken' }, { name: 'g', arguments: {} }, { name: 'h' }],
    parallel: true,
    finish_reason: null,
    usage: false,
    delay_ms: 0,
    chunk_ms: 3_600_000,
    chunk_words: 3,
    slow_bytes_ms: 1,
    status: 418,
    message: 'no',
    retry_after: 0,
    refuse: false,
    hang: 'head',
    cut_after: 'middle',
    error_after: 0,
    malformed: true,
  }
  expect(readOptions(all)).toEqual(all)
  expect(readOptions(undefined)).toEqual({})
  expect(readOptions(null)).toEqual({})
})

function thrownBy(what: () => unknown): GatewayError | undefined {
  try {
    what()
    return undefined
  } catch (thrown) {
    return thrown as GatewayError
  }
}
