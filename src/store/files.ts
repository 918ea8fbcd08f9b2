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
