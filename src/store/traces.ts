import { type Kysely, sql } from 'kysely'
import { dashed, type ProjectId, type TraceId, toTraceId } from '../core/ids.ts'
import type { SpanStatus } from '../core/span.ts'
import type { TracesDb, TracesTable } from './schema.ts'
import { inTime } from './sqlite/open.ts'

/** A trace as a list shows it. */
export interface TraceSummary {
  readonly traceId: TraceId
  readonly runId: string
  readonly threadId?: string
  readonly label?: string
  readonly model?: string
  readonly provider?: string
  readonly status: SpanStatus
  readonly httpStatus?: number
  readonly startedUs: number
  /** Absent while nobody knows the end, or when nobody will. */
  readonly durationUs?: number
  readonly firstContentUs?: number
  readonly calls: number
  readonly errors: number
  readonly inputTokens?: number
  readonly outputTokens?: number
}

export interface TraceFilter {
  readonly runId?: string
  readonly threadId?: string
  /** The name asked for, or the one that answered. */
  readonly model?: string
  /** How it ended, or the client's HTTP status. */
  readonly status?: SpanStatus | number
  readonly sinceUs?: number
  readonly untilUs?: number
}

export interface Page {
  readonly limit: number
  /** Where the page before ended. */
  readonly after?: string
}

export interface TraceList {
  readonly traces: readonly TraceSummary[]
  /** Hand it back as `after` for the next page; absent on the last one. */
  readonly next?: string
}

/** The traces of a project, newest first, one page at a time. */
export async function listTraces(
  db: Kysely<TracesDb>,
  project: ProjectId,
  filter: TraceFilter,
  { limit, after }: Page,
): Promise<TraceList> {
  const { runId, threadId, model, status, sinceUs, untilUs } = filter
  const cursor = after === undefined ? undefined : parseCursor(after)
  const rows = await db
    .selectFrom('traces')
    .selectAll()
    .where(inTime())
    .where('project_id', '=', project)
    .$if(runId !== undefined, (query) =>
      query.where(({ eb, or, and }) =>
        or([
          eb('run_id', '=', runId as string),
          and([eb('run_id', 'is', null), eb('trace_id', '=', Buffer.from(toTraceId(runId as string), 'hex'))]),
        ]),
      ),
    )
    .$if(threadId !== undefined, (query) => query.where('thread_id', '=', threadId as string))
    .$if(typeof status === 'string', (query) => query.where('status', '=', status as string))
    .$if(typeof status === 'number', (query) => query.where('http_status', '=', status as number))
    .$if(sinceUs !== undefined, (query) => query.where('started_us', '>=', sinceUs as number))
    .$if(untilUs !== undefined, (query) => query.where('started_us', '<', untilUs as number))
    .$if(model !== undefined, (query) =>
      query.where(({ exists, selectFrom }) =>
        exists(
          selectFrom('spans')
            .select('span_id')
            .whereRef('spans.project_id', '=', 'traces.project_id')
            .whereRef('spans.trace_id', '=', 'traces.trace_id')
            .where('spans.model', '=', model as string),
        ),
      ),
    )
    .$if(cursor !== undefined, (query) =>
      query.where(sql<boolean>`(started_us, trace_id) < (${cursor?.startedUs}, ${cursor?.traceId})`),
    )
    .orderBy('started_us', 'desc')
    .orderBy('trace_id', 'desc')
    .limit(limit + 1)
    .execute()
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return { traces: page.map(toSummary), ...(rows.length > limit && last && { next: cursorOf(last) }) }
}

/** The traces whose id begins like this, so that people need not write all of it. At most `limit`. */
export async function findTraces(
  db: Kysely<TracesDb>,
  project: ProjectId,
  prefix: string,
  limit: number,
): Promise<TraceSummary[]> {
  const from = Buffer.from(prefix.padEnd(32, '0'), 'hex')
  const to = Buffer.from(prefix.padEnd(32, 'f'), 'hex')
  const rows = await db
    .selectFrom('traces')
    .selectAll()
    .where('project_id', '=', project)
    .where('trace_id', '>=', from)
    .where('trace_id', '<=', to)
    .limit(limit)
    .execute()
  return rows.map(toSummary)
}

const cursorOf = ({ started_us, trace_id }: TracesTable): string => `${started_us}.${hex(trace_id)}`

function parseCursor(cursor: string): { startedUs: number; traceId: Buffer } | undefined {
  const match = /^(\d+)\.([0-9a-f]{32})$/.exec(cursor)
  return match ? { startedUs: Number(match[1]), traceId: Buffer.from(match[2] as string, 'hex') } : undefined
}

export const isCursor = (text: string): boolean => parseCursor(text) !== undefined

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const hasEnded = ({ status }: TracesTable): boolean => status !== 'running' && status !== 'interrupted'

const toSummary = (row: TracesTable): TraceSummary => ({
  traceId: hex(row.trace_id),
  runId: row.run_id ?? dashed(hex(row.trace_id)),
  ...(row.thread_id !== null && { threadId: row.thread_id }),
  ...(row.label !== null && { label: row.label }),
  ...(row.model !== null && { model: row.model }),
  ...(row.provider !== null && { provider: row.provider }),
  status: row.status as SpanStatus,
  ...(row.http_status !== null && { httpStatus: row.http_status }),
  startedUs: row.started_us,
  ...(hasEnded(row) && { durationUs: row.ended_us - row.started_us }),
  ...(row.first_content_us !== null && { firstContentUs: row.first_content_us }),
  calls: row.calls,
  errors: row.errors,
  ...(row.input_tokens !== null && { inputTokens: row.input_tokens }),
  ...(row.output_tokens !== null && { outputTokens: row.output_tokens }),
})
