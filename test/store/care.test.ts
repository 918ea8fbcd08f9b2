import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { checkFolder, type FileCheck } from '../../src/store/check.ts'
import { openConfigFile } from '../../src/store/databases.ts'
import { lockFolder } from '../../src/store/lock.ts'
import { vacuum } from '../../src/store/vacuum.ts'
import { damagePage } from '../support/damage.ts'
import { openWriter, type Writing } from '../support/writing.ts'

let one: Writing
beforeEach(async () => {
  one = await openWriter()
  ;(await openConfigFile(one.folder)).close()
})
afterEach(() => one[Symbol.asyncDispose]())

const record = (texts: readonly string[]): void => {
  for (const text of texts) one.call(text)
  one.slabs.send()
  one.writer.flush()
}

const change = (path: string, sql: string): void => {
  using database = new DatabaseSync(path)
  database.exec(sql)
}

const checked = async (name: FileCheck['name']): Promise<FileCheck> => {
  const found = (await checkFolder(one.folder)).files.find((file) => file.name === name)
  if (!found) throw new Error(`Nothing is said of ${name}.`)
  return found
}

describe('a check', () => {
  test('beside a server that writes finds all well, and says how much is there', async () => {
    const lock = lockFolder(one.folder)
    record(['One', 'Two'])
    const { isSound, isInUse, files, diskFreeBytes } = await checkFolder(one.folder)
    expect({ isSound, isInUse }).toEqual({ isSound: true, isInUse: true })
    expect(diskFreeBytes).toBeGreaterThan(0)
    expect(files.map(({ name, problems, notes }) => ({ name, problems, notes }))).toEqual(
      ['config', 'ledger', 'traces'].map((name) => ({ name, problems: [], notes: [] })),
    )
    const [, ledger, traces] = files
    expect(ledger?.rows).toEqual({ ledger: 2 })
    expect(traces).toMatchObject({ isThere: true, rows: { traces: 2, spans: 4, blocks: 1, responses: 0 } })
    expect(traces?.walBytes).toBeGreaterThan(0)
    expect(traces?.form).toMatch(/^\d{4}_/)
    expect(traces?.program).toMatch(/^\d+\.\d+\.\d+$/)
    lock.release()
  })

  test.each([true, false])('finds damage (quick: %s)', async (quick) => {
    record(['One'])
    one.writer.close()
    damagePage(one.files.traces, 'spans')
    const { isSound, files } = await checkFolder(one.folder, { quick })
    expect(isSound).toBe(false)
    expect(files[2]?.problems).toEqual([expect.stringMatching(/traces\.db (is|cannot be read: it is) damaged/)])
    expect(files[1]?.problems).toEqual([])
  })

  test('names a file that is no database', async () => {
    one.writer.close()
    writeFileSync(one.files.ledger, 'x'.repeat(5_000))
    expect((await checked('ledger')).problems).toEqual([expect.stringContaining('it is damaged or no database')])
  })

  test('names a file from a newer program', async () => {
    change(one.files.ledger, `insert into kysely_migration values ('9999_future', '2099-01-01')`)
    expect((await checked('ledger')).problems).toEqual([expect.stringContaining('was written by a newer Trunkline')])
  })

  test('counts spans whose bodies are gone, and blocks that no span has', async () => {
    record(['One'])
    change(one.files.traces, 'update blocks set id = 700')
    const { problems, notes } = await checked('traces')
    expect(problems).toEqual([expect.stringMatching(/has lost the bodies of 2 spans/)])
    expect(notes).toEqual([expect.stringMatching(/^No span uses 1 of the blocks of bodies, with \d+ bytes/)])
  })

  test('finds rows that belong to rows that are gone', async () => {
    change(
      one.files.ledger,
      `create table a (id primary key); create table b (a references a (id)); pragma foreign_keys = off; insert into b values (7)`,
    )
    expect((await checked('ledger')).problems).toEqual([
      expect.stringContaining('has 1 rows that belong to rows that are gone'),
    ])
  })

  test('says that others may read a file, and how to take that from them', async () => {
    chmodSync(one.files.ledger, 0o644)
    expect((await checked('ledger')).problems).toEqual([
      `Others on this machine may read ${one.files.ledger}. Take it from them: chmod 600 ${one.files.ledger}`,
    ])
  })

  test('speaks of what was set aside', async () => {
    writeFileSync(`${one.files.traces}.corrupt-20260101T000000000Z`, '')
    expect((await checked('traces')).notes).toEqual([
      'traces.db.corrupt-20260101T000000000Z was set aside earlier. Remove it when you do not need it.',
    ])
  })

  test('changes nothing', async () => {
    record(['One'])
    one.writer.close()
    const seen = (): unknown => ['config', 'ledger', 'traces'].map((name) => readFileSync(`${one.folder}/${name}.db`))
    const before = seen()
    await checkFolder(one.folder)
    expect(seen()).toEqual(before)
  })
})

describe('vacuuming', () => {
  beforeEach(() => {
    record(Array.from({ length: 20 }, (_, at) => `${at} ${Math.random()}`.repeat(5_000)))
    change(
      one.files.traces,
      'create table filler (data); insert into filler select randomblob(3000000); drop table filler',
    )
    one.writer.close()
  })

  test('gives back what is free, and keeps all rows and rights', async () => {
    const [, , traces] = await vacuum(one.folder)
    expect(traces?.bytesAfter).toBeLessThan((traces?.bytesBefore ?? 0) - 2_500_000)
    expect(statSync(one.files.traces).size).toBe(traces?.bytesAfter)
    expect(statSync(one.files.traces).mode & 0o777).toBe(0o600)
    const { isSound, files } = await checkFolder(one.folder)
    expect(isSound).toBe(true)
    expect(files[2]).toMatchObject({ freeBytes: 0, rows: { traces: 20, spans: 40 } })
    await using two = await openWriter({ folder: one.folder })
    two.call('After')
    two.slabs.send()
    two.writer.flush()
    expect(two.count('ledger')).toBe(21)
  })

  test('is not begun without room for the copy', async () => {
    await expect(vacuum(one.folder, { freeBytes: () => 1_000 })).rejects.toThrow(
      /config\.db cannot be written: its copy needs \d+\.\d MB, and there are 0\.0 MB free beside it\. Free some space there first\./,
    )
  })

  test('leaves a file alone that somebody reads', async () => {
    using reader = new DatabaseSync(one.files.traces, { readOnly: true })
    reader.exec('begin; select * from traces')
    const { size } = statSync(one.files.traces)
    await expect(vacuum(one.folder)).rejects.toThrow(
      'traces.db cannot be written: another program has it open. End that first.',
    )
    expect(statSync(one.files.traces).size).toBe(size)
    expect(readdirSync(one.folder).filter((name) => name.includes('partial'))).toEqual([])
  })

  test('leaves a file alone that is damaged or from a newer program', async () => {
    change(one.files.ledger, `insert into kysely_migration values ('9999_future', '2099-01-01')`)
    await expect(vacuum(one.folder)).rejects.toThrow('ledger.db was written by a newer Trunkline')
    change(one.files.ledger, `delete from kysely_migration where name = '9999_future'`)
    damagePage(one.files.traces, 'spans')
    await expect(vacuum(one.folder)).rejects.toThrow(/traces\.db cannot be written: /)
    expect(readdirSync(one.folder).filter((name) => name.includes('partial'))).toEqual([])
  })
})
