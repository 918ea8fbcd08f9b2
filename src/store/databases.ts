import { statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { dataFiles } from './files.ts'
import { copyBeforeMigration } from './migration-copies.ts'
import { configMigrations } from './migrations/config.ts'
import { formOf, NewerFile } from './migrations/form.ts'
import { ledgerMigrations } from './migrations/ledger.ts'
import { migrate } from './migrations/migrate.ts'
import { tracesMigrations } from './migrations/traces.ts'
import { kyselyOn, openForReading, openForWriting } from './sqlite/open.ts'

/** The databases of a data folder, and the migrations that give each its form. */
export const databases = {
  config: Object.keys(configMigrations),
  ledger: Object.keys(ledgerMigrations),
  traces: Object.keys(tracesMigrations),
} as const satisfies Record<string, readonly string[]>

export type DatabaseName = keyof typeof databases
export const databaseNames = Object.keys(databases) as DatabaseName[]

/** Opens `config.db` for control. It holds what nobody can make again, so a copy is kept before its form changes. */
export async function openConfigFile(dataDir: string): Promise<DatabaseSync> {
  const { config: path, backups } = dataFiles(dataDir)
  const database = openForWriting(path, { synchronous: 'FULL' })
  try {
    await migrate(kyselyOn(database), configMigrations, {
      before: (from) => copyBeforeMigration(database, backups, from),
    })
    return database
  } catch (thrown) {
    database.close()
    throw thrown
  }
}

/** Refuses a folder in which any file is from a newer program, before anything in it is opened to be written. */
export async function refuseNewer(dataDir: string): Promise<void> {
  for (const name of databaseNames) {
    const path = dataFiles(dataDir)[name]
    // What cannot be read at all is said by whoever owns the file, who may mend it.
    if (!statSync(path, { throwIfNoEntry: false })?.size) continue
    const form = await storedForm(path, name).catch(() => undefined)
    if (form && form.unknown.length > 0) throw new NewerFile(path, form)
  }
}

async function storedForm(path: string, name: DatabaseName) {
  const database = openForReading(path)
  try {
    return await formOf(kyselyOn(database), databases[name])
  } finally {
    database.close()
  }
}
