import { DatabaseSync } from 'node:sqlite'
import type { Kysely } from 'kysely'
import { defaultProject } from '../../src/core/ids.ts'
import { configMigrations } from '../../src/store/migrations/config.ts'
import { migrate } from '../../src/store/migrations/migrate.ts'
import { ensureDefaultProject, ProjectStore } from '../../src/store/projects.ts'
import type { ConfigDb } from '../../src/store/schema.ts'
import { kyselyOn } from '../../src/store/sqlite/open.ts'

/** The time when a test begins. */
export const startUs = Date.UTC(2026, 0, 31, 12) * 1000

export interface TestConfigDb extends Disposable {
  readonly database: DatabaseSync
  readonly db: Kysely<ConfigDb>
  /** A second later each time. */
  readonly nowUs: () => number
  /** Each another one, rising. */
  readonly newId: () => string
  readonly projects: ProjectStore
  /** Two projects: the one that is always there, and another. */
  readonly a: string
  readonly b: string
}

/** What control stores, in memory, with two projects. */
export async function configDb(): Promise<TestConfigDb> {
  const database = new DatabaseSync(':memory:')
  database.exec('pragma foreign_keys = on')
  const db = kyselyOn<ConfigDb>(database)
  let seconds = 0
  let ids = 0
  const nowUs = (): number => startUs + ++seconds * 1_000_000
  const newId = (): string => `019c13d8-0000-7000-8000-${(++ids).toString(16).padStart(12, '0')}`
  await migrate(db, configMigrations)
  await ensureDefaultProject(db, startUs)
  const projects = new ProjectStore(db, { nowUs, newId })
  const { id: b } = await projects.create({ name: 'Beta' })
  return {
    database,
    db,
    nowUs,
    newId,
    projects,
    a: defaultProject,
    b,
    [Symbol.dispose]: () => database.close(),
  }
}

/** What somebody might send as a name or an id in the hope that it does something. */
export const hostileTexts: readonly string[] = [
  "' OR 1=1 --",
  '"; drop table projects; --',
  '%',
  '_',
  '__proto__',
  'constructor',
  '🙂',
  'a\u0000b',
  '\ud800',
  '../../etc/passwd',
  'x'.repeat(5_000),
]
