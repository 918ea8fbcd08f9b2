import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import type { Config } from '../core/config.ts'
import type { CallDetail, CallRecord, SpanRecord } from '../core/span.ts'
import { openLog } from './log.ts'

const callOf = (detail: Partial<CallDetail> = {}, span: Partial<SpanRecord> = {}): CallRecord => ({
  span: {
    traceId: '0'.repeat(31).concat('1'),
    projectId: 'default',
    runId: 'run',
    spanId: '0'.repeat(15).concat('1'),
    parentId: undefined,
    startedUs: 1_000_000,
    endedUs: 1_012_345,
    status: 'ok',
    ...span,
  },
  detail: {
    method: 'POST',
    path: '/v1/chat/completions',
    httpStatus: 200,
    dialect: 'openai-chat',
    streaming: false,
    modelAsked: 'some',
    provider: 'openai',
    attempts: 1,
    requestBytes: 1,
    answerBytes: 1,
    usage: { inputUncached: 3, outputText: 4 },
    ...detail,
  },
})

/** What a log writes of what it is told, line by line. */
function written(
  config: Config['log'],
  tell: (log: ReturnType<typeof openLog>) => void,
  options?: { gather: boolean },
): string[] {
  let text = ''
  const log = openLog(
    config,
    (more) => {
      text += more
    },
    options,
  )
  tell(log)
  log.flush()
  return text.split('\n').slice(0, -1)
}

test('a call is one line of JSON with what one looks for', () => {
  const lines = written({ level: 'info', format: 'json' }, (log) => log.call(callOf()))
  expect(lines).toHaveLength(1)
  expect(JSON.parse(lines[0] as string)).toMatchObject({
    level: 30,
    msg: 'call',
    method: 'POST',
    path: '/v1/chat/completions',
    model: 'some',
    provider: 'openai',
    status: 200,
    ms: 12.3,
    input_tokens: 3,
    output_tokens: 4,
    trace: '00000000000000000000000000000001',
  })
})

test('what a client sends stays within its line, whatever characters it has', () => {
  const model = 'a\nb\u001b[2J"}\u2028\r{"level":60}'
  const lines = written({ level: 'info', format: 'json' }, (log) => log.call(callOf({ modelAsked: model })))
  expect(lines).toHaveLength(1)
  expect(JSON.parse(lines[0] as string).model).toBe(model)
})

test('a line for people has nothing in it that steers their terminal', () => {
  const evil = 'mo\u001b]0;title\u0007del\n\u009b31m\r'
  const call = callOf({ modelAsked: evil, error: { code: `code\u001b[2J${evil}`, message: evil } }, { status: 'error' })
  const lines = written({ level: 'info', format: 'pretty' }, (log) => log.call(call))
  expect(lines).toHaveLength(1)
  const [line = ''] = lines.map((one) => stripVTControlCharacters(one))
  expect(line).toMatch(
    /INFO: 200 POST \/v1\/chat\/completions mo·\]0;title·del··31m· at openai 12\.3 ms 3 → 4 tokens code·\[2J/,
  )
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
  expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
})

test('below its level a log writes nothing', () => {
  expect(
    written({ level: 'warn', format: 'json' }, (log) => {
      log.call(callOf())
      log.info('quiet')
      log.warn('loud')
    }).map((line) => JSON.parse(line).msg),
  ).toEqual(['loud'])
  expect(written({ level: 'silent', format: 'json' }, (log) => log.error('nothing'))).toEqual([])
})

test('gathered lines come out in order, when asked or when they are many', () => {
  const all: string[] = []
  const log = openLog({ level: 'info', format: 'json' }, (text) => all.push(text), { gather: true })
  log.info('one')
  log.call(callOf())
  log.info('two')
  expect(all).toEqual([])
  log.flush()
  expect(
    all
      .join('')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).msg),
  ).toEqual(['one', 'call', 'two'])
  for (let times = 0; times < 1_000; times++) log.call(callOf())
  expect(all.length).toBeGreaterThan(1)
})
