import type { Kysely } from 'kysely'
import { defaultProject, type ProjectId } from '../core/ids.ts'
import type { ConfigDb } from './schema.ts'

/** All projects, the default one first. */
export async function listProjects(db: Kysely<ConfigDb>): Promise<ProjectId[]> {
  const rows = await db.selectFrom('projects').select('id').orderBy('is_default', 'desc').orderBy('id').execute()
  return rows.map(({ id }) => id)
}

/** There is always a project: what is recorded has to belong somewhere. */
export async function ensureDefaultProject(db: Kysely<ConfigDb>, nowUs: number): Promise<void> {
  await db
    .insertInto('projects')
    .values({ id: defaultProject, name: 'Default', is_default: 1, created_us: nowUs })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}
