import { closeSync, fsyncSync, openSync } from 'node:fs'
import { join } from 'node:path'

/** What is in the data folder, and whose it is: each file has one writer. */
export const dataFiles = (dataDir: string) => ({
  /** Control's. */
  config: join(dataDir, 'config.db'),
  lock: join(dataDir, 'lock.db'),
  server: join(dataDir, 'server.json'),
  /** The writer's. */
  ledger: join(dataDir, 'ledger.db'),
  traces: join(dataDir, 'traces.db'),
  /** Copies that were made before a change of form, or because somebody asked for them. */
  backups: join(dataDir, 'backups'),
})

/**
 * Makes a file that only its owner may read, if it is not there. One that is there is not even opened: to close it again
 * would drop every lock that SQLite, in whatever thread, holds on it for this process.
 */
export function createPrivate(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown
  }
}

/** Makes sure that a file, or the names in a folder, survive a power cut. Windows keeps no folder open. */
export function syncToDisk(path: string, what: 'file' | 'folder'): void {
  if (what === 'folder' && process.platform === 'win32') return
  const descriptor = openSync(path, what === 'file' ? 'r+' : 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
