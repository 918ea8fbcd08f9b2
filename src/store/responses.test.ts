import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { damagePage } from '../../test/support/damage.ts'
import { openWriter, type Writing } from '../../test/support/writing.ts'
import type { Responses } from './responses.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const dayUs = 86_400e6
const project = 'default'

const bytesIn = (one: Writing): number =>
  Number(one.rows('traces', 'select coalesce(sum(size), 0) as bytes from responses')[0]?.bytes)

/** Letters that do not get smaller, different for each seed. */
function noise(length: number, seed: number): string {
  let state = seed
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return String.fromCharCode(33 + ((state >>> 16) % 90))
  }).join('')
}

/** Which of these can still be found. */
const left = (responses: Responses, ids: readonly string[]): string[] =>
  ids.filter((id) => responses.find({ project, id }) !== undefined)

/** Somebody else who writes to the file and does not come to an end. */
function locked(path: string): Disposable {
  const database = new DatabaseSync(path)
  database.exec('begin immediate')
  return { [Symbol.dispose]: () => database.close() }
}

test('a response that is kept is found as it was, until it is removed', async () => {
  await using one = await openWriter()
  const { responses } = one.writer
  const text = JSON.stringify({ id: 'resp_tl_1', said: 'Grüße 🦜' })
  responses.keep({ project, id: 'resp_tl_1', text }, 1)
  expect(responses.find({ project, id: 'resp_tl_1' })).toBe(text)
  expect([responses.remove({ project, id: 'resp_tl_1' }), responses.remove({ project, id: 'resp_tl_1' })]).toEqual([
    true,
    false,
  ])
  expect(responses.find({ project, id: 'resp_tl_1' })).toBeUndefined()
})

test('nobody finds or removes what another project keeps under the same id', async () => {
  await using one = await openWriter()
  const { responses } = one.writer
  const [mine, theirs] = [
    { project: 'mine', id: 'resp_tl_1' },
    { project: 'theirs', id: 'resp_tl_1' },
  ]
  responses.keep({ ...mine, text: 'of mine' }, 1)
  expect([responses.find(theirs), responses.remove(theirs)]).toEqual([undefined, false])
  responses.keep({ ...theirs, text: 'of theirs' }, 2)
  expect([responses.find(mine), responses.find(theirs)]).toEqual(['of mine', 'of theirs'])
  expect(responses.remove(mine)).toBe(true)
  expect(responses.find(theirs)).toBe('of theirs')
})

test('one that is kept twice is there once, as it was the second time', async () => {
  await using one = await openWriter()
  const { responses } = one.writer
  responses.keep({ project, id: 'a', text: noise(1_000, 1) }, 1)
  responses.keep({ project, id: 'a', text: 'short' }, 2)
  expect(responses.find({ project, id: 'a' })).toBe('short')
  expect(one.rows('traces', 'select count(*) as n from responses')).toEqual([{ n: 1 }])
})

test('those older than the days that they are kept go when the next one comes', async () => {
  await using one = await openWriter({ responses: { retentionDays: 2 } })
  const { responses } = one.writer
  responses.keep({ project, id: 'first', text: '1' }, 0)
  responses.keep({ project, id: 'second', text: '2' }, dayUs)
  responses.keep({ project, id: 'third', text: '3' }, 2 * dayUs)
  expect(left(responses, ['first', 'second', 'third'])).toEqual(['first', 'second', 'third'])
  responses.keep({ project, id: 'fourth', text: '4' }, 3 * dayUs)
  expect(left(responses, ['first', 'second', 'third', 'fourth'])).toEqual(['second', 'third', 'fourth'])
})

describe('when they take more bytes than they may', () => {
  const ids = Array.from({ length: 10 }, (_, index) => `resp_tl_${index}`)

  test('the oldest go first, whoever they belong to', async () => {
    await using one = await openWriter({ responses: { maxBytes: 5_000 } })
    const { responses } = one.writer
    responses.keep({ project: 'another', id: 'of another', text: noise(1_000, 99) }, 0)
    for (const [index, id] of ids.entries()) responses.keep({ project, id, text: noise(1_000, index) }, index + 1)
    expect(bytesIn(one)).toBeLessThanOrEqual(5_000)
    expect(responses.find({ project: 'another', id: 'of another' })).toBeUndefined()
    const kept = left(responses, ids)
    expect(kept).toEqual(ids.slice(-kept.length))
    expect(kept.length).toBeGreaterThan(3)
  })

  test('what was removed makes room', async () => {
    await using one = await openWriter({ responses: { maxBytes: 5_000 } })
    const { responses } = one.writer
    for (let round = 0; round < 20; round++) {
      responses.keep({ project, id: 'a', text: noise(2_000, round) }, round)
      expect(responses.remove({ project, id: 'a' })).toBe(true)
    }
    responses.keep({ project, id: 'b', text: noise(2_000, 50) }, 50)
    responses.keep({ project, id: 'c', text: noise(2_000, 51) }, 51)
    expect(left(responses, ['b', 'c'])).toEqual(['b', 'c'])
  })

  test('a later process knows how much there is', async () => {
    const first = await openWriter({ responses: { maxBytes: 5_000 } })
    for (const [index, id] of ids.slice(0, 4).entries())
      first.writer.responses.keep({ project, id, text: noise(1_000, index) }, index)
    first.writer.close()
    await using second = await openWriter({ responses: { maxBytes: 5_000 }, folder: first.folder })
    const { responses } = second.writer
    for (const [index, id] of ids.slice(4).entries())
      responses.keep({ project, id, text: noise(1_000, index + 4) }, index + 4)
    expect(bytesIn(second)).toBeLessThanOrEqual(5_000)
    expect(left(responses, ids).length).toBeGreaterThan(3)
  })
})

describe('while the file is in trouble', () => {
  const id = 'resp_tl_1'

  test('nobody is told that one is kept or removed which is not', async () => {
    await using one = await openWriter()
    const { responses } = one.writer
    responses.keep({ project, id, text: 'said before' }, 1)
    {
      using _lock = locked(one.files.traces)
      expect(() => responses.keep({ project, id: 'resp_tl_2', text: 'said now' }, 2)).toThrow(/could not be stored/)
      expect(() => responses.remove({ project, id })).toThrow(/could not be removed/)
      // It can be read all the same.
      expect(responses.find({ project, id })).toBe('said before')
    }
    await vi.advanceTimersByTimeAsync(5_000)
    expect(left(responses, [id, 'resp_tl_2'])).toEqual([id])
    expect(responses.remove({ project, id })).toBe(true)
  })

  test('what could not be stored takes no room', async () => {
    await using one = await openWriter({ responses: { maxBytes: 50_000 } })
    const { responses } = one.writer
    const database = one.connection('traces')
    const [pages] = one.rows('traces', 'pragma page_count')
    database.exec(`pragma max_page_count = ${Number(pages?.page_count)}`)
    for (let round = 0; round < 10; round++) {
      expect(() => responses.keep({ project, id: `${round}`, text: noise(50_000, round) }, round)).toThrow()
      await vi.advanceTimersByTimeAsync(30_000)
    }
    database.exec('pragma max_page_count = 1000000')
    await vi.advanceTimersByTimeAsync(30_000)
    responses.keep({ project, id: 'a', text: noise(20_000, 50) }, 50)
    responses.keep({ project, id: 'b', text: noise(20_000, 51) }, 51)
    expect(left(responses, ['a', 'b'])).toEqual(['a', 'b'])
  })

  test('a new file in place of a damaged one has all the room there is', async () => {
    await using one = await openWriter({ responses: { maxBytes: 5_000 } })
    const { responses } = one.writer
    responses.keep({ project, id: 'old', text: noise(4_000, 1) }, 1)
    damagePage(one.files.traces, 'traces')
    one.call()
    one.slabs.send(1)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(left(responses, ['old'])).toEqual([])
    responses.keep({ project, id: 'a', text: noise(2_000, 2) }, 2)
    responses.keep({ project, id: 'b', text: noise(2_000, 3) }, 3)
    expect(left(responses, ['a', 'b'])).toEqual(['a', 'b'])
  })
})
