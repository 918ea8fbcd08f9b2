import { closeSync, openSync } from 'node:fs'
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
