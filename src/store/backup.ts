import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { type Copy, copyDatabase, freeBytesAt, megabytes, type OnProgress } from './copies.ts'
import { type DatabaseName, databaseNames } from './databases.ts'
import { dataFiles, syncToDisk } from './files.ts'
import { stampOf } from './migration-copies.ts'
import { openForReading } from './sqlite/open.ts'
import { inWords } from './sqlite/trouble.ts'

export interface BackedUp {
  readonly name: DatabaseName
  readonly path: string
  readonly bytes: number
}

export interface BackupOptions {
  readonly onProgress?: (name: DatabaseName, done: number, total: number) => void
  /** How much room there is where the copies go. */
  readonly freeBytes?: (folder: string) => number
}

/** In this order they stop standing still: every trace that is in the copy has its rows in the copy of the ledger. */
const order: readonly DatabaseName[] = ['traces', 'ledger', 'config']

/**
 * Copies the databases of a folder as they are at one moment, also while a server writes to them. The copies get their
 * names when all of them are there and sound; when anything fails, none does.
 */
export async function backUp(
  dataDir: string,
  to: string,
  { onProgress, freeBytes = freeBytesAt }: BackupOptions = {},
): Promise<BackedUp[]> {
  const files = dataFiles(dataDir)
  const names = order.filter((name) => existsSync(files[name]))
  if (names.length === 0) throw new Error(`There is no database in ${dataDir}, so there is nothing to back up.`)
  const targets = Object.fromEntries(names.map((name) => [name, join(to, `${name}.db`)]))
  const taken = Object.values(targets).find((path) => existsSync(path))
  if (taken !== undefined) throw new Error(`${taken} is there already, and a backup replaces nothing.`)

  const sources = new Map<DatabaseName, DatabaseSync>()
  const copies = new Map<DatabaseName, Copy>()
  const isNew = !existsSync(to)
  try {
    for (const name of names) sources.set(name, standing(files[name]))
    refuseFullDisk(to, [...sources.values()], freeBytes(to))
    mkdirSync(to, { recursive: true, mode: 0o700 })
    for (const [name, source] of sources) {
      const progress: OnProgress | undefined = onProgress && ((done, total) => onProgress(name, done, total))
      copies.set(name, await copied(files[name], source, targets[name] as string, progress))
    }
    for (const copy of copies.values()) copy.keep()
    syncToDisk(to, 'folder')
  } catch (thrown) {
    for (const [name, copy] of copies) {
      copy.drop()
      // It was not there before.
      rmSync(targets[name] as string, { force: true })
    }
    if (isNew) rmSync(to, { recursive: true, force: true })
    throw thrown
  } finally {
    for (const source of sources.values()) source.close()
  }
  return databaseNames.flatMap((name) => {
    const copy = copies.get(name)
    return copy ? [{ name, path: targets[name] as string, bytes: copy.bytes }] : []
  })
}

/** Where a backup goes when nobody says where. */
export const newBackupFolder = (dataDir: string, nowMs: number): string =>
  join(dataFiles(dataDir).backups, stampOf(nowMs))

/** A database as it is now, whatever is written to it from now on. */
function standing(path: string): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    database = openForReading(path)
    database.exec('begin')
    // Only what has read something stands still.
    database.prepare('select count(*) from sqlite_schema').get()
    return database
  } catch (thrown) {
    database?.close()
    throw new Error(inWords(path, 'read', thrown), { cause: thrown })
  }
}

async function copied(path: string, source: DatabaseSync, to: string, onProgress?: OnProgress): Promise<Copy> {
  try {
    return await copyDatabase(source, to, onProgress)
  } catch (thrown) {
    throw new Error(`${path} cannot be copied to ${to}: ${(thrown as Error).message}`, { cause: thrown })
  }
}

function refuseFullDisk(to: string, sources: readonly DatabaseSync[], free: number): void {
  const needed = sources.reduce((sum, source) => sum + sizeOf(source).bytes, 0)
  if (needed > free)
    throw new Error(
      `The backup needs ${megabytes(needed)}, and there are ${megabytes(free)} free in ${to}. Free some space there, or choose another folder with --to.`,
    )
}

/** How large a database is, and how much of it holds nothing. */
export function sizeOf(database: DatabaseSync): { readonly bytes: number; readonly freeBytes: number } {
  const number = (pragma: string): number => Number(database.prepare(`pragma ${pragma}`).get()?.[pragma])
  const page = number('page_size')
  return { bytes: number('page_count') * page, freeBytes: number('freelist_count') * page }
}
