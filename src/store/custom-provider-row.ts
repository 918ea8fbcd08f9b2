import type { Kysely, Selectable } from 'kysely'
import type { ProviderConfig } from '../core/config.ts'
import type { ProjectId } from '../core/ids.ts'
import type { ConfigDb, ProvidersTable } from './schema.ts'

export type CustomProviderRow = Selectable<ProvidersTable>

export const customProviderRow = (
  db: Kysely<ConfigDb>,
  project: ProjectId,
  name: string,
): Promise<CustomProviderRow | undefined> =>
  db.selectFrom('providers').selectAll().where('project_id', '=', project).where('name', '=', name).executeTakeFirst()

export const configOf = ({ config }: CustomProviderRow): ProviderConfig => JSON.parse(config) as ProviderConfig

/** How a project has configured a provider of its own. */
export async function customProviderOf(
  db: Kysely<ConfigDb>,
  project: ProjectId,
  name: string,
): Promise<ProviderConfig | undefined> {
  const row = await customProviderRow(db, project, name)
  return row && configOf(row)
}
