import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openConfigFile, refuseNewer } from '../../src/store/databases.ts'
import { dataFiles } from '../../src/store/files.ts'
import { configMigrations } from '../../src/store/migrations/config.ts'
import { migrate } from '../../src/store/migrations/migrate.ts'
import { kyselyOn, openForWriting } from '../../src/store/sqlite/open.ts'
import { temporaryFolder } from '../support/data-folder.ts'
import { openWriter } from '../support/writing.ts'

let folder: ReturnType<typeof temporaryFolder>
beforeEach(() => {
  folder = temporaryFolder()
})
afterEach(() => folder[Symbol.dispose]())

/** A `config.db` as the first release made it, with a project in it. */
async function oldConfig(): Promise<void> {
  const database = openForWriting(dataFiles(folder.path).config, { synchronous: 'FULL' })
  await migrate(kyselyOn(database), { '0001_projects': configMigrations['0001_projects'] })
  database.exec(`insert into projects (id, name, is_default, created_us) values ('default', 'Old', 1, 0)`)
  database.close()
}

const copies = (): string[] => readdirSync(dataFiles(folder.path).backups).toSorted()

test('before a newer program changes config.db, it keeps a sound copy of it that nobody else can read', async () => {
  await oldConfig()
  ;(await openConfigFile(folder.path)).close()
  const [copy, ...more] = copies()
  expect(more).toEqual([])
  expect(copy).toMatch(/^config-0001_projects-\d{8}T\d{9}Z\.db$/)
  const path = join(dataFiles(folder.path).backups, String(copy))
  expect([statSync(path).mode & 0o777, statSync(dataFiles(folder.path).backups).mode & 0o777]).toEqual([0o600, 0o700])
  using database = new DatabaseSync(path, { readOnly: true })
  expect(database.prepare('pragma integrity_check').get()).toEqual({ integrity_check: 'ok' })
  expect(database.prepare('select name from projects').all()).toEqual([{ name: 'Old' }])
  expect(database.prepare('select name from kysely_migration').all()).toEqual([{ name: '0001_projects' }])
})

test('a start that changes nothing, or finds nothing, leaves no copy', async () => {
  ;(await openConfigFile(folder.path)).close()
  ;(await openConfigFile(folder.path)).close()
  expect(statSync(dataFiles(folder.path).backups, { throwIfNoEntry: false })).toBeUndefined()
})

test('of such copies the newest five are kept, and nothing else in their folder is touched', async () => {
  await oldConfig()
  const { backups } = dataFiles(folder.path)
  mkdirSync(backups)
  for (let day = 1; day <= 7; day++) writeFileSync(join(backups, `config-0000_x-2026010${day}T000000000Z.db`), '')
  writeFileSync(join(backups, 'config-0000_x-20260109T000000000Z.db.partial'), 'half of one')
  for (const other of ['config-mine.db', 'notes.txt', '20260101T000000000Z']) writeFileSync(join(backups, other), '')
  ;(await openConfigFile(folder.path)).close()
  const names = copies()
  expect(names.filter((name) => name.startsWith('config-0000_x'))).toEqual(
    [4, 5, 6, 7].map((day) => `config-0000_x-2026010${day}T000000000Z.db`),
  )
  expect(names.filter((name) => name.startsWith('config-0001_projects'))).toHaveLength(1)
  expect(names.filter((name) => name.endsWith('partial'))).toEqual([])
  expect(names).toEqual(expect.arrayContaining(['config-mine.db', 'notes.txt', '20260101T000000000Z']))
})

test('when there can be no copy, config.db stays as it was and the reason is said', async () => {
  await oldConfig()
  writeFileSync(dataFiles(folder.path).backups, 'a file where the folder should be')
  await expect(openConfigFile(folder.path)).rejects.toThrow(
    /No backup of it could be made in .*, so its form was not changed/,
  )
  using database = new DatabaseSync(dataFiles(folder.path).config, { readOnly: true })
  expect(database.prepare('select name from kysely_migration').all()).toEqual([{ name: '0001_projects' }])
})

test.each(['config', 'ledger', 'traces'] as const)(
  'a %s.db from a newer program is found before anything is opened',
  async (name) => {
    await using one = await openWriter({ folder: folder.path })
    one.writer.close()
    ;(await openConfigFile(folder.path)).close()
    await refuseNewer(folder.path)
    const path = dataFiles(folder.path)[name]
    const database = new DatabaseSync(path)
    database.exec(`insert into kysely_migration values ('9999_future', '2099-01-01');
    insert into migrated_by values ('9999_future', '99.1.0')`)
    database.close()
    await expect(refuseNewer(folder.path)).rejects.toThrow(
      `${path} was written by Trunkline 99.1.0, which is newer than this`,
    )
    if (name === 'config') await expect(openConfigFile(folder.path)).rejects.toThrow('by Trunkline 99.1.0')
    else await expect(openWriter({ folder: folder.path })).rejects.toThrow(`${path} was written by Trunkline 99.1.0`)
  },
)

test('a folder with nothing, with empty files or with files that are no databases is not from a newer program', async () => {
  await refuseNewer(folder.path)
  writeFileSync(dataFiles(folder.path).config, '')
  writeFileSync(dataFiles(folder.path).traces, 'x'.repeat(5_000))
  await refuseNewer(folder.path)
})
