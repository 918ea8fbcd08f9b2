import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { answerOf, openWriter, parts, requestOf, traceIdOf, type Writing } from '../../test/support/writing.ts'
import type { BodyAddress } from './schema.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** How a call and its trace stand. */
const statusOf = async (one: Writing, call: number): Promise<(string | undefined)[]> => {
  const shown = await one.shown(call)
  return [shown?.trace.status, ...(shown?.spans.map(({ status }) => status) ?? [])]
}

const begunWithRequest = (one: Writing, call: number, text = 'Hello'): void => {
  one.body(call, 0, requestOf(text))
  one.begin(call, { requestBytes: requestOf(text).length })
}

describe('a call that has begun', () => {
  test('is there while it runs, with its request, whose memory is free again', async () => {
    await using one = await openWriter()
    begunWithRequest(one, 1)
    one.slabs.send(1)
    expect(await statusOf(one, 1)).toEqual(['running', 'running'])
    const shown = await one.shown(1)
    expect(shown?.trace).toMatchObject({ calls: 1, errors: 0 })
    expect(shown?.trace).not.toHaveProperty('durationUs')
    expect(shown?.trace).not.toHaveProperty('httpStatus')
    expect(shown?.spans[0]).not.toHaveProperty('durationUs')
    expect(await one.said(1)).toEqual([parts('Hello'), undefined])
    expect(one.counters.inFlightBytes()).toBe(0)
  })

  test('is counted once, keeps its request, and ends as it ends', async () => {
    await using one = await openWriter()
    begunWithRequest(one, 1)
    one.slabs.send(1)
    one.body(1, 1, answerOf('Hello'))
    one.attempt(1, { answerBytes: answerOf('Hello').length })
    one.end(1, { usage: { inputUncached: 3 }, firstContentUs: 7 }, { begun: true, status: 'error' })
    one.slabs.send(2)
    expect(await statusOf(one, 1)).toEqual(['error', 'error', 'ok'])
    expect((await one.shown(1))?.trace).toMatchObject({
      calls: 1,
      errors: 1,
      httpStatus: 200,
      durationUs: 1_000,
      firstContentUs: 7,
      inputTokens: 3,
    })
    expect(await one.said(1)).toEqual([parts('Hello'), parts('Hello')])
  })

  test('may begin and end within one flush', async () => {
    await using one = await openWriter()
    begunWithRequest(one, 1)
    one.attempt(1)
    one.end(1, {}, { begun: true })
    one.slabs.send(1)
    expect(await statusOf(one, 1)).toEqual(['ok', 'ok', 'ok'])
    expect((await one.shown(1))?.trace.calls).toBe(1)
    expect(await one.said(1)).toEqual([parts('Hello'), undefined])
  })

  test('is counted also when its begin was stored nowhere', async () => {
    await using one = await openWriter()
    one.end(1, {}, { begun: true })
    one.slabs.send(1)
    expect((await one.shown(1))?.trace).toMatchObject({ calls: 1, status: 'ok' })
  })

  test('has its attempts stored as they end', async () => {
    await using one = await openWriter()
    one.attempt(1, { number: 1 }, { status: 'error' })
    one.begin(1, { attempts: 2 })
    one.slabs.send(1)
    expect(await statusOf(one, 1)).toEqual(['running', 'running', 'error'])
    one.attempt(1, { number: 2 })
    one.slabs.send(2)
    expect(await statusOf(one, 1)).toEqual(['running', 'running', 'error', 'ok'])
  })

  test('is interrupted when it is forgotten: it has ended, and nobody knows how', async () => {
    await using one = await openWriter()
    begunWithRequest(one, 1)
    one.dropped(1)
    one.slabs.send(1)
    one.slabs.forget(1)
    one.slabs.send(2)
    expect(await statusOf(one, 1)).toEqual(['interrupted', 'interrupted'])
    expect(await one.said(1)).toEqual([parts('Hello'), undefined])
    expect(one.rows('ledger', 'select status from ledger')).toEqual([{ status: 'ok' }])
  })

  test('holds nothing any more of an answer whose span was given up as it came', async () => {
    await using one = await openWriter()
    one.begin(1)
    one.body(1, 1, 'x'.repeat(100_000))
    one.dropped(1)
    one.slabs.send(1)
    expect(one.counters.inFlightBytes()).toBe(0)
    expect(one.counters.lost()).toMatchObject({ bodies: 1, bodyBytes: 100_000 })
    expect(one.rows('traces', 'select count(*) as blocks from blocks')).toEqual([{ blocks: 0 }])
  })

  test('makes its trace run for as long as one of its calls does', async () => {
    await using one = await openWriter()
    const trace = { traceId: traceIdOf(1) }
    one.begin(1, {}, trace)
    one.begin(2, {}, trace)
    one.end(3, {}, { ...trace, status: 'error' })
    one.slabs.send(1)
    const traceNow = async () => (await one.shown(1))?.trace
    expect(await traceNow()).toMatchObject({ status: 'running', calls: 3, errors: 1 })
    one.end(1, {}, { ...trace, begun: true })
    one.slabs.send(2)
    expect(await traceNow()).toMatchObject({ status: 'running', calls: 3 })
    one.end(2, {}, { ...trace, begun: true, status: 'cancelled', endedUs: 9_000 })
    one.slabs.send(3)
    expect(await traceNow()).toMatchObject({ status: 'cancelled', calls: 3, errors: 1 })
  })
})

/** How much is kept of an answer, by what is stored of its places. */
function lengthIn(bodies: string): number {
  const { answer } = JSON.parse(bodies) as { answer: BodyAddress }
  return [answer, ...(answer.rest ?? [])].reduce((sum, { length }) => sum + length, 0)
}

describe('a long answer of a call that runs', () => {
  const pieces = Array.from({ length: 40 }, (_, index) => String.fromCharCode(97 + (index % 26)).repeat(10_000))
  const long = answerOf(pieces.join(''))

  test('goes to the disk as it comes, and memory stays flat', async () => {
    await using one = await openWriter()
    begunWithRequest(one, 1)
    for (let at = 0; at < long.length; at += 10_000) {
      one.body(1, 1, long.slice(at, at + 10_000))
      one.slabs.send(at + 1)
      expect(one.counters.inFlightBytes()).toBeLessThan(64 * 1024)
    }
    one.attempt(1, { answerBytes: long.length })
    one.end(1, {}, { begun: true })
    one.slabs.send(1_000_000)
    expect(await one.said(1)).toEqual([parts('Hello'), parts(pieces.join(''))])
    expect((await one.shown(1))?.spans[0]).toMatchObject({ conversation: { notes: [] } })
  })

  test('goes there sooner when many run, and there is room for others', async () => {
    const inFlightBytes = 1 << 22
    await using one = await openWriter({ recording: { inFlightBytes } })
    const calls = Array.from({ length: 400 }, (_, index) => 1 + index)
    for (const call of calls) begunWithRequest(one, call)
    for (let at = 0; at < 30_000; at += 3_000) {
      for (const call of calls) one.body(call, 1, long.slice(at, at + 3_000))
      one.slabs.send(at + 1)
      expect(one.counters.inFlightBytes()).toBeLessThan(inFlightBytes / 2)
    }
    for (const call of calls) {
      one.attempt(call, { answerBytes: 30_000 })
      one.end(call, {}, { begun: true })
    }
    one.slabs.send(1_000_000)
    const bodies = one.rows('traces', `select bodies from spans where kind = 'attempt'`)
    expect(bodies.map((row) => lengthIn(String(row.bodies)))).toEqual(calls.map(() => 30_000))
    expect(one.counters.inFlightBytes()).toBe(0)
  })

  test('is cut at the limit, with the length and hash of all', async () => {
    await using one = await openWriter({ recording: { bodyBytes: 150_000 } })
    begunWithRequest(one, 1)
    for (let at = 0; at < long.length; at += 10_000) {
      one.body(1, 1, long.slice(at, at + 10_000))
      one.slabs.send()
    }
    one.attempt(1, { answerBytes: long.length })
    one.end(1, {}, { begun: true })
    one.slabs.send(1)
    const [row] = one.rows('traces', `select bodies from spans where kind = 'attempt'`)
    const { answer } = JSON.parse(String(row?.bodies)) as { answer: BodyAddress }
    const { createHash } = await import('node:crypto')
    expect(answer.whole).toEqual({ length: long.length, sha256: createHash('sha256').update(long).digest('hex') })
    expect(lengthIn(String(row?.bodies))).toBe(150_000)
  })

  test('is read as a whole where its end did not tell, wherever its pieces are by then', async () => {
    const told = JSON.stringify({ ...JSON.parse(long), usage: { prompt_tokens: 3, completion_tokens: 4 } })
    await using one = await openWriter()
    one.begin(1)
    for (let at = 0; at < told.length; at += 70_000) {
      one.body(1, 1, told.slice(at, at + 70_000))
      // The last pieces are still in blocks that nobody has stored.
      one.slabs.send(at < 200_000 ? at + 1 : undefined)
    }
    one.attempt(1, { answerBytes: told.length, usageMissing: 'not reported' }, { unread: true })
    one.end(1, {}, { begun: true })
    one.slabs.send(1_000_000)
    expect(one.rows('ledger', 'select input_uncached, output_text from ledger')).toEqual([
      { input_uncached: 3, output_text: 4 },
    ])
  })
})

describe('what a killed process left', () => {
  const later = { startedUs: 1_000_000 }

  test('running calls are interrupted, keep their request, and have one row of the ledger each', async () => {
    await using one = await openWriter()
    begunWithRequest(one, 1, 'First')
    begunWithRequest(one, 2, 'Second')
    one.end(3)
    one.slabs.send(1)
    one.kill()
    await using two = await openWriter({ ...later, folder: one.folder })
    expect(two.writer.interrupted).toBe(2)
    expect(await statusOf(two, 1)).toEqual(['interrupted', 'interrupted'])
    expect(await statusOf(two, 3)).toEqual(['ok', 'ok'])
    expect(await two.said(2)).toEqual([parts('Second'), undefined])
    expect((await two.shown(2))?.trace).not.toHaveProperty('durationUs')
    const rows =
      'select trace_id, run_id, provider, model, status, started_us, usage_missing from ledger order by started_us'
    const row = (call: number) => ({
      trace_id: new Uint8Array(Buffer.from(traceIdOf(call), 'hex')),
      run_id: 'run',
      provider: 'openai',
      model: 'some',
      status: 'interrupted',
      started_us: call * 1_000 + 1,
      usage_missing: 'interrupted',
    })
    expect(two.rows('ledger', rows)).toEqual([row(1), row(2)])

    await using three = await openWriter({ ...later, folder: one.folder })
    expect(three.writer.interrupted).toBe(0)
    expect(three.count('ledger')).toBe(2)
  })

  test('a start that ended between the two files is done again, and no row twice', async () => {
    await using one = await openWriter()
    begunWithRequest(one, 1)
    one.slabs.send(1)
    one.kill()
    await using two = await openWriter({ ...later, folder: one.folder })
    // As if the ledger had been written and the traces not.
    for (const table of ['spans', 'traces']) two.connection('traces').exec(`update ${table} set status = 'running'`)
    two.kill()
    await using three = await openWriter({ ...later, folder: one.folder })
    expect(three.writer.interrupted).toBe(1)
    expect(await statusOf(three, 1)).toEqual(['interrupted', 'interrupted'])
    expect(three.rows('ledger', 'select status from ledger')).toEqual([{ status: 'interrupted' }])
  })

  test('a writer that is only back in the same process leaves running what runs', async () => {
    await using one = await openWriter()
    begunWithRequest(one, 1)
    one.slabs.send(1)
    one.kill()
    await using two = await openWriter({ folder: one.folder })
    expect(two.writer.interrupted).toBe(0)
    expect(await statusOf(two, 1)).toEqual(['running', 'running'])
    two.attempt(1)
    two.end(1, {}, { begun: true })
    two.slabs.send(1)
    expect(await statusOf(two, 1)).toEqual(['ok', 'ok', 'ok'])
    expect((await two.shown(1))?.trace.calls).toBe(1)
    expect(await two.said(1)).toEqual([parts('Hello'), undefined])
  })

  test('an attempt that is in the ledger already, with its span or without, is not counted again', async () => {
    await using one = await openWriter()
    // One had ended in both files, one only in the ledger, and of one the first of two attempts.
    one.begin(1)
    one.attempt(1)
    one.begin(2)
    one.begin(3, { attempts: 2 })
    one.attempt(3, { number: 1 }, { status: 'error' })
    one.slabs.send(1)
    one.connection('traces').exec('pragma query_only = 1')
    one.attempt(2)
    one.slabs.send(2)
    one.kill()
    await using two = await openWriter({ ...later, folder: one.folder })
    expect(two.writer.interrupted).toBe(3)
    const rows = two.rows('ledger', 'select trace_id, status from ledger order by trace_id, id')
    expect(rows.map(({ trace_id, status }) => [(trace_id as Uint8Array).at(-1), status])).toEqual([
      [1, 'ok'],
      [2, 'ok'],
      [3, 'error'],
      [3, 'interrupted'],
    ])
  })

  test('every trace has its calls, and every span its trace, wherever it was killed', async () => {
    await using one = await openWriter({ recording: { flushCount: 1 } })
    const steps: (() => void)[] = [
      () => one.body(1, 0, requestOf('Hello')),
      () => one.attempt(1),
      () => one.begin(1),
      () => one.attempt(1, { number: 2 }),
      () => one.attempt(2),
      () => one.end(1, {}, { begun: true }),
      () => one.begin(3),
      () => one.end(2),
      () => one.slabs.forget(3),
    ]
    for (const step of steps) {
      step()
      one.slabs.send()
      vi.advanceTimersByTime(100)
      expect(
        one.rows(
          'traces',
          `select * from spans left join traces using (project_id, trace_id)
          where traces.status is null or not exists (select 1 from spans as call
            where call.trace_id = spans.trace_id and call.kind = 'call')`,
        ),
      ).toEqual([])
    }
    expect([one.count('traces'), one.count('spans')]).toEqual([3, 6])
  })
})
