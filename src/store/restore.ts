import { existsSync, renameSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Copy, copyDatabase } from './copies.ts'
import { type DatabaseName, databaseNames, databases } from './databases.ts'
import { dataFiles, syncToDisk } from './files.ts'
import { stampOf } from './migration-copies.ts'
import { formOf, NewerFile } from './migrations/form.ts'
import { kyselyOn, openForReading } from './sqlite/open.ts'
import { inWords, troubleOf } from './sqlite/trouble.ts'
import { patienceMs, standAlone } from './vacuum.ts'

export interface Restored {
  readonly name: DatabaseName
  readonly path: string
  readonly bytes: number
  /** Where what it replaced is now. */
  readonly aside?: string
}

/**
 * Puts backups in the place of databases: one file, or what `backUp` left in a folder. Whoever calls this has the lock of
 * the data folder. What is replaced is set aside, never deleted, and nothing is replaced before every backup is known to
 * be sound.
 */
export async function restore(dataDir: string, from: string, nowMs = Date.now()): Promise<Restored[]> {
  const backups = await backupsAt(from)
  const files = dataFiles(dataDir)
  const ready: { readonly name: DatabaseName; readonly copy: Copy }[] = []
  try {
    for (const { name, path } of backups) ready.push({ name, copy: await copiedFrom(path, files[name]) })
    for (const { name } of backups) refuseOpen(files[name])
    return ready.map(({ name, copy }) => {
      const aside = setAside(files[name], `${files[name]}.replaced-${stampOf(nowMs)}`)
      copy.keep()
      return { name, path: files[name], bytes: copy.bytes, ...(aside !== undefined && { aside }) }
    })
  } catch (thrown) {
    for (const { copy } of ready) copy.drop()
    throw thrown
  }
}

interface Backup {
  readonly name: DatabaseName
  readonly path: string
}

async function backupsAt(from: string): Promise<Backup[]> {
  const stat = statSync(from, { throwIfNoEntry: false })
  if (!stat) throw new Error(`There is no backup at ${from}.`)
  if (!stat.isDirectory()) return [{ name: await nameOf(from), path: from }]
  const there = databaseNames
    .map((name) => ({ name, path: join(from, `${name}.db`) }))
    .filter(({ path }) => existsSync(path))
  if (there.length === 0) throw new Error(`There is no backup in ${from}: no config.db, ledger.db or traces.db.`)
  for (const { name, path } of there) {
    const found = await nameOf(path)
    if (found !== name) throw new Error(`${path} is a backup of ${found}.db, by what is in it. Restore it by itself.`)
  }
  return there
}

/** Which of the databases a file is, by the first of its migrations, and that this program knows its form. */
async function nameOf(path: string): Promise<DatabaseName> {
  let database: DatabaseSync | undefined
  try {
    database = openForReading(path)
    const db = kyselyOn(database)
    for (const name of databaseNames) {
      const form = await formOf(db, databases[name])
      if (form.done[0] === undefined || form.done[0] !== databases[name][0]) continue
      if (form.unknown.length > 0) throw new NewerFile(path, form)
      return name
    }
  } catch (thrown) {
    throw new Error(inWords(path, 'read', thrown), { cause: thrown })
  } finally {
    database?.close()
  }
  throw new Error(`${path} is no backup of Trunkline's.`)
}

async function copiedFrom(path: string, to: string): Promise<Copy> {
  const source = openForReading(path)
  try {
    return await copyDatabase(source, to)
  } catch (thrown) {
    throw new Error(`${path} cannot be restored: ${(thrown as Error).message}`, { cause: thrown })
  } finally {
    source.close()
  }
}

/** A file that somebody has open stays. One that is damaged cannot take over its log: then that goes aside with it. */
function refuseOpen(path: string): void {
  if (!existsSync(path)) return
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: patienceMs })
    standAlone(database)
  } catch (thrown) {
    if (troubleOf(thrown) !== 'damaged') throw new Error(inWords(path, 'written', thrown), { cause: thrown })
  } finally {
    database?.close()
  }
}

/** The file last: a log that was left beside a new file would be taken for that one's. */
function setAside(path: string, to: string): string | undefined {
  if (!existsSync(path)) return undefined
  for (const suffix of ['-shm', '-wal', '']) if (existsSync(path + suffix)) renameSync(path + suffix, to + suffix)
  syncToDisk(dirname(path), 'folder')
  return to
}
