import { randomBytes } from 'node:crypto'
import type { Kysely, Selectable } from 'kysely'
import type { ProjectId } from '../core/ids.ts'
import type { Listed, ListPage } from '../core/page.ts'
import type { StoredCredential } from '../core/stored-credential.ts'
import { customProviderOf } from './custom-provider-row.ts'
import { refuseMore } from './limits.ts'
import { afterTime, listed } from './page.ts'
import { requireProject } from './projects.ts'
import type { ConfigDb, ProviderCredentialsTable } from './schema.ts'

type Row = Selectable<ProviderCredentialsTable>

const saltName = 'fingerprint_salt'

/** The rows of credentials. What is encrypted in them, only `credentials/` can read. */
export class CredentialRows {
  private readonly db: Kysely<ConfigDb>

  constructor(db: Kysely<ConfigDb>) {
    this.db = db
  }

  /** All that `work` reads and writes is of one moment, and is done as a whole or not at all. */
  whole<T>(work: (rows: CredentialRows) => Promise<T>): Promise<T> {
    return this.db.transaction().execute((db) => work(new CredentialRows(db)))
  }

  /** The oldest first. */
  async list(
    project: ProjectId,
    { provider }: { readonly provider?: string },
    { limit, after }: ListPage,
  ): Promise<Listed<StoredCredential>> {
    let query = this.db.selectFrom('provider_credentials').selectAll().where('project_id', '=', project)
    if (provider !== undefined) query = query.where('provider', '=', provider)
    const isBehind = afterTime(after)
    if (isBehind) query = query.where(isBehind)
    const rows = await query
      .orderBy('created_us')
      .orderBy('id')
      .limit(limit + 1)
      .execute()
    return listed(rows, limit, ({ created_us, id }) => [created_us, id], toStored)
  }

  /** All of one project, or of every project for whoever hands them to the gateway. */
  async all(project?: ProjectId): Promise<readonly StoredCredential[]> {
    let query = this.db.selectFrom('provider_credentials').selectAll()
    if (project !== undefined) query = query.where('project_id', '=', project)
    const rows = await query.orderBy('project_id').orderBy('priority').orderBy('created_us').orderBy('id').execute()
    return rows.map(toStored)
  }

  async find(project: ProjectId, id: string): Promise<StoredCredential | undefined> {
    const row = await this.db
      .selectFrom('provider_credentials')
      .selectAll()
      .where('project_id', '=', project)
      .where('id', '=', id)
      .executeTakeFirst()
    return row && toStored(row)
  }

  async count(project: ProjectId, provider: string): Promise<number> {
    const { count } = await this.db
      .selectFrom('provider_credentials')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('project_id', '=', project)
      .where('provider', '=', provider)
      .executeTakeFirstOrThrow()
    return count
  }

  async insert(credential: StoredCredential): Promise<void> {
    await requireProject(this.db, credential.projectId)
    await refuseMore(this.db, 'provider_credentials', credential.projectId)
    await this.db.insertInto('provider_credentials').values(toRow(credential)).execute()
  }

  async replace(credential: StoredCredential): Promise<void> {
    const { id, project_id, ...row } = toRow(credential)
    await this.db
      .updateTable('provider_credentials')
      .set(row)
      .where('project_id', '=', project_id)
      .where('id', '=', id)
      .execute()
  }

  async remove(project: ProjectId, id: string): Promise<void> {
    await this.db.deleteFrom('provider_credentials').where('project_id', '=', project).where('id', '=', id).execute()
  }

  customProvider(project: ProjectId, name: string): ReturnType<typeof customProviderOf> {
    return customProviderOf(this.db, project, name)
  }

  /** Made once for each installation, so that equal secrets have equal fingerprints here and nowhere else. */
  async fingerprintSalt(): Promise<string> {
    await this.db
      .insertInto('installation')
      .values({ name: saltName, value: randomBytes(32).toString('base64') })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    const { value } = await this.db
      .selectFrom('installation')
      .select('value')
      .where('name', '=', saltName)
      .executeTakeFirstOrThrow()
    return value
  }
}

interface Owner {
  readonly project: ProjectId
  readonly provider: string
  readonly nowUs: number
}

/**
 * The credentials that go where the provider is lose their secrets, since they were given for another address. What goes
 * to an address of its own stays, and so does the kind `none`, which is nothing but that.
 */
export async function dropSecrets(db: Kysely<ConfigDb>, { project, provider, nowUs }: Owner): Promise<void> {
  await db
    .updateTable('provider_credentials')
    .set(({ eb }) => ({
      sealed: null,
      needs_secret: eb.case().when('kind', '=', 'none').then(0).else(1).end(),
      fingerprint: '',
      header_names: '[]',
      updated_us: nowUs,
      version: eb('version', '+', 1),
    }))
    .where('project_id', '=', project)
    .where('provider', '=', provider)
    .where('base_url', 'is', null)
    .execute()
}

export async function removeCredentials(db: Kysely<ConfigDb>, project: ProjectId, provider: string): Promise<void> {
  await db
    .deleteFrom('provider_credentials')
    .where('project_id', '=', project)
    .where('provider', '=', provider)
    .execute()
}

const toRow = (credential: StoredCredential): Row => ({
  id: credential.id,
  project_id: credential.projectId,
  provider: credential.provider,
  name: credential.name ?? null,
  kind: credential.kind,
  priority: credential.priority,
  weight: credential.weight,
  base_url: credential.baseUrl ?? null,
  address: credential.address === undefined ? null : JSON.stringify(credential.address),
  may_be_private: credential.mayBePrivate ? 1 : 0,
  fields: JSON.stringify(credential.fields),
  header_names: JSON.stringify(credential.headerNames),
  fingerprint: credential.fingerprint,
  sealed: credential.sealed ?? null,
  needs_secret: credential.needsSecret ? 1 : 0,
  created_us: credential.createdUs,
  updated_us: credential.updatedUs,
  version: credential.version,
})

const toStored = (row: Row): StoredCredential => ({
  id: row.id,
  projectId: row.project_id,
  provider: row.provider,
  ...(row.name !== null && { name: row.name }),
  kind: row.kind,
  priority: row.priority,
  weight: row.weight,
  ...(row.base_url !== null && { baseUrl: row.base_url }),
  ...(row.address !== null && { address: JSON.parse(row.address) as Record<string, string> }),
  mayBePrivate: row.may_be_private === 1,
  fields: JSON.parse(row.fields) as Record<string, string>,
  headerNames: JSON.parse(row.header_names) as string[],
  fingerprint: row.fingerprint,
  ...(row.sealed !== null && { sealed: row.sealed }),
  needsSecret: row.needs_secret === 1,
  createdUs: row.created_us,
  updatedUs: row.updated_us,
  version: row.version,
})
