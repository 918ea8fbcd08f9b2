import { describe, expect, test } from 'vitest'
import { attemptStart, inFlightCap, type Recorded, recorder } from '../../test/support/recorder.ts'
import { GatewayError } from '../core/error.ts'
import type { CallRecord } from '../core/span.ts'
import type { AttemptEnd, CallTrace } from './trace.ts'

const answered = { status: 200, bytes: 100, gone: false }
const left = { status: 200, bytes: 40, gone: true }
const cut = new GatewayError('upstream_cut', 'It broke.')
const usage = { inputUncached: 3, outputText: 2 }

const kinds = (records: readonly Recorded[]): string[] => records.map(({ kind }) => kind)
const callIn = (records: readonly Recorded[]): CallRecord | undefined =>
  records.find((record): record is Recorded & CallRecord => record.kind === 'call')

/** A round some time after the call began. */
const roundAfter = (trace: CallTrace, ms: number): void => trace.look(performance.now() + ms)

describe('a call that takes long', () => {
  test('has its beginning recorded before it is a second old, once', () => {
    const { begin, records } = recorder()
    const trace = begin()
    trace.received(Buffer.from('Hello'))
    trace.asked('gpt', 'openai')
    trace.streams(true)
    expect(kinds(records())).toEqual(['body'])
    roundAfter(trace, 800)
    expect(records()).toEqual([])
    roundAfter(trace, 950)
    expect(records()).toMatchObject([
      {
        kind: 'begin',
        span: { spanId: trace.spanId, runId: 'run-1', status: 'running', begun: true },
        detail: { modelAsked: 'gpt', provider: 'openai', streaming: true, requestBytes: 5, attempts: 0 },
      },
    ])
    // It is looked at no more.
    expect(trace.place).toBe(-1)
  })

  test('says at its end that its beginning was recorded, with the same ids and start', () => {
    const { begin, records } = recorder()
    const trace = begin()
    roundAfter(trace, 1_001)
    const [begun] = records()
    trace.end(answered)
    const [ended] = records()
    expect(ended).toMatchObject({ kind: 'call', span: { status: 'ok', begun: true } })
    if (begun?.kind !== 'begin' || ended?.kind !== 'call') throw new Error('It is not what was recorded.')
    const { endedUs: _then, status: _running, ...before } = begun.span
    const { endedUs: _now, status: _ok, ...after } = ended.span
    expect(after).toEqual(before)
  })

  test('has its attempt so far in its beginning', () => {
    const { begin, records } = recorder()
    const trace = begin()
    trace.attempt(attemptStart).end({ status: 'error', usageMissing: 'failed' })
    trace.attempt({ ...attemptStart, provider: 'other' })
    records()
    roundAfter(trace, 1_001)
    expect(records()).toMatchObject([{ kind: 'begin', detail: { attempts: 2, provider: 'other' } }])
  })

  test('is not begun in the records when the disk cannot follow', () => {
    const { begin, records, counters } = recorder()
    const trace = begin()
    counters.addInFlight(2 * inFlightCap)
    roundAfter(trace, 1_001)
    counters.addInFlight(-2 * inFlightCap)
    trace.end(answered)
    const ended = records()
    expect(kinds(ended)).toEqual(['call'])
    expect(callIn(ended)?.span.begun).toBeUndefined()
  })
})

test('a call that is over soon has no beginning of its own', () => {
  const { begin, records } = recorder()
  const trace = begin()
  trace.end(answered)
  expect(trace.place).toBe(-1)
  const ended = records()
  expect(kinds(ended)).toEqual(['call'])
  expect(callIn(ended)?.span.begun).toBeUndefined()
})

describe('the end of a call', () => {
  test('comes after its attempt, though the client had left before, and at the time when it left', () => {
    const recording = recorder()
    const trace = recording.begin()
    const attempt = trace.attempt(attemptStart)
    attempt.head(200, true, undefined)
    trace.end(left)
    const leftUs = recording.nowUs
    expect(recording.records()).toEqual([])
    recording.nowUs += 5_000_000
    attempt.data(Buffer.from('the rest'))
    attempt.end({ status: 'cancelled', finishReason: 'stop', usage })
    const ended = recording.records()
    expect(kinds(ended)).toEqual(['body', 'attempt', 'call'])
    expect(callIn(ended)).toMatchObject({
      span: { status: 'cancelled', endedUs: leftUs },
      detail: { usage, finishReason: 'stop', httpStatus: 200, answerBytes: 40 },
    })
  })

  test('does not wait for an attempt that is over', () => {
    const { begin, records } = recorder()
    const trace = begin()
    trace.attempt(attemptStart).end({ status: 'ok', usage })
    expect(kinds(records())).toEqual(['attempt'])
    trace.end(answered)
    expect(kinds(records())).toEqual(['call'])
  })

  test('waits for the last attempt only', () => {
    const { begin, records } = recorder()
    const trace = begin()
    const first = trace.attempt(attemptStart)
    first.end({ status: 'error', usageMissing: 'failed' })
    const second = trace.attempt(attemptStart)
    trace.end(left)
    first.end({ status: 'ok' })
    expect(kinds(records())).toEqual(['attempt'])
    second.end({ status: 'cancelled' })
    expect(kinds(records())).toEqual(['attempt', 'call'])
  })

  test('comes once', () => {
    const { begin, records } = recorder()
    const trace = begin()
    const attempt = trace.attempt(attemptStart)
    attempt.end({ status: 'ok', usage })
    attempt.end({ status: 'error' })
    trace.end(answered)
    attempt.end({ status: 'error' })
    expect(kinds(records())).toEqual(['attempt', 'call'])
  })

  test('is forgotten, and counted, when the disk cannot follow, and what was used is kept', () => {
    const { begin, records, counters } = recorder()
    const trace = begin()
    const attempt = trace.attempt(attemptStart)
    counters.addInFlight(2 * inFlightCap)
    attempt.end({ status: 'ok', usage })
    trace.end(answered)
    counters.addInFlight(-2 * inFlightCap)
    const ended = records()
    expect(kinds(ended)).toEqual(['ledger', 'forget'])
    expect(ended[0]).toMatchObject({ detail: { usage } })
    expect(counters.lost().spans).toBe(2)
  })
})

const ok: AttemptEnd = { status: 'ok', usage }
const failed: AttemptEnd = { status: 'error', error: { code: 'odd', message: 'Its own.' }, usageMissing: 'failed' }
const givenUp: AttemptEnd = { status: 'cancelled', error: { code: 'cancelled', message: 'Left.' } }

describe('a call is recorded as', () => {
  type Done = Parameters<CallTrace['end']>[0]
  test.each<[status: string, code: string | undefined, when: string, attempt: AttemptEnd | undefined, done: Done]>([
    ['ok', undefined, 'the client has its answer', ok, answered],
    ['ok', undefined, 'the client hangs up at the mark that ends its stream', { ...ok, hasAll: true }, left],
    ['cancelled', undefined, 'the client leaves within its answer', ok, left],
    ['cancelled', 'cancelled', 'the client leaves and nobody reads on', givenUp, left],
    [
      'cancelled',
      'cancelled',
      'the client leaves within its request',
      undefined,
      { ...left, status: 499, error: new GatewayError('cancelled', 'Left.') },
    ],
    ['error', 'odd', 'the attempt failed', failed, { ...answered, status: 502, error: cut }],
    ['error', 'odd', 'the attempt failed and the client hung up at that', failed, left],
    ['error', 'upstream_cut', 'there was no attempt to fail', undefined, { ...answered, status: 502, error: cut }],
    ['error', undefined, 'the provider refused it in its own words', ok, { ...answered, status: 404 }],
    ['error', 'upstream_cut', 'its reply broke off', ok, { ...answered, error: cut }],
  ])('%s, with the error %s, when %s', (status, code, _when, attempt, done) => {
    const { begin, records } = recorder()
    const trace = begin()
    if (attempt) trace.attempt(attemptStart).end(attempt)
    trace.end(done)
    const call = callIn(records())
    expect(call?.span.status).toBe(status)
    expect(call?.detail.error?.code).toBe(code)
  })
})

test.each([
  ['fails', failed],
  ['is given up', givenUp],
  ['is read to its end', { ...ok, status: 'cancelled' }],
] as const)('a call whose client had left before its attempt %s is cancelled, for no other reason', (_how, outcome) => {
  const { begin, records } = recorder()
  const trace = begin()
  const attempt = trace.attempt(attemptStart)
  trace.end(left)
  attempt.end(outcome)
  const call = callIn(records())
  expect([call?.span.status, call?.detail.error]).toEqual(['cancelled', undefined])
})

test('a stream that never said why it ended is recorded as such, with the call too', () => {
  const { begin, records } = recorder()
  const trace = begin()
  trace.attempt(attemptStart).end({ ...ok, unterminated: true })
  trace.end(answered)
  expect(records()).toMatchObject([
    { kind: 'attempt', detail: { unterminated: true } },
    { kind: 'call', detail: { unterminated: true } },
  ])
})

test('an error is kept to a length', () => {
  const { begin, records } = recorder()
  const trace = begin()
  trace.end({ ...answered, status: 502, error: new GatewayError('upstream_error', 'x'.repeat(10_000)) })
  expect(callIn(records())?.detail.error?.message).toHaveLength(2_000)
})
