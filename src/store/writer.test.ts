import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { answerOf, openWriter, parts, requestOf } from '../../test/support/writing.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('rows wait for the interval and then are written together', async () => {
  await using one = await openWriter()
  one.call()
  one.slabs.send()
  one.call()
  one.slabs.send()
  vi.advanceTimersByTime(99)
  expect(one.count('traces')).toBe(0)
  expect(one.counters.inFlightBytes()).toBeGreaterThan(0)
  vi.advanceTimersByTime(1)
  expect([one.count('traces'), one.count('spans'), one.count('ledger')]).toEqual([2, 4, 2])
  expect(one.counters.inFlightBytes()).toBe(0)
  expect(await one.said(2)).toEqual([parts('Hello'), parts('Hello')])
})

test('rows do not wait when they are many', async () => {
  await using one = await openWriter({ recording: { flushCount: 4 } })
  one.call()
  one.slabs.send()
  expect(one.count('spans')).toBe(0)
  one.call()
  one.slabs.send()
  expect(one.count('spans')).toBe(4)
})

test('rows do not wait when they are large', async () => {
  await using one = await openWriter({ recording: { flushBytes: 10_000 } })
  one.call()
  one.slabs.send()
  expect(one.count('spans')).toBe(0)
  one.call('x'.repeat(10_000))
  one.slabs.send()
  expect(one.count('spans')).toBe(4)
})

test('a barrier writes at once, and whoever waits for it learns when it is stored', async () => {
  await using one = await openWriter()
  const early = one.writer.stored(1)
  one.call()
  one.slabs.send(1)
  await early
  expect(one.count('traces')).toBe(1)
  // What came behind it is nobody's business who waited for it.
  one.call()
  one.slabs.send()
  await one.writer.stored(1)
  expect(one.count('traces')).toBe(1)
  let reached = false
  void one.writer.stored(2).then(() => {
    reached = true
  })
  vi.advanceTimersByTime(100)
  await Promise.resolve()
  expect(reached).toBe(false)
  one.slabs.send(2)
  await vi.waitFor(() => expect(reached).toBe(true))
})

test('a row that the database refuses is left out and counted, and the others are stored', async () => {
  await using one = await openWriter()
  const refused = 7
  one.attempt(refused, { modelAnswered: { odd: true } as unknown as string })
  one.end(refused, {}, { startedUs: null as unknown as number })
  const good = one.call()
  one.slabs.send(1)
  expect(one.news).toEqual([])
  expect([one.count('traces'), one.count('spans'), one.count('ledger')]).toEqual([1, 2, 1])
  expect(one.counters.lost()).toMatchObject({ spans: 2, ledgerRows: 1 })
  expect(await one.said(good)).toEqual([parts('Hello'), parts('Hello')])
})

test('bodies of calls that come mixed, in pieces and over many slabs, find their calls', async () => {
  await using one = await openWriter()
  const texts = Array.from({ length: 20 }, (_, index) => `Call ${index} ${'ü'.repeat(index * 50)}`)
  const bodies = texts.map((text) => [Buffer.from(requestOf(text)), Buffer.from(answerOf(text))] as const)
  for (let at = 0; bodies.some((pair) => pair.some(({ length }) => at < length)); at += 100) {
    for (const [index, pair] of bodies.entries()) {
      for (const [slot, bytes] of pair.entries()) {
        const piece = bytes.subarray(at, at + 100)
        one.slabs.body(100 + index, slot, [piece], piece.length)
      }
    }
    one.slabs.send()
  }
  for (const [index, [request, answer]] of bodies.entries()) {
    one.attempt(100 + index, { answerBytes: answer.length })
    one.end(100 + index, { requestBytes: request.length })
  }
  one.slabs.send(1)
  for (const [index, text] of texts.entries()) expect(await one.said(100 + index)).toEqual([parts(text), parts(text)])
})

test('a call that is forgotten leaves nothing but its ledger row', async () => {
  await using one = await openWriter()
  one.body(1, 0, requestOf('Hello'))
  one.body(1, 1, answerOf('Hello'))
  one.dropped(1)
  one.slabs.forget(1)
  // Its number comes again one day.
  one.end(1)
  one.slabs.send(1)
  expect([one.count('traces'), one.count('spans'), one.count('ledger')]).toEqual([1, 1, 1])
  expect(await one.said(1)).toEqual([undefined, undefined])
  expect(one.counters.lost()).toMatchObject({ bodies: 2, spans: 0 })
})

test('the answer whose end did not tell is read as a whole', async () => {
  await using one = await openWriter()
  const answer = JSON.stringify({
    model: 'some-2',
    choices: [{ message: { content: 'Hi' }, finish_reason: 'length' }],
    usage: { prompt_tokens: 3, completion_tokens: 4 },
  })
  one.body(1, 1, answer)
  one.attempt(1, { answerBytes: answer.length, usageMissing: 'not reported' }, { unread: true })
  one.end(1)
  one.body(2, 1, '{"choices":')
  one.attempt(2, { answerBytes: 11, usageMissing: 'not reported' }, { unread: true })
  one.end(2)
  one.slabs.send(1)
  expect(
    one.rows(
      'ledger',
      'select input_uncached, output_text, model_answered, usage_missing from ledger order by started_us',
    ),
  ).toEqual([
    { input_uncached: 3, output_text: 4, model_answered: 'some-2', usage_missing: null },
    { input_uncached: null, output_text: null, model_answered: null, usage_missing: 'not reported' },
  ])
  expect(one.rows('traces', 'select input_tokens, output_tokens from traces order by started_us')[0]).toEqual({
    input_tokens: 3,
    output_tokens: 4,
  })
})

test('several calls of one trace become one line of the list', async () => {
  await using one = await openWriter()
  const trace = { traceId: 'f'.repeat(32) }
  const usage = { inputUncached: 1, outputText: 2 }
  one.end(1, { usage }, { ...trace, startedUs: 10, endedUs: 90, status: 'error' })
  one.end(2, { modelAsked: 'other' }, { ...trace, startedUs: 20, endedUs: 30 })
  one.slabs.send(1)
  one.end(3, { usage }, { ...trace, startedUs: 5, endedUs: 95, threadId: 'thread' })
  one.slabs.send(2)
  expect(
    one.rows(
      'traces',
      'select model, status, started_us, ended_us, thread_id, calls, errors, input_tokens from traces',
    ),
  ).toEqual([
    {
      model: 'some',
      status: 'ok',
      started_us: 5,
      ended_us: 95,
      thread_id: 'thread',
      calls: 3,
      errors: 1,
      input_tokens: 2,
    },
  ])
})

test('what waits is written when the writer ends', async () => {
  await using one = await openWriter()
  one.call()
  one.slabs.send()
  one.writer.close()
  expect([one.count('traces'), one.count('ledger')]).toEqual([1, 1])
  expect(one.counters.lost()).toMatchObject({ spans: 0, ledgerRows: 0 })
})

test('a writer that comes after another does not write into its blocks', async () => {
  await using one = await openWriter()
  one.call('First')
  one.slabs.send(1)
  await using two = await openWriter({ folder: one.folder })
  two.slabs.forget(1)
  const second = 2
  two.body(second, 0, requestOf('Second'))
  two.body(second, 1, answerOf('Second'))
  two.attempt(second, { answerBytes: answerOf('Second').length })
  two.end(second, { requestBytes: requestOf('Second').length })
  two.slabs.send(1)
  expect(await one.said(1)).toEqual([parts('First'), parts('First')])
  expect(await one.said(second)).toEqual([parts('Second'), parts('Second')])
})

test('an attempt is stored with its call, and never before', async () => {
  await using one = await openWriter()
  one.body(1, 1, answerOf('Hello'))
  one.attempt(1, { answerBytes: answerOf('Hello').length })
  one.slabs.send(1)
  // What was paid for is known already.
  expect([one.count('traces'), one.count('spans'), one.count('ledger')]).toEqual([0, 0, 1])
  expect(one.counters.inFlightBytes()).toBeGreaterThan(0)
  one.end(1)
  one.slabs.send(2)
  expect([one.count('traces'), one.count('spans'), one.count('ledger')]).toEqual([1, 2, 1])
  expect(one.counters.inFlightBytes()).toBe(0)
})

test('attempts of a call that is forgotten are counted as lost, and stand nowhere without it', async () => {
  await using one = await openWriter()
  one.attempt(1)
  one.attempt(1, { number: 2 })
  one.slabs.forget(1)
  one.slabs.send(1)
  expect([one.count('traces'), one.count('spans'), one.count('ledger')]).toEqual([0, 0, 2])
  expect(one.counters.lost().spans).toBe(2)
  expect(one.counters.inFlightBytes()).toBe(0)
})

test('what is held of calls that run counts as in flight until it is on disk', async () => {
  await using one = await openWriter()
  const running = 9
  one.body(running, 0, 'x'.repeat(300_000))
  one.slabs.send(1)
  expect(one.counters.inFlightBytes()).toBe(300_000)
  one.body(running, 1, 'y'.repeat(200_000))
  one.call()
  one.slabs.send(2)
  expect(one.counters.inFlightBytes()).toBe(500_000)
  one.slabs.forget(running)
  one.slabs.send(3)
  expect(one.counters.inFlightBytes()).toBe(0)
  expect(one.counters.lost()).toMatchObject({ bodies: 2, bodyBytes: 500_000 })
})

test('of a body whose beginning went with another writer nothing is kept, and the loss is counted', async () => {
  await using one = await openWriter({ lostBytes: 4_980 })
  one.body(5, 1, 'the end of an answer')
  one.attempt(5, { answerBytes: 5_000 })
  one.end(5)
  one.slabs.send(1)
  expect((await one.shown(5))?.spans.map(({ kind }) => kind)).toEqual(['call', 'attempt'])
  expect(one.rows('traces', 'select bodies from spans')).toEqual([{ bodies: null }, { bodies: null }])
  // Of one that began to be recorded before it was known to run for long.
  one.body(6, 0, 'the end of a request')
  one.begin(6, { requestBytes: 5_000 })
  one.slabs.send(2)
  expect(one.rows('traces', `select bodies from spans where status = 'running'`)).toEqual([{ bodies: null }])
  expect(one.counters.lost()).toMatchObject({ bodies: 2, bodyBytes: 40 })
})
