import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { damagePage } from '../../test/support/damage.ts'
import { openWriter, parts, type Writing } from '../../test/support/writing.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

type File = 'traces' | 'ledger'

const files: readonly File[] = ['traces', 'ledger']

const other = (file: File): File => (file === 'traces' ? 'ledger' : 'traces')

/** Somebody else who writes to the file and does not come to an end. */
function locked(path: string): Disposable {
  const database = new DatabaseSync(path)
  database.exec('begin immediate')
  return { [Symbol.dispose]: () => database.close() }
}

/** A disk on which there is no room for another page. */
function full(one: Writing, file: File): Disposable {
  const database = one.connection(file)
  const [row] = one.rows(file, 'pragma page_count')
  database.exec(`pragma max_page_count = ${Number(row?.page_count)}`)
  return { [Symbol.dispose]: () => database.exec('pragma max_page_count = 1000000') }
}

const asides = ({ folder }: Writing, file: File): string[] =>
  readdirSync(folder).filter((name) => name.startsWith(`${file}.db.corrupt-`) && !/-(wal|shm)$/.test(name))

/** More than fits into what is left of a page. */
const large = 'x'.repeat(100_000)

describe.each(files)('while %s.db cannot be written', (file) => {
  const counts = (one: Writing) => ({ traces: one.count('traces'), ledger: one.count('ledger') })

  test('since it is locked, the other file is, and nothing is lost or written twice', async () => {
    await using one = await openWriter()
    {
      using _lock = locked(one.files[file])
      one.call('First')
      one.slabs.send(1)
      expect(counts(one)).toEqual({ [file]: 0, [other(file)]: 1 })
      one.call('Second')
      one.slabs.send(2)
      await vi.advanceTimersByTimeAsync(500)
      // A moment is no trouble.
      expect(one.news).toEqual([])
      await vi.advanceTimersByTimeAsync(3_000)
      expect(one.news).toEqual([
        `${one.files[file]} cannot be written: another process has locked it (database is locked). End that process, or let it finish. Calls go on; what they leave waits in memory until it can.`,
      ])
      expect(one.writer.problems).toEqual(one.news)
      expect(counts(one)).toEqual({ [file]: 0, [other(file)]: 2 })
    }
    await vi.advanceTimersByTimeAsync(2_000)
    expect(counts(one)).toEqual({ traces: 2, ledger: 2 })
    expect(one.count('spans')).toBe(4)
    expect(one.writer.problems).toEqual([])
    expect(one.news.slice(1)).toEqual([`${one.files[file]} is written again.`])
    expect(one.counters.inFlightBytes()).toBe(0)
    expect(one.counters.ledgerRows()).toBe(0)
    for (const text of ['First', 'Second']) {
      expect(await one.said(text === 'First' ? 1 : 2)).toEqual([parts(text), parts(text)])
    }
  })

  test('since the disk is full, it is said at once, and all is stored when there is room', async () => {
    await using one = await openWriter()
    one.call('Before')
    one.slabs.send(1)
    {
      using _disk = full(one, file)
      for (let index = 0; index < 200; index++) one.call(index === 0 ? large : 'Meanwhile')
      one.slabs.send(2)
      expect(one.news).toEqual([
        `${one.files[file]} cannot be written: the disk is full (database or disk is full). Free some space there. Calls go on; what they leave waits in memory until it can.`,
      ])
      expect(counts(one)).toEqual({ [file]: 1, [other(file)]: 201 })
      await vi.advanceTimersByTimeAsync(60_000)
      expect(one.news).toHaveLength(1)
    }
    await vi.advanceTimersByTimeAsync(2_000)
    expect(counts(one)).toEqual({ traces: 201, ledger: 201 })
    expect(await one.said(2)).toEqual([parts(large), parts(large)])
    expect(one.news).toHaveLength(2)
    expect(one.writer.problems).toEqual([])
  })

  test('since it is read-only, it is opened anew until it is not', async () => {
    await using one = await openWriter()
    one.connection(file).exec('pragma query_only = 1')
    one.call()
    one.slabs.send(1)
    expect(one.writer.problems).toEqual([expect.stringContaining('it is read-only')])
    expect(counts(one)).toEqual({ [file]: 0, [other(file)]: 1 })
    await vi.advanceTimersByTimeAsync(100)
    expect(counts(one)).toEqual({ traces: 1, ledger: 1 })
    expect(one.writer.problems).toEqual([])
  })

  test('since it is damaged, it is set aside, and all that waited is in a new one', async () => {
    await using one = await openWriter()
    one.call('Before')
    one.slabs.send(1)
    damagePage(one.files[file], file)
    one.call('After')
    one.slabs.send(2)
    await vi.advanceTimersByTimeAsync(100)
    const [aside] = asides(one, file)
    expect(one.news).toEqual([
      expect.stringMatching(`^A damaged ${file}.db was set aside as ${one.folder}/${aside}, and a new one begun.`),
    ])
    expect(one.writer.problems).toEqual(one.news)
    expect(counts(one)).toEqual({ [file]: 1, [other(file)]: 2 })
    expect(readFileSync(`${one.folder}/${aside}`).length).toBeGreaterThan(8192)
    expect(await one.said(2)).toEqual([parts('After'), parts('After')])
    one.call('Later')
    one.slabs.send(3)
    expect(counts(one)).toEqual({ [file]: 2, [other(file)]: 3 })
    expect(one.counters.lost()).toMatchObject({ spans: 0, ledgerRows: 0 })
  })

  test('since it is damaged again and again, it is not set aside each time', async () => {
    await using one = await openWriter()
    one.call()
    one.slabs.send()
    await vi.advanceTimersByTimeAsync(1_000)
    for (let times = 0; times < 2; times++) {
      damagePage(one.files[file], file)
      one.call()
      one.slabs.send()
      await vi.advanceTimersByTimeAsync(1_000)
    }
    await vi.advanceTimersByTimeAsync(10_000)
    expect(asides(one, file)).toHaveLength(1)
    expect(one.writer.problems.at(-1)).toContain('it is damaged')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asides(one, file)).toHaveLength(2)
    expect(counts(one)).toEqual({ [file]: 1, [other(file)]: 3 })
  })

  test('when the writer ends, what could not be stored is counted', async () => {
    await using one = await openWriter()
    using _lock = locked(one.files[file])
    one.call()
    one.slabs.send(1)
    one.writer.close()
    expect(one.counters.lost()).toMatchObject(
      file === 'traces' ? { spans: 2, ledgerRows: 0 } : { spans: 0, ledgerRows: 1 },
    )
  })
})

test('calls that run are in the new file when theirs was damaged', async () => {
  await using one = await openWriter()
  one.begin(1)
  one.attempt(1, { number: 1 })
  one.slabs.send(1)
  damagePage(one.files.traces, 'spans')
  one.attempt(1, { number: 2 })
  one.slabs.send(2)
  await vi.advanceTimersByTimeAsync(100)
  expect((await one.shown(1))?.spans.map(({ kind, status }) => [kind, status])).toEqual([
    ['call', 'running'],
    ['attempt', 'ok'],
  ])
  one.end(1, {}, { begun: true })
  one.slabs.send(3)
  expect((await one.shown(1))?.trace).toMatchObject({ status: 'ok', calls: 1 })
})

test.each(files)('a %s.db that somebody has removed is begun anew', async (file) => {
  await using one = await openWriter()
  one.call('Before')
  one.slabs.send(1)
  rmSync(one.files[file])
  one.call('After')
  one.slabs.send(2)
  await vi.advanceTimersByTimeAsync(100)
  expect(one.news).toEqual([
    expect.stringMatching(/^\/.* cannot be written: it was removed, or replaced by another file\. /),
    `${one.files[file]} is written again.`,
  ])
  expect([one.count('traces'), one.count('ledger')]).toEqual(file === 'traces' ? [1, 2] : [2, 1])
  expect(await one.said(2)).toEqual([parts('After'), parts('After')])
  expect(one.writer.problems).toEqual([])
})

test('a file that cannot even be opened is tried until it can', async () => {
  await using one = await openWriter()
  rmSync(one.files.traces)
  mkdirSync(one.files.traces)
  one.call()
  one.slabs.send(1)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(one.writer.problems).toEqual([
    `${one.files.traces} cannot be written: it cannot be opened (unable to open database file). Its folder must be there and writable for this user. Calls go on; what they leave waits in memory until it can.`,
  ])
  rmdirSync(one.files.traces)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(one.writer.problems).toEqual([])
  expect([one.count('traces'), one.count('ledger')]).toEqual([1, 1])
})

test('rows of the ledger wait up to a bound, and those beyond it are counted', async () => {
  await using one = await openWriter()
  {
    using _lock = locked(one.files.ledger)
    // Rows of a megabyte: who calls chooses the length of some names.
    for (let call = 1; call <= 70; call++) {
      one.attempt(call, {}, { runId: 'r'.repeat(1_000_000) })
      one.end(call)
      one.slabs.send()
    }
    expect(one.counters.ledgerRows()).toBe(67)
    expect(one.counters.lost().ledgerRows).toBe(3)
    await vi.advanceTimersByTimeAsync(100)
    expect(one.count('traces')).toBe(70)
  }
  await vi.advanceTimersByTimeAsync(2_000)
  expect(one.count('ledger')).toBe(67)
})

describe('at the start', () => {
  test.each([
    ['is no database', (path: string) => writeFileSync(path, 'not a database at all, '.repeat(1_000))],
    ['has lost a page', (path: string, file: File) => damagePage(path, file)],
    ['has lost its form', (path: string) => damagePage(path, 'kysely_migration')],
  ])('a file that %s is set aside with its log, and a new one begun', async (_, damage) => {
    await using one = await openWriter()
    one.begin(1)
    one.call('Before')
    one.slabs.send(1)
    one.writer.close()
    for (const file of files) damage(one.files[file], file)
    await using two = await openWriter({ folder: one.folder, startedUs: 1_000_000 })
    two.call('After')
    two.slabs.send(1)
    await vi.advanceTimersByTimeAsync(500)
    expect([two.count('traces'), two.count('ledger')]).toEqual([1, 1])
    expect(two.writer.problems.map((problem) => problem.slice(0, 20))).toEqual([
      'A damaged ledger.db ',
      'A damaged traces.db ',
    ])
    for (const file of files) expect(asides(two, file)).toHaveLength(1)
  })

  test('a ledger that was set aside is spoken of until somebody has moved it', async () => {
    await using one = await openWriter()
    one.writer.close()
    writeFileSync(one.files.ledger, 'not a database at all, '.repeat(1_000))
    await using two = await openWriter({ folder: one.folder })
    two.writer.close()
    await using three = await openWriter({ folder: one.folder })
    expect(three.writer.problems).toEqual([expect.stringContaining(String(asides(one, 'ledger')[0]))])
  })

  test('what cannot be mended is said in words that name the file', async () => {
    await using one = await openWriter()
    one.writer.close()
    // An index that the program needs has the name of something else.
    const database = new DatabaseSync(one.files.traces)
    database.exec('drop index spans_running')
    database.close()
    await expect(openWriter({ folder: one.folder })).rejects.toThrow(
      `${one.files.traces} cannot be opened: no such index: spans_running.`,
    )
  })
})
