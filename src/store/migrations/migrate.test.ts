import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
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
