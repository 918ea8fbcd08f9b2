import type { Kysely } from 'kysely'
import type { ProjectId, SpanId, TraceId } from '../core/ids.ts'
import type { AttemptDetail, CallDetail, SpanStatus } from '../core/span.ts'
import { bodyIn } from './blocks.ts'
import type { BodyAddress, BodyPart, SpansTable, TracesDb } from './schema.ts'

interface SpanBase {
  readonly spanId: SpanId
  readonly parentId?: SpanId
  readonly name: string
  readonly status: SpanStatus
  readonly startedUs: number
  /** Absent while nobody knows the end. */
  readonly durationUs?: number
}

/** A span as it was recorded: a call with the request, an attempt with the answer. */
export type StoredSpan =
  | (SpanBase & { readonly kind: 'call'; readonly detail: CallDetail; readonly request?: StoredBody })
  | (SpanBase & { readonly kind: 'attempt'; readonly detail: AttemptDetail; readonly answer?: StoredBody })

export interface StoredBody {
  readonly bytes: Buffer
  /** When only the beginning was kept: how long all of it was, and its hash. */
  readonly whole?: BodyAddress['whole']
}

/** All spans of a trace in the order in which they began, with their bodies. */
export async function spansOf(db: Kysely<TracesDb>, project: ProjectId, trace: TraceId): Promise<StoredSpan[]> {
  const rows = await db
    .selectFrom('spans')
    .selectAll()
    .where('project_id', '=', project)
    .where('trace_id', '=', Buffer.from(trace, 'hex'))
    .orderBy('started_us')
    .execute()
  const addresses = rows.map(bodiesOf)
  const ids = addresses
    .flatMap(({ request, answer }) => [...partsOf(request), ...partsOf(answer)])
    .map(({ block }) => block)
  const blocks = await db
    .selectFrom('blocks')
    .select(['id', 'data'])
    .where('project_id', '=', project)
    .where('id', 'in', [...new Set(ids)])
    .execute()
  const dataOf = new Map(blocks.map(({ id, data }) => [id, data]))
  const read = (address: BodyAddress | undefined): StoredBody | undefined => {
    const parts = partsOf(address).map((part) => {
      const data = dataOf.get(part.block)
      return data && bodyIn(data, part)
    })
    // A block that is not there went with a file that was set aside.
    if (!address || !parts.every((bytes) => bytes !== undefined)) return undefined
    return { bytes: Buffer.concat(parts), ...(address.whole && { whole: address.whole }) }
  }
  return rows.map((row, index) => toSpan(row, read(addresses[index]?.request), read(addresses[index]?.answer)))
}

const partsOf = (address: BodyAddress | undefined): readonly BodyPart[] =>
  address ? [address, ...(address.rest ?? [])] : []

const bodiesOf = ({ bodies }: SpansTable): { request?: BodyAddress; answer?: BodyAddress } =>
  bodies === null ? {} : (JSON.parse(bodies) as { request?: BodyAddress; answer?: BodyAddress })

function toSpan(row: SpansTable, request: StoredBody | undefined, answer: StoredBody | undefined): StoredSpan {
  const base: SpanBase = {
    spanId: Buffer.from(row.span_id).toString('hex'),
    ...(row.parent_id && { parentId: Buffer.from(row.parent_id).toString('hex') }),
    name: row.name,
    status: row.status as SpanStatus,
    startedUs: row.started_us,
    ...(row.ended_us !== null && { durationUs: row.ended_us - row.started_us }),
  }
  return row.kind === 'call'
    ? { ...base, kind: 'call', detail: JSON.parse(row.detail) as CallDetail, ...(request && { request }) }
    : { ...base, kind: 'attempt', detail: JSON.parse(row.detail) as AttemptDetail, ...(answer && { answer }) }
}
