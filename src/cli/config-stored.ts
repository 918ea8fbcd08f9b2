import { existsSync } from 'node:fs'
import { dataDirOf } from '../config/settings.ts'
import { dataFiles } from '../store/files.ts'
import type { ConfigDb } from '../store/schema.ts'

export interface StoredSettings {
  readonly values: ReadonlyMap<string, unknown>
  /** Why they could not be had, in a sentence. */
  readonly problem?: string
}

/** What users have set by the API and its page, read beside a running server. */
export async function storedSettings(dataDir: string | undefined): Promise<StoredSettings> {
  const path = dataFiles(dataDirOf(dataDir, process.env)).config
  const nothing = new Map<string, unknown>()
  if (!existsSync(path)) return { values: nothing }
  const [{ kyselyOn, openForReading }, { SettingStore }] = await Promise.all([
    import('../store/sqlite/open.ts'),
    import('../store/stored-settings.ts'),
  ])
  try {
    const database = openForReading(path)
    try {
      const { values } = await new SettingStore(kyselyOn<ConfigDb>(database)).all()
      return { values }
    } finally {
      database.close()
    }
  } catch (thrown) {
    const problem = `What is stored in ${path} cannot be read and is left out here: ${(thrown as Error).message}.`
    return { values: nothing, problem }
  }
}
