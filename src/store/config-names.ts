import { existsSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { dataFiles } from './files.ts'
import { openForReading } from './sqlite/open.ts'

/** What commands call things by, read as it lies on the disk: quickly, beside whoever has the folder. */
export interface ProjectNames {
  readonly id: string
  readonly slug: string
  readonly isDefault: boolean
}

/** None where there is no file yet. A file in the form of an older program has ids alone. */
export const projectNames = (dataDir: string): ProjectNames[] =>
  reading(dataDir, (database) =>
    database
      .prepare('select * from projects order by is_default desc, created_us, id')
      .all()
      .map(({ id, slug, is_default: isDefault }) => ({
        id: String(id),
        slug: String(slug ?? id),
        isDefault: Number(isDefault) === 1,
      })),
  )

/** Of the client keys that have not been revoked, the newest first. */
export const clientKeyIds = (dataDir: string): string[] =>
  reading(dataDir, (database) =>
    ids(database, 'select id from api_keys where revoked_us is null order by created_us desc'),
  )

/** Of the credentials of a project, with their providers, the newest first. */
export const credentialIds = (dataDir: string, project: string): { readonly id: string; readonly provider: string }[] =>
  reading(dataDir, (database) =>
    database
      .prepare('select id, provider from provider_credentials where project_id = ? order by created_us desc')
      .all(project)
      .map(({ id, provider }) => ({ id: String(id), provider: String(provider) })),
  )

const ids = (database: DatabaseSync, query: string): string[] =>
  database
    .prepare(query)
    .all()
    .map(({ id }) => String(id))

function reading<T>(dataDir: string, work: (database: DatabaseSync) => T[]): T[] {
  const { config } = dataFiles(dataDir)
  if (!existsSync(config)) return []
  const database = openForReading(config)
  try {
    return work(database)
  } finally {
    database.close()
  }
}
