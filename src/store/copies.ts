import { existsSync, renameSync, rmSync, statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { createPrivate, syncToDisk } from './files.ts'
import { troubleOf } from './sqlite/trouble.ts'

/** How much is copied before somebody hears of it: 2 MB of our pages. */
const pagesAtOnce = 256

export type OnProgress = (done: number, total: number) => void

/** A copy that is on the disk and sound, and waits only for its name. */
export interface Copy {
  readonly bytes: number
  /** Puts it into its place. */
  keep(): void
  drop(): void
}

/**
 * Copies a database as it is at this moment. Until it is kept the copy has another name, so that whatever happens
 * meanwhile, what has the name of a backup is one.
 */
export async function copyDatabase(source: DatabaseSync, to: string, onProgress?: OnProgress): Promise<Copy> {
  return finished(to, async (partial) => {
    await backup(source, partial, {
      rate: pagesAtOnce,
      ...(onProgress && {
        progress: ({ totalPages, remainingPages }) => onProgress(totalPages - remainingPages, totalPages),
      }),
    })
    onProgress?.(1, 1)
  })
}

/** The same without what is free in it, which takes longer. */
export const compactCopy = (source: DatabaseSync, to: string): Promise<Copy> =>
  finished(to, async (partial) => void source.prepare('vacuum into ?').run(partial))

async function finished(to: string, write: (partial: string) => Promise<void>): Promise<Copy> {
  const partial = `${to}.partial`
  rmSync(partial, { force: true })
  const drop = (): void => rmSync(partial, { force: true })
  try {
    createPrivate(partial)
    await write(partial)
    const problem = verify(partial)
    if (problem !== undefined) throw new Error(`The copy is not sound: ${problem}.`)
    syncToDisk(partial, 'file')
  } catch (thrown) {
    drop()
    if (troubleOf(thrown) !== 'damaged') throw thrown
    throw new Error(`The copy is not sound: ${(thrown as Error).message}.`, { cause: thrown })
  }
  return {
    bytes: statSync(partial).size,
    keep() {
      renameSync(partial, to)
      syncToDisk(dirname(to), 'folder')
    },
    drop,
  }
}

/** What SQLite finds wrong with a file, and makes it one that stands alone, without a log beside it. */
function verify(path: string): string | undefined {
  const database = new DatabaseSync(path)
  try {
    database.exec('pragma journal_mode = delete')
    return integrityProblems(database)[0]
  } finally {
    database.close()
  }
}

/** SQLite's own words; none when all is well. `quick` leaves out whether the indexes agree with their tables. */
export function integrityProblems(database: DatabaseSync, quick = false): readonly string[] {
  const pragma = quick ? 'quick_check' : 'integrity_check'
  return database
    .prepare(`pragma ${pragma}(20)`)
    .all()
    .map((row) => String(row[pragma]))
    .filter((said) => said !== 'ok')
}

/** How much room there is for another file beside this one. */
export function freeBytesAt(path: string): number {
  let folder = path
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder)
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

/** Of room, which is never enough when it is counted in bytes. */
export const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`
