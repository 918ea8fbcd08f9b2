import type { Kysely } from 'kysely'
import { GatewayError } from '../core/error.ts'
import type { ProjectId } from '../core/ids.ts'
import type { ConfigDb } from './schema.ts'

/**
 * How much of each a project may have. Control and the gateway have all of it in memory and hand it on as a whole, so
 * that nobody who manages one project may fill it for the others.
 */
const limits = {
  providers: { most: 200, called: 'providers' },
  models: { most: 5_000, called: 'models' },
  provider_credentials: { most: 1_000, called: 'credentials' },
  api_keys: { most: 10_000, called: 'client keys' },
} as const satisfies Partial<Record<keyof ConfigDb, { readonly most: number; readonly called: string }>>

/** Refuses one more than a project may have. Of client keys those count that have not been revoked. */
export async function refuseMore(db: Kysely<ConfigDb>, table: keyof typeof limits, project: ProjectId): Promise<void> {
  const { most, called } = limits[table]
  const { count } = await db
    .selectFrom(table)
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('project_id', '=', project)
    .$if(table === 'api_keys', (query) => query.where('revoked_us', 'is', null))
    .executeTakeFirstOrThrow()
  if (count < most) return
  throw new GatewayError(
    'conflict',
    `This project has ${most} ${called}, which is as many as it may have. Remove one that nobody needs.`,
  )
}
