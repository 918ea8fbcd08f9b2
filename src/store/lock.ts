import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { createPrivate, dataFiles } from './files.ts'
import { inWords, troubleOf } from './sqlite/trouble.ts'

/** What a running server says of itself in its data folder, for the commands that look for it. */
export interface ServerFile {
  readonly pid: number
  readonly version: string
  /** Where the gateway listens. */
  readonly gateway: string
  /** Where the web page is, with the API beside it. */
  readonly ui: string
  /** Where its private door is. */
  readonly socket: string
  readonly startedUs: number
}

export interface FolderLock {
  release(): void
}

/** Who only looks whether the lock is free has a share of it for a moment. */
const patienceMs = 200

/**
 * Takes a data folder for this process alone. The lock is the system's own on an open file, so that it goes with the
 * process however that ends; nothing is left behind to be cleaned up.
 */
export function lockFolder(dataDir: string): FolderLock {
  const { lock } = dataFiles(dataDir)
  let database: DatabaseSync | undefined
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    createPrivate(lock)
    database = new DatabaseSync(lock)
    database.exec(`pragma locking_mode = exclusive; pragma busy_timeout = ${patienceMs}; begin exclusive`)
  } catch (cause) {
    database?.close()
    if (troubleOf(cause) !== 'locked') throw new Error(inWords(lock, 'opened', cause), { cause })
    const other = readServerFile(dataDir)
    const who = other ? `process ${other.pid} (${other.gateway})` : 'another process'
    throw new Error(
      `The data folder ${dataDir} is in use by ${who}. Stop it, or choose another folder with --data-dir.`,
      { cause },
    )
  }
  return { release: () => database?.close() }
}

/** Whether some process has this folder now. */
export function isLocked(dataDir: string): boolean {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(dataFiles(dataDir).lock, { readOnly: true })
    database.exec('select 1 from sqlite_schema')
    return false
  } catch (thrown) {
    return troubleOf(thrown) === 'locked'
  } finally {
    database?.close()
  }
}

export const writeServerFile = (dataDir: string, file: ServerFile): void =>
  writeFileSync(dataFiles(dataDir).server, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 })

export const removeServerFile = (dataDir: string): void => rmSync(dataFiles(dataDir).server, { force: true })

export function readServerFile(dataDir: string): ServerFile | undefined {
  try {
    return JSON.parse(readFileSync(dataFiles(dataDir).server, 'utf8')) as ServerFile
  } catch {
    return undefined
  }
}
