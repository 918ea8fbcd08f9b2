import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { tracesMigrations } from './migrations/traces.ts'
import { endedSpan, inserts, interruptSpan, interruptTrace, prepared, type Row, spanIsThere } from './sqlite/inserts.ts'
import type { FileForm } from './written-file.ts'

/**
 * What is stored of calls, in the order in which it came. A call, its attempts and its line in the list are one entry, and
 * attempts come alone only behind their call's begin: no file ever has a span without its call or a call without its trace.
 */
export type TraceEntry =
  | BeginEntry
  | { readonly kind: 'attempt'; readonly attempt: Row }
  | {
      readonly kind: 'call'
      readonly call: Row
      readonly trace: Row
      readonly attempts: readonly Row[]
      /** Whether it may be there already, as a call that runs. */
      readonly begun: boolean
    }
  /** The end of a call that had begun is not recorded. */
  | { readonly kind: 'forget'; readonly begin: BeginEntry }

export interface BeginEntry {
  readonly kind: 'begin'
  readonly call: Row
  readonly trace: Row
}

export interface TraceStatements {
  readonly blocks: StatementSync
  readonly block: StatementSync
  readonly spans: StatementSync
  readonly endedSpan: StatementSync
  readonly spanIsThere: StatementSync
  readonly traces: StatementSync
  readonly interruptSpan: StatementSync
  readonly interruptTrace: StatementSync
  readonly lastBlock: number
  readonly responses: StatementSync
  readonly response: StatementSync
  readonly removeResponse: StatementSync
  readonly oldestResponses: StatementSync
  readonly responseBytes: StatementSync
}

export const tracesFile = (path: string): FileForm<TraceStatements> => ({
  path,
  // Traces may lose their last moments in a power cut.
  synchronous: 'NORMAL',
  migrations: tracesMigrations,
  aside: 'Traces from before are only in there. Remove it when you do not need them.',
  prepare: (database: DatabaseSync) => ({
    blocks: prepared(database, inserts.blocks),
    block: database.prepare('select data from blocks where id = ?'),
    spans: prepared(database, inserts.spans),
    endedSpan: prepared(database, endedSpan),
    spanIsThere: database.prepare(spanIsThere),
    traces: prepared(database, inserts.traces),
    interruptSpan: database.prepare(interruptSpan),
    interruptTrace: database.prepare(interruptTrace),
    lastBlock: Number(database.prepare('select coalesce(max(id), 0) as id from blocks').get()?.id),
    responses: prepared(database, inserts.responses),
    response: database.prepare('select data from responses where project_id = ? and id = ?'),
    removeResponse: database.prepare('delete from responses where project_id = ? and id = ? returning size'),
    oldestResponses: database.prepare(
      'select project_id, id, created_us, size from responses order by created_us limit ?',
    ),
    responseBytes: database.prepare('select coalesce(sum(size), 0) as bytes from responses'),
  }),
})

const callsAt = inserts.traces.columns.indexOf('calls')

export function writeEntry(statements: TraceStatements, entry: TraceEntry): void {
  const { spans, traces } = statements
  switch (entry.kind) {
    case 'attempt':
      spans.run(...entry.attempt)
      return
    case 'begin':
      if (spans.run(...entry.call).changes > 0) traces.run(...entry.trace)
      return
    case 'call': {
      const isCounted = entry.begun && statements.spanIsThere.get(...spanKey(entry.call)) !== undefined
      for (const attempt of entry.attempts) spans.run(...attempt)
      if (entry.begun) statements.endedSpan.run(...entry.call)
      else spans.run(...entry.call)
      traces.run(...(isCounted ? entry.trace.with(callsAt, 0) : entry.trace))
      return
    }
    case 'forget':
      writeEntry(statements, entry.begin)
      interrupt(statements, spanKey(entry.begin.call))
  }
}

/** Nobody will see how this call ends. */
export function interrupt({ interruptSpan, interruptTrace }: TraceStatements, key: Row): void {
  interruptSpan.run(...key)
  interruptTrace.run(...key.slice(0, 2))
}

/** Project, trace and span, which every row of a span begins with. */
const spanKey = (row: Row): Row => row.slice(0, 3)
