import { hash, randomBytes, randomInt } from 'node:crypto'
import type { Kysely, Selectable } from 'kysely'
import { type ClientKey, type KeyKind, keyKinds } from '../core/access.ts'
import { bad, lineOf } from '../core/checks.ts'
import type { ProjectId } from '../core/ids.ts'
import type { Listed, ListPage } from '../core/page.ts'
import { refuseMore } from './limits.ts'
import { afterTime, listed } from './page.ts'
import { requireProject } from './projects.ts'
import type { ApiKeysTable, ConfigDb } from './schema.ts'

/** A client key as those see it who manage keys: everything but the key. */
export interface ClientKeyView {
  readonly id: string
  readonly name: string
  readonly kind: KeyKind
  /** The one project for which it is good; all when absent. */
  readonly projectId?: ProjectId
  /** Names of models, where `*` stands for anything; all when absent. */
  readonly models?: readonly string[]
  readonly expiresUs?: number
  readonly createdUs: number
  readonly revokedUs?: number
  /** The id of the key with which it was made. */
  readonly createdBy?: string
  readonly lastFour: string
}

export interface NewClientKey {
  readonly name: string
  readonly kind: KeyKind
  readonly projectId?: ProjectId
  readonly models?: readonly string[]
  readonly expiresUs?: number
  readonly createdBy?: string
}

/** Without `projectId` those of all projects and of none; without `revoked` both. */
export interface ClientKeyFilter {
  readonly projectId?: ProjectId
  readonly revoked?: boolean
}

/** Throws when what is wanted must not be with the keys that are there, which have not been revoked. */
export type CheckKeys = (keys: readonly ClientKey[]) => void

const mostPatterns = 100

type Row = Selectable<ApiKeysTable>

export class ClientKeyStore {
  private readonly db: Kysely<ConfigDb>
  private readonly nowUs: () => number

  constructor(db: Kysely<ConfigDb>, nowUs: () => number) {
    this.db = db
    this.nowUs = nowUs
  }

  /** The oldest first. */
  async list({ projectId, revoked }: ClientKeyFilter, { limit, after }: ListPage): Promise<Listed<ClientKeyView>> {
    let query = this.db.selectFrom('api_keys').selectAll()
    if (projectId !== undefined) query = query.where('project_id', '=', projectId)
    if (revoked !== undefined) query = query.where('revoked_us', revoked ? 'is not' : 'is', null)
    const isBehind = afterTime(after)
    if (isBehind) query = query.where(isBehind)
    const rows = await query
      .orderBy('created_us')
      .orderBy('id')
      .limit(limit + 1)
      .execute()
    return listed(rows, limit, ({ created_us, id }) => [created_us, id], toView)
  }

  async find(id: string): Promise<ClientKeyView | undefined> {
    const row = await this.db.selectFrom('api_keys').selectAll().where('id', '=', id).executeTakeFirst()
    return row && toView(row)
  }

  /** The key itself is here and then nowhere any more. `check` may refuse it for what other keys there are. */
  async create(
    wanted: NewClientKey,
    check: CheckKeys = () => undefined,
  ): Promise<{ readonly view: ClientKeyView; readonly key: string }> {
    const { name, kind, projectId, models, expiresUs, createdBy } = wanted
    const nowUs = this.nowUs()
    if (!keyKinds.includes(kind)) throw bad('kind', `kind must be ${keyKinds.join(' or ')}.`)
    if (expiresUs !== undefined && !(Number.isSafeInteger(expiresUs) && expiresUs > nowUs))
      throw bad('expires_us', 'expires_us must be a time in the future, in µs since 1970.')
    const id = newKeyId()
    const key = `tl_${id}_${randomBytes(32).toString('base64url')}`
    const row: Row = {
      id,
      hash: hash('sha256', key),
      last_four: key.slice(-4),
      name: lineOf('name', name),
      kind,
      project_id: projectId ?? null,
      models: models === undefined ? null : JSON.stringify(patternsOf(models)),
      expires_us: expiresUs ?? null,
      revoked_us: null,
      created_by: createdBy ?? null,
      created_us: nowUs,
    }
    await this.db.transaction().execute(async (db) => {
      if (projectId !== undefined) {
        await requireProject(db, projectId)
        await refuseMore(db, 'api_keys', projectId)
      }
      check(await unrevokedIn(db))
      await db.insertInto('api_keys').values(row).execute()
    })
    return { view: toView(row), key }
  }

  /**
   * For good. One that has been revoked stays as it is; undefined when there is none. `check` may refuse it for what other
   * keys there are.
   */
  revoke(id: string, check: CheckKeys = () => undefined): Promise<ClientKeyView | undefined> {
    return this.db.transaction().execute(async (db) => {
      const row = await db.selectFrom('api_keys').selectAll().where('id', '=', id).executeTakeFirst()
      if (!row || row.revoked_us !== null) return row && toView(row)
      check(await unrevokedIn(db))
      const change = { revoked_us: this.nowUs() }
      await db.updateTable('api_keys').set(change).where('id', '=', id).execute()
      return toView({ ...row, ...change })
    })
  }

  /** What the gateway has to know. One that has expired is still among them: to expire opens nothing. */
  unrevoked(): Promise<readonly ClientKey[]> {
    return unrevokedIn(this.db)
  }
}

async function unrevokedIn(db: Kysely<ConfigDb>): Promise<readonly ClientKey[]> {
  const rows = await db
    .selectFrom('api_keys')
    .selectAll()
    .where('revoked_us', 'is', null)
    .orderBy('created_us')
    .orderBy('id')
    .execute()
  return rows.map((row) => ({ id: row.id, hash: row.hash, ...scopeOf(row) }))
}

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'

const newKeyId = (): string => Array.from({ length: 8 }, () => alphabet[randomInt(alphabet.length)]).join('')

function patternsOf(models: readonly string[]): readonly string[] {
  if (models.length === 0) throw bad('models', 'models must name at least one model. Leave it out to allow all.')
  if (models.length > mostPatterns) throw bad('models', `models has more than ${mostPatterns} patterns.`)
  return [...new Set(models.map((pattern) => lineOf('models', pattern)))]
}

const scopeOf = ({ kind, project_id, models, expires_us }: Row): Omit<ClientKey, 'id' | 'hash'> => ({
  kind: kind as KeyKind,
  ...(project_id !== null && { projectId: project_id }),
  ...(models !== null && { models: JSON.parse(models) as string[] }),
  ...(expires_us !== null && { expiresUs: expires_us }),
})

const toView = (row: Row): ClientKeyView => ({
  id: row.id,
  name: row.name,
  ...scopeOf(row),
  createdUs: row.created_us,
  ...(row.revoked_us !== null && { revokedUs: row.revoked_us }),
  ...(row.created_by !== null && { createdBy: row.created_by }),
  lastFour: row.last_four,
})
