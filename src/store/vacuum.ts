import { existsSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { sizeOf } from './backup.ts'
import { compactCopy, freeBytesAt, megabytes } from './copies.ts'
import { type DatabaseName, databaseNames, databases } from './databases.ts'
import { dataFiles } from './files.ts'
import { formOf, NewerFile } from './migrations/form.ts'
import { kyselyOn } from './sqlite/open.ts'
import { inWords, troubleOf } from './sqlite/trouble.ts'

export interface Vacuumed {
  readonly name: DatabaseName
  readonly path: string
  readonly bytesBefore: number
  readonly bytesAfter: number
}

export interface VacuumOptions {
  readonly onFile?: (name: DatabaseName) => void
  /** How much room there is beside a file. */
  readonly freeBytes?: (path: string) => number
}

/** How long somebody who only looks may keep us waiting. */
export const patienceMs = 2_000

/**
 * Gives back the room that databases do not use. Each is copied without it, and the copy takes its place when it is sound:
 * until then nothing has changed. Whoever calls this has the folder's lock.
 */
export async function vacuum(
  dataDir: string,
  { onFile, freeBytes = freeBytesAt }: VacuumOptions = {},
): Promise<Vacuumed[]> {
  const done: Vacuumed[] = []
  for (const name of databaseNames) {
    const path = dataFiles(dataDir)[name]
    if (!existsSync(path)) continue
    onFile?.(name)
    done.push({ name, path, ...(await vacuumFile(name, path, freeBytes(path))) })
  }
  return done
}

async function vacuumFile(
  name: DatabaseName,
  path: string,
  free: number,
): Promise<Pick<Vacuumed, 'bytesBefore' | 'bytesAfter'>> {
  const bytesBefore = withLog(path)
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: patienceMs })
    const form = await formOf(kyselyOn(database), databases[name])
    if (form.unknown.length > 0) throw new NewerFile(path, form)
    const { bytes, freeBytes } = sizeOf(database)
    const needed = bytes - freeBytes
    if (needed > free) {
      throw new Error(
        `its copy needs ${megabytes(needed)}, and there are ${megabytes(free)} free beside it. Free some space there first`,
      )
    }
    standAlone(database)
    const copy = await compactCopy(database, path)
    // Not before now: until the copy is there, nobody else may write to what is copied.
    database.close()
    database = undefined
    copy.keep()
    return { bytesBefore, bytesAfter: copy.bytes }
  } catch (thrown) {
    throw new Error(inWords(path, 'written', thrown), { cause: thrown })
  } finally {
    database?.close()
  }
}

/**
 * Takes the log over into the file and removes it, which is possible only while nobody else has the file open. A log that
 * was left beside a file that has been replaced would be taken for the new one's.
 */
export function standAlone(database: DatabaseSync): void {
  try {
    const mode = database.prepare('pragma journal_mode = delete').get()?.journal_mode
    if (mode === 'delete') return
  } catch (thrown) {
    if (troubleOf(thrown) !== 'locked') throw thrown
  }
  throw new Error('another program has it open. End that first')
}

const withLog = (path: string): number => sizeAt(path) + sizeAt(`${path}-wal`)
const sizeAt = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0
