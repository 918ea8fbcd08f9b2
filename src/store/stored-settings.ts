import type { Kysely } from 'kysely'
import { checkVersion, keyNameOf } from '../core/checks.ts'
import type { ConfigDb } from './schema.ts'

const versionName = 'settings_version'

/** What users have set in place of the configuration's defaults. What a value means, the configuration knows. */
export class SettingStore {
  private readonly db: Kysely<ConfigDb>

  constructor(db: Kysely<ConfigDb>) {
    this.db = db
  }

  /** All of them at one moment. The version rises with every change of any. */
  all(): Promise<{ readonly values: ReadonlyMap<string, unknown>; readonly version: number }> {
    return this.db.transaction().execute(async (db) => {
      const rows = await db.selectFrom('settings').selectAll().orderBy('key').execute()
      const values = new Map(rows.map(({ key, value }) => [key, JSON.parse(value) as unknown]))
      return { values, version: await versionIn(db) }
    })
  }

  /** Null removes one; those that are not named stay. The new version comes back. */
  change(changes: Readonly<Record<string, unknown>>, ifVersion?: number): Promise<number> {
    return this.db.transaction().execute(async (db) => {
      const before = await versionIn(db)
      checkVersion('The settings', before, ifVersion)
      for (const [written, value] of Object.entries(changes)) {
        const key = keyNameOf('key', written)
        if (value === null || value === undefined) await db.deleteFrom('settings').where('key', '=', key).execute()
        else await put(db, key, JSON.stringify(value))
      }
      const version = before + 1
      await db
        .insertInto('installation')
        .values({ name: versionName, value: String(version) })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ value: String(version) }))
        .execute()
      return version
    })
  }
}

const put = (db: Kysely<ConfigDb>, key: string, value: string): Promise<unknown> =>
  db
    .insertInto('settings')
    .values({ key, value })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
    .execute()

async function versionIn(db: Kysely<ConfigDb>): Promise<number> {
  const row = await db.selectFrom('installation').select('value').where('name', '=', versionName).executeTakeFirst()
  return Number(row?.value ?? 1)
}
