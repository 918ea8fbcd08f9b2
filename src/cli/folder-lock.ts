import { statSync } from 'node:fs'
import { lockFolder } from '../store/lock.ts'
import { CliError } from './command.ts'
import { plain } from './text.ts'

/** Does some work that bears nobody else in the data folder. Whoever is there is named, with what to do. */
export async function alone<T>(dataDir: string, work: () => Promise<T>): Promise<T> {
  if (!statSync(dataDir, { throwIfNoEntry: false })) {
    throw new CliError(`There is no data folder ${plain(dataDir)}. Name another one with --data-dir.`)
  }
  try {
    const lock = lockFolder(dataDir)
    try {
      return await work()
    } finally {
      lock.release()
    }
  } catch (thrown) {
    throw new CliError((thrown as Error).message, { cause: thrown })
  }
}
