import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { backUp } from '../../src/store/backup.ts'
import { openConfigFile } from '../../src/store/databases.ts'
import { dataFiles } from '../../src/store/files.ts'
import { restore } from '../../src/store/restore.ts'
import { damagePage } from '../support/damage.ts'
import { openWriter, type Writing } from '../support/writing.ts'

let one: Writing
let to: string
beforeEach(async () => {
  one = await openWriter()
  to = join(one.folder, 'copy')
  ;(await openConfigFile(one.folder)).close()
})
afterEach(() => one[Symbol.asyncDispose]())

const rowsIn = (path: string, table: string): number => {
  using database = new DatabaseSync(path, { readOnly: true })
  return Number(database.prepare(`select count(*) as rows from ${table}`).get()?.rows)
}

const record = (texts: readonly string[]): void => {
  for (const text of texts) one.call(text)
  one.slabs.send()
  one.writer.flush()
}

describe('a backup', () => {
  test('of a folder that is written to has all three files, sound and for their owner alone', async () => {
    record(['One', 'Two'])
    const files = await backUp(one.folder, to)
    expect(files.map(({ name }) => name)).toEqual(['config', 'ledger', 'traces'])
    expect(readdirSync(to).toSorted()).toEqual(['config.db', 'ledger.db', 'traces.db'])
    for (const { path, bytes } of files) {
      expect([statSync(path).mode & 0o777, statSync(path).size]).toEqual([0o600, bytes])
    }
    expect(statSync(to).mode & 0o777).toBe(0o700)
    expect([rowsIn(join(to, 'traces.db'), 'traces'), rowsIn(join(to, 'ledger.db'), 'ledger')]).toEqual([2, 2])
  })

  test('is as the folder was when it began, whatever is written while it is made', async () => {
    record([randomBytes(1_800_000).toString('hex'), randomBytes(1_800_000).toString('hex')])
    let written = 0
    const files = await backUp(one.folder, to, {
      onProgress: () => {
        written++
        record([`During ${written} ${'x'.repeat(100_000)}`])
      },
    })
    expect(written).toBeGreaterThan(2)
    expect(files).toHaveLength(3)
    expect([rowsIn(join(to, 'traces.db'), 'traces'), rowsIn(join(to, 'ledger.db'), 'ledger')]).toEqual([2, 2])
    expect(one.count('traces')).toBe(2 + written)
  })

  test('replaces nothing', async () => {
    mkdirSync(to)
    writeFileSync(join(to, 'ledger.db'), 'mine')
    await expect(backUp(one.folder, to)).rejects.toThrow(
      `${join(to, 'ledger.db')} is there already, and a backup replaces nothing.`,
    )
    expect(readdirSync(to)).toEqual(['ledger.db'])
  })

  test('is not begun without room for it', async () => {
    await expect(backUp(one.folder, to, { freeBytes: () => 1_000 })).rejects.toThrow(
      /The backup needs \d+\.\d MB, and there are 0\.0 MB free in .*\. Free some space there, or choose another folder with --to\./,
    )
    expect(existsSync(to)).toBe(false)
  })

  test('of a damaged file is none, and leaves nothing behind', async () => {
    record(['One'])
    one.writer.close()
    damagePage(one.files.traces, 'spans')
    await expect(backUp(one.folder, to)).rejects.toThrow(/traces\.db cannot be copied to .*: The copy is not sound/)
    expect(existsSync(to)).toBe(false)
  })

  test('of nothing is an error', async () => {
    await expect(backUp(to, join(to, 'copy'))).rejects.toThrow(`There is no database in ${to}`)
  })
})

describe('going back to a backup', () => {
  test('puts all files of a folder back, and keeps what they replaced', async () => {
    record(['One'])
    await backUp(one.folder, to)
    record(['Two'])
    one.writer.close()
    const restored = await restore(one.folder, to, Date.UTC(2027, 0, 31))
    expect(restored.map(({ name, aside }) => [name, aside])).toEqual(
      (['config', 'ledger', 'traces'] as const).map((name) => [
        name,
        `${dataFiles(one.folder)[name]}.replaced-20270131T000000000Z`,
      ]),
    )
    expect([one.count('traces'), one.count('ledger')]).toEqual([1, 1])
    expect(rowsIn(restored[2]?.aside ?? '', 'traces')).toBe(2)
    await using two = await openWriter({ folder: one.folder })
    expect(two.writer.problems).toEqual([])
  })

  test('puts one file back, known by what is in it', async () => {
    record(['One'])
    await backUp(one.folder, to)
    record(['Two'])
    one.writer.close()
    expect(await restore(one.folder, join(to, 'traces.db'))).toMatchObject([{ name: 'traces' }])
    expect([one.count('traces'), one.count('ledger')]).toEqual([1, 2])
  })

  test('works when the file to be replaced is damaged', async () => {
    record(['One'])
    await backUp(one.folder, to)
    one.writer.close()
    writeFileSync(one.files.traces, 'no database at all'.repeat(1_000))
    await restore(one.folder, to)
    expect(one.count('traces')).toBe(1)
  })

  const damaged = (path: string): string => {
    damagePage(join(path, 'traces.db'), 'spans')
    return path
  }
  const emptyFolder = (path: string): string => {
    mkdirSync(join(path, 'none'))
    return join(path, 'none')
  }
  const otherFile = (path: string): string => {
    writeFileSync(join(path, 'x.db'), '')
    return join(path, 'x.db')
  }

  test.each([
    ['is not there', (path: string) => join(path, 'none'), 'There is no backup at'],
    ['is an empty folder', emptyFolder, 'no config.db, ledger.db or traces.db'],
    ['is something else', otherFile, "is no backup of Trunkline's"],
    ['is damaged', damaged, 'traces.db cannot be restored: The copy is not sound'],
    ['is from a newer program', newer, 'traces.db was written by a newer Trunkline'],
  ])('from what %s changes nothing', async (_, prepare, message) => {
    record(['One'])
    await backUp(one.folder, to)
    record(['Two'])
    one.writer.close()
    const from = prepare(to)
    await expect(restore(one.folder, from)).rejects.toThrow(message)
    expect([one.count('traces'), one.count('ledger')]).toEqual([2, 2])
    expect(readdirSync(one.folder).filter((name) => /partial|replaced/.test(name))).toEqual([])
  })

  test('waits for nobody: a file that somebody has open is not replaced', async () => {
    record(['One'])
    await backUp(one.folder, to)
    one.writer.close()
    using reader = new DatabaseSync(one.files.traces, { readOnly: true })
    reader.exec('begin; select * from traces')
    await expect(restore(one.folder, to)).rejects.toThrow('another program has it open')
    expect(readdirSync(one.folder).filter((name) => /partial|replaced/.test(name))).toEqual([])
  })
})

function newer(path: string): string {
  using database = new DatabaseSync(join(path, 'traces.db'))
  database.exec(`insert into kysely_migration values ('9999_future', '2099-01-01')`)
  return path
}
