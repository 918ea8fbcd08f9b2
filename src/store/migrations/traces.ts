import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { TracesDb } from '../schema.ts'

/**
 * The form of `traces.db`. A migration that was once released is never edited.
 * Rows lie in the order of their key, so that the spans of a trace are one read, and, as our trace ids rise with time,
 * a write is an append.
 */
export const tracesMigrations = {
  '0001_traces': {
    async up(db: Kysely<TracesDb>) {
      await db.schema
        .createTable('traces')
        .addColumn('project_id', 'text', (column) => column.notNull())
        .addColumn('trace_id', 'blob', (column) => column.notNull())
        .addColumn('run_id', 'text')
        .addColumn('thread_id', 'text')
        .addColumn('label', 'text')
        .addColumn('model', 'text')
        .addColumn('provider', 'text')
        .addColumn('status', 'text', (column) => column.notNull())
        .addColumn('http_status', 'integer')
        .addColumn('started_us', 'integer', (column) => column.notNull())
        .addColumn('ended_us', 'integer', (column) => column.notNull())
        .addColumn('first_content_us', 'integer')
        .addColumn('calls', 'integer', (column) => column.notNull())
        .addColumn('errors', 'integer', (column) => column.notNull())
        .addColumn('input_tokens', 'integer')
        .addColumn('output_tokens', 'integer')
        .addPrimaryKeyConstraint('traces_key', ['project_id', 'trace_id'])
        .modifyEnd(sql`without rowid`)
        .execute()
      await db.schema.createIndex('traces_by_start').on('traces').columns(['project_id', 'started_us']).execute()
      await db.schema
        .createIndex('traces_by_run')
        .on('traces')
        .columns(['project_id', 'run_id'])
        .where('run_id', 'is not', null)
        .execute()
      await db.schema
        .createIndex('traces_by_thread')
        .on('traces')
        .columns(['project_id', 'thread_id'])
        .where('thread_id', 'is not', null)
        .execute()
      await db.schema
        .createTable('spans')
        .addColumn('project_id', 'text', (column) => column.notNull())
        .addColumn('trace_id', 'blob', (column) => column.notNull())
        .addColumn('span_id', 'blob', (column) => column.notNull())
        .addColumn('parent_id', 'blob')
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('status', 'text', (column) => column.notNull())
        .addColumn('started_us', 'integer', (column) => column.notNull())
        .addColumn('ended_us', 'integer')
        .addColumn('model', 'text')
        .addColumn('detail', 'text', (column) => column.notNull())
        .addColumn('bodies', 'text')
        .addPrimaryKeyConstraint('spans_key', ['project_id', 'trace_id', 'span_id'])
        .modifyEnd(sql`without rowid`)
        .execute()
      await db.schema
        .createTable('blocks')
        .addColumn('id', 'integer', (column) => column.primaryKey())
        .addColumn('project_id', 'text', (column) => column.notNull())
        .addColumn('size', 'integer', (column) => column.notNull())
        .addColumn('data', 'blob', (column) => column.notNull())
        .execute()
    },
  },
  // Calls that run are few and looked for by themselves; the others cost nothing here.
  '0002_running': {
    async up(db: Kysely<TracesDb>) {
      await db.schema
        .createIndex('spans_running')
        .on('spans')
        .columns(['project_id', 'trace_id'])
        .where(sql.ref('status'), '=', sql.lit('running'))
        .execute()
    },
  },
  '0003_responses': {
    async up(db: Kysely<TracesDb>) {
      await db.schema
        .createTable('responses')
        .addColumn('project_id', 'text', (column) => column.notNull())
        .addColumn('id', 'text', (column) => column.notNull())
        .addColumn('created_us', 'integer', (column) => column.notNull())
        .addColumn('size', 'integer', (column) => column.notNull())
        .addColumn('data', 'blob', (column) => column.notNull())
        .addPrimaryKeyConstraint('responses_key', ['project_id', 'id'])
        .execute()
      await db.schema.createIndex('responses_by_age').on('responses').columns(['created_us', 'size']).execute()
    },
  },
} satisfies Record<string, Migration>
