import { type Kysely, sql } from 'kysely'
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
  '0002_project_settings': {
    async up(db: Kysely<ConfigDb>) {
      for (const [name, type, fallback] of [
        ['slug', 'text', ''],
        ['settings', 'text', '{"captureBodies":true}'],
        ['updated_us', 'bigint', 0],
        ['version', 'integer', 1],
      ] as const)
        await db.schema
          .alterTable('projects')
          .addColumn(name, type, (column) => column.notNull().defaultTo(fallback))
          .execute()
      await db.schema.alterTable('projects').addColumn('description', 'text').execute()
      await db.schema.alterTable('projects').addColumn('archived_us', 'bigint').execute()
      await db
        .updateTable('projects')
        .set(({ ref }) => ({ slug: ref('id'), updated_us: ref('created_us') }))
        .execute()
      await db.schema.createIndex('projects_by_slug').on('projects').column('slug').unique().execute()
      await db.schema
        .createIndex('projects_default')
        .on('projects')
        .column('is_default')
        .unique()
        .where(sql.ref('is_default'), '=', sql.lit(1))
        .execute()
    },
  },
  '0003_providers_credentials_keys': {
    async up(db: Kysely<ConfigDb>) {
      await db.schema
        .createTable('providers')
        .addColumn('project_id', 'text', (column) => column.notNull().references('projects.id'))
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('config', 'text', (column) => column.notNull())
        .addColumn('created_us', 'bigint', (column) => column.notNull())
        .addColumn('updated_us', 'bigint', (column) => column.notNull())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addPrimaryKeyConstraint('providers_key', ['project_id', 'name'])
        .execute()
      await db.schema
        .createTable('models')
        .addColumn('project_id', 'text', (column) => column.notNull().references('projects.id'))
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('provider', 'text', (column) => column.notNull())
        .addColumn('model', 'text', (column) => column.notNull())
        .addColumn('created_us', 'bigint', (column) => column.notNull())
        .addColumn('updated_us', 'bigint', (column) => column.notNull())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addPrimaryKeyConstraint('models_key', ['project_id', 'name'])
        .execute()
      await db.schema
        .createTable('provider_credentials')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('project_id', 'text', (column) => column.notNull().references('projects.id'))
        .addColumn('provider', 'text', (column) => column.notNull())
        .addColumn('name', 'text')
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('priority', 'integer', (column) => column.notNull())
        .addColumn('weight', 'integer', (column) => column.notNull())
        .addColumn('base_url', 'text')
        .addColumn('address', 'text')
        .addColumn('may_be_private', 'integer', (column) => column.notNull())
        .addColumn('fields', 'text', (column) => column.notNull())
        .addColumn('header_names', 'text', (column) => column.notNull())
        .addColumn('fingerprint', 'text', (column) => column.notNull())
        .addColumn('sealed', 'text')
        .addColumn('needs_secret', 'integer', (column) => column.notNull())
        .addColumn('created_us', 'bigint', (column) => column.notNull())
        .addColumn('updated_us', 'bigint', (column) => column.notNull())
        .addColumn('version', 'integer', (column) => column.notNull())
        .execute()
      await db.schema
        .createIndex('provider_credentials_by_project')
        .on('provider_credentials')
        .columns(['project_id', 'created_us', 'id'])
        .execute()
      await db.schema
        .createTable('api_keys')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('hash', 'text', (column) => column.notNull())
        .addColumn('last_four', 'text', (column) => column.notNull())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('project_id', 'text', (column) => column.references('projects.id'))
        .addColumn('models', 'text')
        .addColumn('expires_us', 'bigint')
        .addColumn('revoked_us', 'bigint')
        .addColumn('created_by', 'text')
        .addColumn('created_us', 'bigint', (column) => column.notNull())
        .execute()
      await db.schema
        .createTable('settings')
        .addColumn('key', 'text', (column) => column.primaryKey())
        .addColumn('value', 'text', (column) => column.notNull())
        .execute()
      await db.schema
        .createTable('installation')
        .addColumn('name', 'text', (column) => column.primaryKey())
        .addColumn('value', 'text', (column) => column.notNull())
        .execute()
    },
  },
} satisfies Record<string, Migration>
