import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { LedgerDb } from '../schema.ts'

/** The form of `ledger.db`. A migration that was once released is never edited. */
export const ledgerMigrations = {
  '0001_ledger': {
    async up(db: Kysely<LedgerDb>) {
      await db.schema
        .createTable('ledger')
        .addColumn('id', 'integer', (column) => column.primaryKey())
        .addColumn('project_id', 'text', (column) => column.notNull())
        .addColumn('trace_id', 'blob', (column) => column.notNull())
        .addColumn('span_id', 'blob', (column) => column.notNull())
        .addColumn('run_id', 'text', (column) => column.notNull())
        .addColumn('thread_id', 'text')
        .addColumn('label', 'text')
        .addColumn('provider', 'text', (column) => column.notNull())
        .addColumn('model', 'text', (column) => column.notNull())
        .addColumn('model_answered', 'text')
        .addColumn('status', 'text', (column) => column.notNull())
        .addColumn('http_status', 'integer')
        .addColumn('error_code', 'text')
        .addColumn('started_us', 'integer', (column) => column.notNull())
        .addColumn('duration_us', 'integer', (column) => column.notNull())
        .addColumn('first_content_us', 'integer')
        .addColumn('input_uncached', 'integer')
        .addColumn('cache_read', 'integer')
        .addColumn('cache_write_5m', 'integer')
        .addColumn('cache_write_1h', 'integer')
        .addColumn('input_audio', 'integer')
        .addColumn('input_image', 'integer')
        .addColumn('output_text', 'integer')
        .addColumn('reasoning', 'integer')
        .addColumn('output_audio', 'integer')
        .addColumn('output_image', 'integer')
        .addColumn('usage_missing', 'text')
        .execute()
    },
  },
  // A start that ends half-way is done again by the next one, and a call is counted once all the same.
  '0002_interrupted': {
    async up(db: Kysely<LedgerDb>) {
      await db.schema
        .createIndex('ledger_interrupted')
        .on('ledger')
        .columns(['trace_id', 'span_id'])
        .unique()
        .where(sql.ref('status'), '=', sql.lit('interrupted'))
        .execute()
    },
  },
} satisfies Record<string, Migration>
