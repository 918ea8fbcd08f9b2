/**
 * The writer's inserts as prepared statements: thousands a second, where the query builder would cost several times as
 * much as the row itself. The values stand in the order of the columns.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'

export type Row = readonly SQLInputValue[]

export interface Insert {
  readonly table: string
  readonly columns: readonly string[]
  /** What becomes of a row that is there already. */
  readonly conflict?: string
}

/** Whether a call of the trace has begun and not ended. The index has those alone, however many spans there are. */
const oneRuns = `exists (select 1 from spans indexed by spans_running where spans.status = 'running'
  and spans.project_id = traces.project_id and spans.trace_id = traces.trace_id)`

export const inserts = {
  ledger: {
    table: 'ledger',
    columns: [
      'project_id',
      'trace_id',
      'span_id',
      'run_id',
      'thread_id',
      'label',
      'provider',
      'model',
      'model_answered',
      'status',
      'http_status',
      'error_code',
      'started_us',
      'duration_us',
      'first_content_us',
      'input_uncached',
      'cache_read',
      'cache_write_5m',
      'cache_write_1h',
      'input_audio',
      'input_image',
      'output_text',
      'reasoning',
      'output_audio',
      'output_image',
      'usage_missing',
    ],
  },
  spans: {
    table: 'spans',
    columns: [
      'project_id',
      'trace_id',
      'span_id',
      'parent_id',
      'kind',
      'name',
      'status',
      'started_us',
      'ended_us',
      'model',
      'detail',
      'bodies',
    ],
    conflict: 'on conflict do nothing',
  },
  traces: {
    table: 'traces',
    columns: [
      'project_id',
      'trace_id',
      'run_id',
      'thread_id',
      'label',
      'model',
      'provider',
      'status',
      'http_status',
      'started_us',
      'ended_us',
      'first_content_us',
      'calls',
      'errors',
      'input_tokens',
      'output_tokens',
    ],
    // A trace with several calls: the first names it, the last says how it stands, and the rest adds up. While one runs
    // it runs, and the spans are written before it.
    conflict: `on conflict (project_id, trace_id) do update set
      run_id = coalesce(run_id, excluded.run_id),
      thread_id = coalesce(thread_id, excluded.thread_id),
      label = coalesce(label, excluded.label),
      model = coalesce(model, excluded.model),
      provider = coalesce(provider, excluded.provider),
      status = case when ${oneRuns} then 'running'
        when excluded.ended_us >= ended_us or status = 'running' then excluded.status else status end,
      http_status = case when excluded.ended_us >= ended_us or status = 'running' then excluded.http_status
        else http_status end,
      first_content_us = case when excluded.started_us <= started_us
        then coalesce(excluded.first_content_us, first_content_us) else first_content_us end,
      started_us = min(started_us, excluded.started_us),
      ended_us = max(ended_us, excluded.ended_us),
      calls = calls + excluded.calls,
      errors = errors + excluded.errors,
      input_tokens = case when input_tokens is null then excluded.input_tokens
        else input_tokens + coalesce(excluded.input_tokens, 0) end,
      output_tokens = case when output_tokens is null then excluded.output_tokens
        else output_tokens + coalesce(excluded.output_tokens, 0) end`,
  },
  blocks: {
    table: 'blocks',
    columns: ['id', 'project_id', 'size', 'data'],
    conflict: 'on conflict (id) do update set size = excluded.size, data = excluded.data',
  },
  responses: {
    table: 'responses',
    columns: ['project_id', 'id', 'created_us', 'size', 'data'],
    conflict: 'on conflict (project_id, id) do update set size = excluded.size, data = excluded.data',
  },
} satisfies Record<string, Insert>

/** A call that was stored when it began, as it ended. */
export const endedSpan: Insert = {
  ...inserts.spans,
  conflict: `on conflict (project_id, trace_id, span_id) do update set status = excluded.status,
    ended_us = excluded.ended_us, model = excluded.model, detail = excluded.detail,
    bodies = coalesce(bodies, excluded.bodies)`,
}

/** The one row for a call whose attempt nobody saw end: there is never a second one. */
export const interruptedInLedger: Insert = {
  ...inserts.ledger,
  conflict: `on conflict (trace_id, span_id) where status = 'interrupted' do nothing`,
}

export const spanIsThere = 'select 1 from spans where project_id = ? and trace_id = ? and span_id = ?'

export const interruptSpan = `update spans set status = 'interrupted'
  where project_id = ? and trace_id = ? and span_id = ? and status = 'running'`

export const interruptTrace = `update traces set status = 'interrupted'
  where project_id = ? and trace_id = ? and status = 'running' and not ${oneRuns}`

export const prepared = (database: DatabaseSync, { table, columns, conflict = '' }: Insert): StatementSync =>
  database.prepare(
    `insert into ${table} (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')}) ${conflict}`,
  )

/** Runs some work as one transaction: all of it is stored, or none. */
export function inTransaction(database: DatabaseSync, work: () => void): void {
  database.exec('begin immediate')
  try {
    work()
    database.exec('commit')
  } catch (thrown) {
    // A full disk rolls back by itself.
    if (database.isTransaction) database.exec('rollback')
    throw thrown
  }
}
