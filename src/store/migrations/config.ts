import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { ConfigDb } from '../schema.ts'

/** The form of `config.db`. A migration that was once released is never edited. */
export const configMigrations = {
  '0001_projects': {
    async up(db: Kysely<ConfigDb>) {
      await db.schema
        .createTable('projects')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('is_default', 'integer', (column) => column.notNull())
        .addColumn('created_us', 'integer', (column) => column.notNull())
        .execute()
    },
  },
} satisfies Record<string, Migration>
