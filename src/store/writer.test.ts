import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Port, Records } from '../core/border.ts'
import type { RecordingConfig } from '../core/config.ts'
import { newSlabCounters, slabCounters } from '../core/records.ts'
import type { AttemptDetail, CallDetail, SpanRecord } from '../core/span.ts'
import { Slabs } from '../telemetry/slabs.ts'
import { ledgerMigrations } from './migrations/ledger.ts'
import { migrate } from './migrations/migrate.ts'
import { tracesMigrations } from './migrations/traces.ts'
import { showTrace } from './show.ts'
import { kyselyOn, openForReading, openForWriting } from './sqlite/open.ts'
import { Writer } from './writer.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const usual: RecordingConfig = {
  flushIntervalMs: 100,
  flushCount: 1_000,
  flushBytes: 1 << 24,
  inFlightBytes: 1 << 26,
  bodyBytes: 1 << 22,
}

/** A writer on a folder of its own, fed by the slabs that would feed it. */
async function openWriter(recording: Partial<RecordingConfig> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-writer-'))
  const files = { traces: join(folder, 'traces.db'), ledger: join(folder, 'ledger.db') }
  const traces = openForWriting(files.traces, { synchronous: 'NORMAL' })
  const ledger = openForWriting(files.ledger, { synchronous: 'NORMAL' })
  for (const database of [traces, ledger]) database.exec('pragma busy_timeout = 0')
  await migrate(kyselyOn(traces), tracesMigrations)
  await migrate(kyselyOn(ledger), ledgerMigrations)
  const counters = slabCounters(newSlabCounters())
  const troubles: (string | undefined)[] = []
  const writer = new Writer({
    traces,
    ledger,
    counters,
    recording: { ...usual, ...recording },
    onCall: () => undefined,
    onTrouble: (problem) => void troubles.push(problem),
    onEmpty: (slab) => void new Uint8Array(slab).fill(0xee),
  })
  const slabs = new Slabs(counters, 1 << 26)
  const port: Port = {
    postMessage: (message) => writer.take(message as Records),
    on: () => undefined,
    close: () => undefined,
  }
  slabs.connect(port)
  const reading = openForReading(files.traces)
  let calls = 0
  const body = (call: number, slot: number, text: string): void =>
    slabs.body(call, slot, [Buffer.from(text)], Buffer.byteLength(text))
  const attempt = (call: number, detail: Partial<AttemptDetail> = {}, span: Partial<SpanRecord> = {}): void =>
    slabs.metadata('attempt', call, spanOf(call, 2, span), { ...attemptDetail, ...detail })
  const end = (call: number, detail: Partial<CallDetail> = {}, span: Partial<SpanRecord> = {}): void =>
    slabs.metadata('call', call, spanOf(call, 1, span), { ...callDetail, ...detail })
  return {
    writer,
    slabs,
    counters,
    files,
    troubles,
    body,
    attempt,
    end,
    /** A whole call with both bodies; its number. */
    call(text = 'Hello'): number {
      const number = ++calls
      const [request, answer] = [requestOf(text), answerOf(text)]
      body(number, 0, request)
      body(number, 1, answer)
      attempt(number, { answerBytes: Buffer.byteLength(answer) })
      end(number, { requestBytes: Buffer.byteLength(request) })
      return number
    },
    count: (table: 'traces' | 'spans' | 'ledger'): number => {
      using database = new DatabaseSync(table === 'ledger' ? files.ledger : files.traces, { readOnly: true })
      return Number(database.prepare(`select count(*) as n from ${table}`).get()?.n)
    },
    /** What was said in a call, as it is shown. */
    async said(call: number): Promise<string[]> {
      const shown = await showTrace(kyselyOn(reading), 'default', traceIdOf(call))
      if (shown.found !== 'one') return []
      const [first] = shown.view.spans
      const { messages = [], answer } = (first?.kind === 'call' && first.conversation) || {}
      return [messages[0], answer?.choices[0]?.message].map((message) => JSON.stringify(message?.parts))
    },
    async [Symbol.asyncDispose]() {
      reading.close()
      writer.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const requestOf = (text: string): string =>
  JSON.stringify({ model: 'some', messages: [{ role: 'user', content: text }] })
const answerOf = (text: string): string =>
  JSON.stringify({ choices: [{ message: { content: text }, finish_reason: 'stop' }] })
const parts = (text: string): string => JSON.stringify([{ kind: 'text', text }])
const traceIdOf = (call: number): string => call.toString(16).padStart(32, '0')
const spanIdOf = (call: number, which: number): string => (call * 16 + which).toString(16).padStart(16, '0')

const spanOf = (call: number, which: number, span: Partial<SpanRecord>): SpanRecord => ({
  traceId: traceIdOf(call),
  projectId: 'default',
  runId: 'run',
  spanId: spanIdOf(call, which),
  parentId: which === 1 ? undefined : spanIdOf(call, 1),
  startedUs: 1_000 * call + which,
  endedUs: 2_000 * call + which,
  status: 'ok',
  ...span,
})

const attemptDetail: AttemptDetail = {
  number: 1,
  httpStatus: 200,
  provider: 'openai',
  dialect: 'openai-chat',
  model: 'some',
  streaming: false,
  requestBytes: 1,
  answerBytes: 1,
}

const callDetail: CallDetail = {
  method: 'POST',
  path: '/v1/chat/completions',
  httpStatus: 200,
  dialect: 'openai-chat',
  streaming: false,
  modelAsked: 'some',
  attempts: 1,
  requestBytes: 1,
  answerBytes: 1,
}

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
  await using one = await openWriter({ flushCount: 4 })
  one.call()
  one.slabs.send()
  expect(one.count('spans')).toBe(0)
  one.call()
  one.slabs.send()
  expect(one.count('spans')).toBe(4)
})

test('rows do not wait when they are large', async () => {
  await using one = await openWriter({ flushBytes: 10_000 })
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

test('a flush that fails is tried again, and nothing is lost or written twice', async () => {
  await using one = await openWriter()
  const other = new DatabaseSync(one.files.traces)
  other.exec('begin immediate')
  const first = one.call('First')
  let reached = false
  void one.writer.stored(1).then(() => {
    reached = true
  })
  one.slabs.send(1)
  expect(one.troubles).toEqual(['Traces cannot be written: database is locked'])
  const waiting = one.counters.inFlightBytes()
  expect(waiting).toBeGreaterThan(0)
  // The ledger is another file, and needs to wait for nobody.
  expect(one.count('ledger')).toBe(1)
  const second = one.call('Second')
  one.slabs.send()
  expect(one.counters.inFlightBytes()).toBeGreaterThan(waiting)
  vi.advanceTimersByTime(3_000)
  expect(one.count('traces')).toBe(0)
  expect(reached).toBe(false)

  other.exec('rollback')
  other.close()
  vi.advanceTimersByTime(1_000)
  expect([one.count('traces'), one.count('spans'), one.count('ledger')]).toEqual([2, 4, 2])
  expect(one.troubles.at(-1)).toBeUndefined()
  expect(one.counters.inFlightBytes()).toBe(0)
  await vi.waitFor(() => expect(reached).toBe(true))
  expect(await one.said(first)).toEqual([parts('First'), parts('First')])
  expect(await one.said(second)).toEqual([parts('Second'), parts('Second')])
})

test('a ledger that is locked holds up its own rows and keeps them', async () => {
  await using one = await openWriter()
  const other = new DatabaseSync(one.files.ledger)
  other.exec('begin immediate')
  one.call()
  one.slabs.send(1)
  expect(one.troubles).toEqual(['Traces cannot be written: database is locked'])
  other.exec('rollback')
  other.close()
  vi.advanceTimersByTime(1_000)
  expect([one.count('traces'), one.count('ledger')]).toEqual([1, 1])
})

test('a row that the database refuses is left out and counted, and the others are stored', async () => {
  await using one = await openWriter()
  const refused = 7
  one.attempt(refused, { modelAnswered: { odd: true } as unknown as string })
  one.end(refused, {}, { startedUs: null as unknown as number })
  const good = one.call()
  one.slabs.send(1)
  expect(one.troubles).toEqual([undefined])
  expect(one.count('traces')).toBe(1)
  expect(one.counters.lost().spans).toBeGreaterThan(0)
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
  one.slabs.metadata('ledger', 1, spanOf(1, 2, {}), attemptDetail)
  one.slabs.forget(1)
  // Its number comes again one day.
  one.end(1)
  one.slabs.send(1)
  expect([one.count('traces'), one.count('spans'), one.count('ledger')]).toEqual([1, 1, 1])
  expect(await one.said(1)).toEqual([undefined, undefined])
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
  using ledger = new DatabaseSync(one.files.ledger, { readOnly: true })
  const rows = ledger
    .prepare('select input_uncached, output_text, model_answered, usage_missing from ledger order by started_us')
    .all()
  expect(rows).toEqual([
    { input_uncached: 3, output_text: 4, model_answered: 'some-2', usage_missing: null },
    { input_uncached: null, output_text: null, model_answered: null, usage_missing: 'not reported' },
  ])
  using traces = new DatabaseSync(one.files.traces, { readOnly: true })
  expect(traces.prepare('select input_tokens, output_tokens from traces order by started_us').all()[0]).toEqual({
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
  using traces = new DatabaseSync(one.files.traces, { readOnly: true })
  expect(
    traces
      .prepare('select model, status, started_us, ended_us, thread_id, calls, errors, input_tokens from traces')
      .all(),
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
  const one = await openWriter()
  one.call()
  one.slabs.send()
  one.writer.close()
  expect([one.count('traces'), one.count('ledger')]).toEqual([1, 1])
})

test('a writer that comes after another does not write into its blocks', async () => {
  await using one = await openWriter()
  const first = one.call('First')
  one.slabs.send(1)
  const traces = openForWriting(one.files.traces, { synchronous: 'NORMAL' })
  const ledger = openForWriting(one.files.ledger, { synchronous: 'NORMAL' })
  const writer = new Writer({
    traces,
    ledger,
    counters: one.counters,
    recording: usual,
    onCall() {},
    onTrouble() {},
    onEmpty() {},
  })
  one.slabs.connect({ postMessage: (message) => writer.take(message as Records), on() {}, close() {} })
  const second = one.call('Second')
  one.slabs.send(2)
  writer.close()
  expect(await one.said(first)).toEqual([parts('First'), parts('First')])
  expect(await one.said(second)).toEqual([parts('Second'), parts('Second')])
})
