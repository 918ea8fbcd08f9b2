import { type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { formOf, NewerFile, noteProgram } from './form.ts'

export interface MigrateOptions {
  /** Called before a file that has a form gets another one, with the last migration that it had; it may still refuse. */
  readonly before?: (from: string) => Promise<void>
}

/**
 * Brings a database to the newest form: what is pending runs in the order of its name and in one transaction, so that a
 * failure leaves the file as it was. A file from a newer program is refused.
 */
export async function migrate<Db>(
  db: Kysely<Db>,
  migrations: Readonly<Record<string, Migration>>,
  { before }: MigrateOptions = {},
): Promise<void> {
  const form = await formOf(db, Object.keys(migrations))
  if (form.unknown.length > 0) throw new NewerFile(await pathOf(db), form)
  if (form.pending.length === 0) return
  const last = form.done.at(-1)
  if (last !== undefined) await before?.(last)
  const noted = Object.entries(migrations).map(([name, migration]) => [
    name,
    {
      async up(inner: Kysely<unknown>) {
        await migration.up(inner)
        await noteProgram(inner, name)
      },
    },
  ])
  const migrator = new Migrator({ db, provider: { getMigrations: async () => Object.fromEntries(noted) } })
  const { error } = await migrator.migrateToLatest()
  if (error) throw error
}

async function pathOf<Db>(db: Kysely<Db>): Promise<string> {
  const { rows } = await sql<{ name: string; file: string }>`pragma database_list`.execute(db)
  return rows.find(({ name }) => name === 'main')?.file || 'The database'
}
