import type { Kysely, Selectable } from 'kysely'
import { bad, checkVersion, keyNameOf } from '../core/checks.ts'
import { GatewayError } from '../core/error.ts'
import type { ProjectId } from '../core/ids.ts'
import type { Listed, ListPage } from '../core/page.ts'
import { refuseMore } from './limits.ts'
import { afterName, listed } from './page.ts'
import { requireProject } from './projects.ts'
import type { ConfigDb, ModelsTable } from './schema.ts'

/** A model under a name of the project's own. */
export interface CustomModelView {
  readonly name: string
  readonly projectId: ProjectId
  readonly provider: string
  /** The provider's name for it. */
  readonly model: string
  readonly createdUs: number
  readonly updatedUs: number
  readonly version: number
}

export interface NewCustomModel {
  readonly name: string
  readonly provider: string
  readonly model: string
}

interface Deps {
  readonly nowUs: () => number
  /** Whether everybody has a provider of this name. */
  readonly isProvider: (name: string) => boolean
}

type Row = Selectable<ModelsTable>

export class CustomModelStore {
  private readonly db: Kysely<ConfigDb>
  private readonly deps: Deps

  constructor(db: Kysely<ConfigDb>, deps: Deps) {
    this.db = db
    this.deps = deps
  }

  /** By name. */
  async list(project: ProjectId, { limit, after }: ListPage): Promise<Listed<CustomModelView>> {
    let query = this.db.selectFrom('models').selectAll().where('project_id', '=', project)
    const from = afterName(after)
    if (from !== undefined) query = query.where('name', '>', from)
    const rows = await query
      .orderBy('name')
      .limit(limit + 1)
      .execute()
    return listed(rows, limit, ({ name }) => [name], toView)
  }

  /** Those of all projects, for whoever hands them to the gateway. */
  async all(): Promise<readonly CustomModelView[]> {
    const rows = await this.db.selectFrom('models').selectAll().orderBy('project_id').orderBy('name').execute()
    return rows.map(toView)
  }

  async find(project: ProjectId, name: string): Promise<CustomModelView | undefined> {
    const row = await rowOf(this.db, project, name)
    return row && toView(row)
  }

  async create(project: ProjectId, { name, provider, model }: NewCustomModel): Promise<CustomModelView> {
    const nowUs = this.deps.nowUs()
    const row: Row = {
      project_id: project,
      name: keyNameOf('name', name),
      provider,
      model: keyNameOf('model', model),
      created_us: nowUs,
      updated_us: nowUs,
      version: 1,
    }
    return this.db.transaction().execute(async (db) => {
      await requireProject(db, project)
      await this.requireProvider(db, project, provider)
      if (await rowOf(db, project, name))
        throw new GatewayError('conflict', `There is a model ${JSON.stringify(name)} in this project already.`)
      await refuseMore(db, 'models', project)
      await db.insertInto('models').values(row).execute()
      return toView(row)
    })
  }

  change(
    project: ProjectId,
    name: string,
    { provider, model }: Partial<Omit<NewCustomModel, 'name'>>,
    ifVersion?: number,
  ): Promise<CustomModelView> {
    return this.db.transaction().execute(async (db) => {
      const row = await rowOf(db, project, name)
      if (!row) throw new GatewayError('not_found', `There is no model ${JSON.stringify(name)} in this project.`)
      checkVersion(`The model ${row.name}`, row.version, ifVersion)
      if (provider !== undefined) await this.requireProvider(db, project, provider)
      const change = {
        ...(provider !== undefined && { provider }),
        ...(model !== undefined && { model: keyNameOf('model', model) }),
        updated_us: this.deps.nowUs(),
        version: row.version + 1,
      }
      await db.updateTable('models').set(change).where('project_id', '=', project).where('name', '=', name).execute()
      return toView({ ...row, ...change })
    })
  }

  /** False when there was none. */
  remove(project: ProjectId, name: string, ifVersion?: number): Promise<boolean> {
    return this.db.transaction().execute(async (db) => {
      const row = await rowOf(db, project, name)
      if (!row) return false
      checkVersion(`The model ${row.name}`, row.version, ifVersion)
      await db.deleteFrom('models').where('project_id', '=', project).where('name', '=', name).execute()
      return true
    })
  }

  private async requireProvider(db: Kysely<ConfigDb>, project: ProjectId, provider: string): Promise<void> {
    if (this.deps.isProvider(provider)) return
    const own = await db
      .selectFrom('providers')
      .select('name')
      .where('project_id', '=', project)
      .where('name', '=', provider)
      .executeTakeFirst()
    if (!own) throw bad('provider', `There is no provider ${JSON.stringify(provider)}.`)
  }
}

const rowOf = (db: Kysely<ConfigDb>, project: ProjectId, name: string): Promise<Row | undefined> =>
  db.selectFrom('models').selectAll().where('project_id', '=', project).where('name', '=', name).executeTakeFirst()

const toView = (row: Row): CustomModelView => ({
  name: row.name,
  projectId: row.project_id,
  provider: row.provider,
  model: row.model,
  createdUs: row.created_us,
  updatedUs: row.updated_us,
  version: row.version,
})
