import type { Kysely } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'

/** Brings a database to the newest form. Each migration runs once, in the order of its name. */
export async function migrate<Db>(db: Kysely<Db>, migrations: Readonly<Record<string, Migration>>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...migrations }) } })
  const { error } = await migrator.migrateToLatest()
  if (error) throw error
}
