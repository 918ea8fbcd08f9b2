import type { DatabaseSync } from 'node:sqlite'
import type { CallDetail } from '../core/span.ts'
import type { LedgerStatements } from './ledger-rows.ts'
import { interruptedLedgerRow } from './rows.ts'
import type { TracesTable } from './schema.ts'
import { inserts, inTransaction } from './sqlite/inserts.ts'
import { interrupt, type TraceStatements } from './trace-entries.ts'
import type { WrittenFile } from './written-file.ts'

/** A call that was running when its process ended, as it was last known. */
export interface UnendedCall extends Pick<TracesTable, 'project_id' | 'trace_id' | 'run_id' | 'thread_id' | 'label'> {
  readonly span_id: Uint8Array
  readonly started_us: number
  readonly detail: string
  /** How many of its attempts are stored with it. */
  readonly attempts: number
}

/**
 * Marks calls that an earlier process left running, those that began before this one, and says how many there are. Each gets
 * a row of the ledger unless its attempt has one. The ledger is first, and never takes the row of a call twice: whenever this
 * breaks off, the next start does what is left.
 */
export async function markInterrupted(
  traces: WrittenFile<TraceStatements>,
  ledger: WrittenFile<LedgerStatements>,
  startedUs: number,
): Promise<number> {
  const calls = await traces.begin((_, database) => unendedCalls(database, startedUs))
  if (calls.length === 0) return 0
  const lacking = calls.filter(lacksAttempt)
  const attempts = await ledger.begin((statements) => attemptsOf(statements, lacking))
  const lone = await traces.begin(({ spanIsThere }) =>
    attempts.filter(({ project_id, trace_id, span_id }) => !spanIsThere.get(project_id, trace_id, span_id)),
  )
  await ledger.begin(({ interrupted }, database) =>
    inTransaction(database, () => {
      for (const call of lacking) if (!takeAttempt(lone, call)) interrupted.run(...interruptedLedgerRow(call))
    }),
  )
  await traces.begin((statements, database) =>
    inTransaction(database, () => {
      for (const { project_id, trace_id, span_id } of calls) interrupt(statements, [project_id, trace_id, span_id])
    }),
  )
  return calls.length
}

/**
 * For who reads a folder that no server has: what is stored as running is seen as interrupted, which the next start makes
 * of it. Views of this connection alone stand before the tables.
 */
export function seeInterrupted(database: DatabaseSync): void {
  for (const { table, columns } of [inserts.traces, inserts.spans]) {
    const seen = columns.map((column) =>
      column === 'status' ? `iif(status = 'running', 'interrupted', status) as status` : column,
    )
    database.exec(`create temp view ${table} as select ${seen.join(', ')} from main.${table}`)
  }
}

const unendedCalls = (database: DatabaseSync, startedUs: number): UnendedCall[] =>
  database
    .prepare(
      `select call.project_id, call.trace_id, call.span_id, call.started_us, call.detail,
        traces.run_id, traces.thread_id, traces.label,
        (select count(*) from spans as attempt where attempt.project_id = call.project_id
          and attempt.trace_id = call.trace_id and attempt.parent_id = call.span_id) as attempts
      from spans as call indexed by spans_running
      join traces on traces.project_id = call.project_id and traces.trace_id = call.trace_id
      where call.status = 'running' and call.started_us < ?`,
    )
    .all(startedUs) as unknown as UnendedCall[]

/** Whether it had an attempt that is not stored with it, as far as its beginning tells. */
const lacksAttempt = ({ detail, attempts }: UnendedCall): boolean =>
  attempts < Math.max(1, (JSON.parse(detail) as CallDetail).attempts)

interface LedgerAttempt {
  readonly project_id: string
  readonly trace_id: Uint8Array
  readonly span_id: Uint8Array
  readonly started_us: number
  readonly ended_us: number
}

/** Clocks may be set. */
const slackUs = 60_000_000

/** The ledger's rows of the traces of these calls. It has no index for them, but they came after the calls began. */
function attemptsOf({ newestFirst }: LedgerStatements, calls: readonly UnendedCall[]): LedgerAttempt[] {
  const sinceUs = Math.min(...calls.map(({ started_us }) => started_us)) - slackUs
  const traces = new Set(calls.map(({ trace_id }) => hex(trace_id)))
  const found: LedgerAttempt[] = []
  for (const row of newestFirst.iterate() as Iterable<unknown> as Iterable<LedgerAttempt>) {
    if (row.ended_us < sinceUs) break
    if (traces.has(hex(row.trace_id))) found.push(row)
  }
  return found
}

/** Finds the call's attempt among those that are in the ledger and not in the traces, and takes it out. */
function takeAttempt(lone: LedgerAttempt[], call: UnendedCall): boolean {
  const at = lone.findIndex(
    ({ trace_id, started_us }) => started_us >= call.started_us && hex(trace_id) === hex(call.trace_id),
  )
  if (at >= 0) lone.splice(at, 1)
  return at >= 0
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
