import type { Kysely, Selectable } from 'kysely'
import { checkVersion, keyNameOf, lineOf } from '../core/checks.ts'
import { defaultTimeouts, type Timeouts } from '../core/config.ts'
import { GatewayError } from '../core/error.ts'
import { defaultProject, type ProjectId } from '../core/ids.ts'
import type { Listed, ListPage } from '../core/page.ts'
import type { ProjectSettings } from '../core/project.ts'
import { afterTime, listed } from './page.ts'
import type { ConfigDb, ProjectsTable } from './schema.ts'
import { checkedSlug, slugOf } from './slug.ts'

/** A project as those see it who manage it. */
export interface ProjectView {
  readonly id: ProjectId
  readonly slug: string
  readonly name: string
  readonly description?: string
  readonly isDefault: boolean
  readonly isArchived: boolean
  readonly archivedUs?: number
  readonly settings: ProjectSettings
  readonly createdUs: number
  readonly updatedUs: number
  readonly version: number
}

export interface NewProject {
  readonly name: string
  /** Made of the name when absent. */
  readonly slug?: string
  readonly description?: string
  readonly settings?: Partial<ProjectSettings>
}

/** What is not named stays. The slug stays with another name too: it stands in programs. */
export interface ProjectChange {
  readonly name?: string
  readonly slug?: string
  readonly description?: string | null
  /** All of them: who changes one sends the others as they were. */
  readonly settings?: Partial<ProjectSettings>
}

interface Deps {
  readonly nowUs: () => number
  readonly newId: () => string
}

type Row = Selectable<ProjectsTable>
type Changed = Partial<Omit<Row, 'id' | 'created_us' | 'updated_us' | 'version'>>

export class ProjectStore {
  private readonly db: Kysely<ConfigDb>
  private readonly deps: Deps

  constructor(db: Kysely<ConfigDb>, deps: Deps) {
    this.db = db
    this.deps = deps
  }

  /** The oldest first. Without `archived` all of them. */
  async list({ limit, after, archived }: ListPage & { readonly archived?: boolean }): Promise<Listed<ProjectView>> {
    let query = this.db.selectFrom('projects').selectAll()
    const isBehind = afterTime(after)
    if (isBehind) query = query.where(isBehind)
    if (archived !== undefined) query = query.where('archived_us', archived ? 'is not' : 'is', null)
    const rows = await query
      .orderBy('created_us')
      .orderBy('id')
      .limit(limit + 1)
      .execute()
    return listed(rows, limit, ({ created_us, id }) => [created_us, id], toView)
  }

  /** All of them, the default one first. */
  async all(): Promise<readonly ProjectView[]> {
    const rows = await this.db
      .selectFrom('projects')
      .selectAll()
      .orderBy('is_default', 'desc')
      .orderBy('created_us')
      .orderBy('id')
      .execute()
    return rows.map(toView)
  }

  async find(idOrSlug: string): Promise<ProjectView | undefined> {
    const rows = await this.db
      .selectFrom('projects')
      .selectAll()
      .where(({ eb, or }) => or([eb('id', '=', idOrSlug), eb('slug', '=', idOrSlug)]))
      .execute()
    return rows.map(toView)[0]
  }

  async create({ name, slug, description, settings }: NewProject): Promise<ProjectView> {
    const nowUs = this.deps.nowUs()
    const line = lineOf('name', name)
    const row: Row = {
      id: this.deps.newId(),
      slug: slug === undefined ? slugOf(line) : checkedSlug(slug),
      name: line,
      description: described(description),
      is_default: 0,
      settings: JSON.stringify(settingsOf(settings)),
      archived_us: null,
      created_us: nowUs,
      updated_us: nowUs,
      version: 1,
    }
    return this.db.transaction().execute(async (db) => {
      await refuseTaken(db, row)
      await db.insertInto('projects').values(row).execute()
      return toView(row)
    })
  }

  change(
    id: ProjectId,
    { name, slug, description, settings }: ProjectChange,
    ifVersion?: number,
  ): Promise<ProjectView> {
    return this.changed(id, ifVersion, async (db, row) => {
      if (slug !== undefined && slug !== row.slug) await refuseTaken(db, { id, slug: checkedSlug(slug) })
      return {
        ...(name !== undefined && { name: lineOf('name', name) }),
        ...(slug !== undefined && { slug }),
        ...(description !== undefined && { description: described(description) }),
        ...(settings !== undefined && { settings: JSON.stringify(settingsOf(settings)) }),
      }
    })
  }

  /** Its calls are refused from then on; what it has stays. */
  archive(id: ProjectId, ifVersion?: number): Promise<ProjectView> {
    return this.changed(id, ifVersion, async (db, row) => {
      if (row.archived_us !== null) return undefined
      const others = await db
        .selectFrom('projects')
        .select('id')
        .where('archived_us', 'is', null)
        .where('id', '!=', id)
        .limit(1)
        .execute()
      if (others.length === 0)
        throw new GatewayError(
          'conflict',
          `${quoted(row)} is the only project that is not archived. Make another first.`,
        )
      if (row.is_default === 1)
        throw new GatewayError('conflict', `${quoted(row)} is the default project. Make another the default first.`)
      return { archived_us: this.deps.nowUs() }
    })
  }

  restore(id: ProjectId, ifVersion?: number): Promise<ProjectView> {
    return this.changed(id, ifVersion, async (_db, row) =>
      row.archived_us === null ? undefined : { archived_us: null },
    )
  }

  /** From then on it is meant where a call names no project. */
  makeDefault(id: ProjectId, ifVersion?: number): Promise<ProjectView> {
    return this.changed(id, ifVersion, async (db, row) => {
      if (row.is_default === 1) return undefined
      if (row.archived_us !== null)
        throw new GatewayError('conflict', `${quoted(row)} is archived, so it cannot be the default. Restore it first.`)
      await db
        .updateTable('projects')
        .set(({ eb }) => ({ is_default: 0, updated_us: this.deps.nowUs(), version: eb('version', '+', 1) }))
        .where('is_default', '=', 1)
        .execute()
      return { is_default: 1 }
    })
  }

  /** `work` says what becomes of the row; undefined when it already is as it should be. */
  private changed(
    id: ProjectId,
    ifVersion: number | undefined,
    work: (db: Kysely<ConfigDb>, row: Row) => Promise<Changed | undefined>,
  ): Promise<ProjectView> {
    return this.db.transaction().execute(async (db) => {
      const row = await db.selectFrom('projects').selectAll().where('id', '=', id).executeTakeFirst()
      if (!row) throw new GatewayError('not_found', `There is no project ${JSON.stringify(id)}.`)
      checkVersion(`The project ${row.slug}`, row.version, ifVersion)
      const change = await work(db, row)
      if (!change) return toView(row)
      const after = { ...change, updated_us: this.deps.nowUs(), version: row.version + 1 }
      await db.updateTable('projects').set(after).where('id', '=', id).execute()
      return toView({ ...row, ...after })
    })
  }
}

/** There is always a project: what is recorded has to belong somewhere. */
export async function ensureDefaultProject(db: Kysely<ConfigDb>, nowUs: number): Promise<void> {
  await db
    .insertInto('projects')
    .values({
      id: defaultProject,
      slug: defaultProject,
      name: 'Default',
      description: null,
      is_default: 1,
      settings: JSON.stringify(settingsOf({})),
      archived_us: null,
      created_us: nowUs,
      updated_us: nowUs,
      version: 1,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** Whatever belongs to a project belongs to one that is there. */
export async function requireProject(db: Kysely<ConfigDb>, id: ProjectId): Promise<void> {
  const row = await db.selectFrom('projects').select('id').where('id', '=', id).executeTakeFirst()
  if (!row) throw new GatewayError('project_not_found', `There is no project ${JSON.stringify(id)}.`)
}

/** A slug that is another project's id would hide that project from whoever looks it up. */
async function refuseTaken(db: Kysely<ConfigDb>, { id, slug }: Pick<Row, 'id' | 'slug'>): Promise<void> {
  const taken = await db
    .selectFrom('projects')
    .select('id')
    .where(({ eb, or }) => or([eb('id', '=', slug), eb('slug', '=', slug)]))
    .where('id', '!=', id)
    .executeTakeFirst()
  if (taken)
    throw new GatewayError('conflict', `There is a project ${slug} already. Give another slug.`, { param: 'slug' })
}

const quoted = ({ name }: Row): string => JSON.stringify(name)

function described(description: string | null | undefined): string | null {
  if (description === undefined || description === null || description.trim() === '') return null
  return lineOf('description', description, 2_000)
}

/** Only what a project has settings for, whatever else was sent or is in an older row. */
function settingsOf({
  defaultProvider,
  timeouts,
  captureBodies = true,
}: Partial<ProjectSettings> = {}): ProjectSettings {
  const clocks = Object.keys(defaultTimeouts) as (keyof Timeouts)[]
  const said = clocks.filter((clock) => typeof timeouts?.[clock] === 'number')
  return {
    ...(defaultProvider !== undefined && { defaultProvider: keyNameOf('default_provider', defaultProvider) }),
    ...(timeouts && said.length > 0 && { timeouts: Object.fromEntries(said.map((clock) => [clock, timeouts[clock]])) }),
    captureBodies,
  }
}

const toView = (row: Row): ProjectView => ({
  id: row.id,
  slug: row.slug,
  name: row.name,
  ...(row.description !== null && { description: row.description }),
  isDefault: row.is_default === 1,
  isArchived: row.archived_us !== null,
  ...(row.archived_us !== null && { archivedUs: row.archived_us }),
  settings: settingsOf(JSON.parse(row.settings) as Partial<ProjectSettings>),
  createdUs: row.created_us,
  updatedUs: row.updated_us,
  version: row.version,
})
