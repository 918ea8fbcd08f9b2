import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { inserts } from '../sqlite/inserts.ts'
import { kyselyOn } from '../sqlite/open.ts'
import { configMigrations } from './config.ts'
import { ledgerMigrations } from './ledger.ts'
import { migrate } from './migrate.ts'
import { tracesMigrations } from './traces.ts'

const formOf = (database: DatabaseSync): unknown[] =>
  database
    .prepare(
      "select type, name, sql from sqlite_schema where name not like 'kysely%' and name not like 'sqlite%' order by name",
    )
    .all()

test.each([
  ['config', configMigrations, ['projects']],
  ['ledger', ledgerMigrations, ['ledger']],
  ['traces', tracesMigrations, ['blocks', 'spans', 'traces']],
] as const)(
  'an empty %s file gets its newest form, and a second time changes nothing',
  async (_name, migrations, tables) => {
    using database = new DatabaseSync(':memory:')
    await migrate(kyselyOn(database), migrations)
    const form = formOf(database)
    const names = database
      .prepare("select name from sqlite_schema where type = 'table'")
      .all()
      .map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining([...tables]))
    const done = database
      .prepare('select name from kysely_migration order by name')
      .all()
      .map(({ name }) => name)
    expect(done).toEqual(Object.keys(migrations))
    await migrate(kyselyOn(database), migrations)
    expect(formOf(database)).toEqual(form)
  },
)

test('a migration that fails leaves the form as it was, and says why', async () => {
  using database = new DatabaseSync(':memory:')
  await migrate(kyselyOn(database), ledgerMigrations)
  const form = formOf(database)
  const broken = {
    ...ledgerMigrations,
    '9999_broken': {
      up: async () => {
        database.exec('create table half (id)')
        throw new Error('The other half is missing.')
      },
    },
  }
  await expect(migrate(kyselyOn(database), broken)).rejects.toThrow('The other half is missing.')
  expect(formOf(database)).toEqual(form)
})

test('every insert names the columns that its table has', async () => {
  using database = new DatabaseSync(':memory:')
  await migrate(kyselyOn(database), { ...ledgerMigrations, ...tracesMigrations })
  for (const { table, columns } of Object.values(inserts)) {
    const there = database
      .prepare(`select name from pragma_table_info('${table}')`)
      .all()
      .map(({ name }) => name)
    expect(
      there.filter((name) => name !== 'id' || table !== 'ledger'),
      table,
    ).toEqual(columns)
  }
})

describe('a file that is not as this program knows it', () => {
  const future = { up: async () => undefined }

  test('from a newer program is refused, with who wrote it and what to do', async () => {
    using database = new DatabaseSync(':memory:')
    await migrate(kyselyOn(database), { ...ledgerMigrations, '9999_future': future })
    const form = formOf(database)
    await expect(migrate(kyselyOn(database), ledgerMigrations)).rejects.toThrow(
      /^The database was written by a newer Trunkline than this \d+\.\d+\.\d+\. Update this one, choose another folder with --data-dir, or go back to a backup with `trunkline db restore`\.$/,
    )
    database.exec(`update migrated_by set program = '99.1.0' where migration = '9999_future'`)
    await expect(migrate(kyselyOn(database), ledgerMigrations)).rejects.toThrow(
      /was written by Trunkline 99\.1\.0, which is newer than this \d/,
    )
    expect(formOf(database)).toEqual(form)
  })

  test('what it says about who wrote it cannot steer a terminal', async () => {
    using database = new DatabaseSync(':memory:')
    await migrate(kyselyOn(database), { ...ledgerMigrations, '9999_future': future })
    database.exec(`update migrated_by set program = 'x' || char(27) || '[31m'`)
    await expect(migrate(kyselyOn(database), ledgerMigrations)).rejects.toThrow('was written by a newer Trunkline')
  })

  test('is left as it is by several migrations of which the last one fails', async () => {
    using database = new DatabaseSync(':memory:')
    await migrate(kyselyOn(database), { '0001_ledger': ledgerMigrations['0001_ledger'] })
    const form = formOf(database)
    const broken = {
      ...ledgerMigrations,
      '0003_broken': {
        up: async () => {
          throw new Error('The disk is full.')
        },
      },
    }
    await expect(migrate(kyselyOn(database), broken)).rejects.toThrow('The disk is full.')
    expect(formOf(database)).toEqual(form)
    const done = database.prepare('select name from kysely_migration').all()
    expect(done).toEqual([{ name: '0001_ledger' }])
  })

  test('is asked about before its form changes, and never when it is new or up to date', async () => {
    using database = new DatabaseSync(':memory:')
    const asked: string[] = []
    const before = async (from: string): Promise<void> => void asked.push(from)
    await migrate(kyselyOn(database), ledgerMigrations, { before })
    await migrate(kyselyOn(database), ledgerMigrations, { before })
    expect(asked).toEqual([])
    await migrate(kyselyOn(database), { ...ledgerMigrations, '9999_future': future }, { before })
    expect(asked).toEqual(['0002_interrupted'])
    const refusing = async (): Promise<void> => {
      throw new Error('There is no room for a copy.')
    }
    const more = { ...ledgerMigrations, '9999_future': future, '9999_later': future }
    await expect(migrate(kyselyOn(database), more, { before: refusing })).rejects.toThrow('no room for a copy')
    expect(database.prepare('select count(*) as count from kysely_migration').get()).toEqual({ count: 3 })
  })
})
