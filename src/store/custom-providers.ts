import type { Kysely } from 'kysely'
import { bad, baseUrlOf, checkVersion, keyNameOf, plainUrl, providerNameForm } from '../core/checks.ts'
import type { ProviderConfig } from '../core/config.ts'
import { GatewayError } from '../core/error.ts'
import type { ProjectId } from '../core/ids.ts'
import type { Listed, ListPage } from '../core/page.ts'
import { type CustomProviderRow, configOf, customProviderRow } from './custom-provider-row.ts'
import { refuseMore } from './limits.ts'
import { afterName, listed } from './page.ts'
import { requireProject } from './projects.ts'
import { dropSecrets, removeCredentials } from './provider-credentials.ts'
import type { ConfigDb } from './schema.ts'

/** A provider of the project's own: another instance of one that we know. */
export interface CustomProviderView {
  readonly name: string
  readonly projectId: ProjectId
  readonly like: string
  readonly config: ProviderConfig
  readonly createdUs: number
  readonly updatedUs: number
  readonly version: number
}

/**
 * `config` has `like` and `baseUrl`, and nothing secret: keys, and headers that may be secrets too, belong to the
 * provider's credentials, which are stored encrypted.
 */
export interface NewCustomProvider {
  readonly name: string
  readonly config: ProviderConfig
}

interface Deps {
  readonly nowUs: () => number
  /** Whether our table of providers has the name. */
  readonly isBuiltIn: (name: string) => boolean
}

export class CustomProviderStore {
  private readonly db: Kysely<ConfigDb>
  private readonly deps: Deps

  constructor(db: Kysely<ConfigDb>, deps: Deps) {
    this.db = db
    this.deps = deps
  }

  /** By name. */
  async list(project: ProjectId, { limit, after }: ListPage): Promise<Listed<CustomProviderView>> {
    let query = this.db.selectFrom('providers').selectAll().where('project_id', '=', project)
    const from = afterName(after)
    if (from !== undefined) query = query.where('name', '>', from)
    const rows = await query
      .orderBy('name')
      .limit(limit + 1)
      .execute()
    return listed(rows, limit, ({ name }) => [name], toView)
  }

  /** Those of all projects, for whoever hands them to the gateway. */
  async all(): Promise<readonly CustomProviderView[]> {
    const rows = await this.db.selectFrom('providers').selectAll().orderBy('project_id').orderBy('name').execute()
    return rows.map(toView)
  }

  async find(project: ProjectId, name: string): Promise<CustomProviderView | undefined> {
    const row = await customProviderRow(this.db, project, name)
    return row && toView(row)
  }

  /** What the project had stored for a provider of this name went elsewhere, so it has to be given anew. */
  async create(project: ProjectId, { name, config }: NewCustomProvider): Promise<CustomProviderView> {
    const nowUs = this.deps.nowUs()
    const row: CustomProviderRow = {
      project_id: project,
      name: this.checkedName(name),
      config: JSON.stringify(this.checkedConfig(config)),
      created_us: nowUs,
      updated_us: nowUs,
      version: 1,
    }
    return this.db.transaction().execute(async (db) => {
      await requireProject(db, project)
      if (await customProviderRow(db, project, name))
        throw new GatewayError('conflict', `There is a provider ${JSON.stringify(name)} in this project already.`)
      await refuseMore(db, 'providers', project)
      await db.insertInto('providers').values(row).execute()
      await dropSecrets(db, { project, provider: name, nowUs })
      return toView(row)
    })
  }

  /** The whole of its configuration. With another address its credentials lose their secrets, which were given for the old one. */
  async change(
    project: ProjectId,
    name: string,
    config: ProviderConfig,
    ifVersion?: number,
  ): Promise<CustomProviderView> {
    const checked = this.checkedConfig(config)
    return this.db.transaction().execute(async (db) => {
      const row = await customProviderRow(db, project, name)
      if (!row) throw new GatewayError('not_found', `There is no provider ${JSON.stringify(name)} in this project.`)
      checkVersion(`The provider ${row.name}`, row.version, ifVersion)
      const nowUs = this.deps.nowUs()
      const change = { config: JSON.stringify(checked), updated_us: nowUs, version: row.version + 1 }
      await db.updateTable('providers').set(change).where('project_id', '=', project).where('name', '=', name).execute()
      const before = configOf(row)
      if (plainUrl(before.baseUrl) !== plainUrl(checked.baseUrl) || before.like !== checked.like)
        await dropSecrets(db, { project, provider: name, nowUs })
      return toView({ ...row, ...change })
    })
  }

  /** With it go its credentials in this project. False when there was none. */
  remove(project: ProjectId, name: string, ifVersion?: number): Promise<boolean> {
    return this.db.transaction().execute(async (db) => {
      const row = await customProviderRow(db, project, name)
      if (!row) return false
      checkVersion(`The provider ${row.name}`, row.version, ifVersion)
      await db.deleteFrom('providers').where('project_id', '=', project).where('name', '=', name).execute()
      await removeCredentials(db, project, name)
      return true
    })
  }

  private checkedName(name: string): string {
    keyNameOf('name', name)
    if (!providerNameForm.test(name))
      throw bad('name', 'name must be made of small letters, digits and dashes, at most 63 characters.')
    if (this.deps.isBuiltIn(name))
      throw bad('name', `${name} is a provider that everybody has. Give another name, or give that one a credential.`)
    return name
  }

  private checkedConfig(config: ProviderConfig): ProviderConfig {
    const { like, baseUrl, apiKey, credential, headers, keyIsAmbient: _, ...rest } = config
    if (like === undefined || !this.deps.isBuiltIn(like))
      throw bad('like', `like must name a provider that everybody has, not ${JSON.stringify(like ?? null)}.`)
    if (baseUrl === undefined) throw bad('base_url', 'base_url must say where the provider is.')
    if (apiKey !== undefined || credential !== undefined)
      throw bad('credential', 'A credential is stored by itself, encrypted: make one for this provider.')
    if (headers !== undefined && Object.keys(headers).length > 0)
      throw bad('headers', 'Headers may be secrets: give them with a credential of this provider.')
    return { like, baseUrl: baseUrlOf('base_url', baseUrl), ...rest }
  }
}

const toView = (row: CustomProviderRow): CustomProviderView => ({
  name: row.name,
  projectId: row.project_id,
  like: configOf(row).like ?? '',
  config: configOf(row),
  createdUs: row.created_us,
  updatedUs: row.updated_us,
  version: row.version,
})
