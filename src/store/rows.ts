import { dashed } from '../core/ids.ts'
import type { AttemptDetail, AttemptRecord, CallDetail, CallRecord, SpanRecord } from '../core/span.ts'
import { inputTokens, outputTokens } from '../core/usage.ts'
import type { UnendedCall } from './interrupted.ts'
import type { BodyAddress } from './schema.ts'
import { inserts, type Row } from './sqlite/inserts.ts'

/** Records to rows, in the order of the columns in `sqlite/inserts.ts`. Ids come as hex and are stored as bytes. */

const bytesOf = (hex: string): Buffer => Buffer.from(hex, 'hex')

/** The ids of a span as stored, made once for all rows that it is in. */
export interface RowIds {
  readonly trace: Buffer
  readonly span: Buffer
}

export const rowIds = ({ traceId, spanId }: SpanRecord): RowIds => ({ trace: bytesOf(traceId), span: bytesOf(spanId) })

export function ledgerRow({ span, detail }: AttemptRecord, ids: RowIds): Row {
  const usage = detail.usage ?? {}
  return [
    span.projectId,
    ids.trace,
    ids.span,
    span.runId,
    span.threadId ?? null,
    span.label ?? null,
    detail.provider,
    detail.model,
    detail.modelAnswered ?? null,
    span.status,
    detail.httpStatus ?? null,
    detail.error?.code ?? null,
    span.startedUs,
    span.endedUs - span.startedUs,
    detail.firstContentUs ?? null,
    usage.inputUncached ?? null,
    usage.cacheRead ?? null,
    usage.cacheWrite5m ?? null,
    usage.cacheWrite1h ?? null,
    usage.inputAudio ?? null,
    usage.inputImage ?? null,
    usage.outputText ?? null,
    usage.reasoning ?? null,
    usage.outputAudio ?? null,
    usage.outputImage ?? null,
    detail.usageMissing ?? null,
  ]
}

/** The row for a call of which nobody knows how its attempt ended. It has the call's own id, and how long it ran is not known. */
export function interruptedLedgerRow(call: UnendedCall): Row {
  const detail = JSON.parse(call.detail) as CallDetail
  const known = {
    project_id: call.project_id,
    trace_id: call.trace_id,
    span_id: call.span_id,
    run_id: call.run_id ?? dashed(Buffer.from(call.trace_id).toString('hex')),
    thread_id: call.thread_id,
    label: call.label,
    provider: detail.provider ?? 'unknown',
    model: detail.modelAsked ?? 'unknown',
    status: 'interrupted',
    started_us: call.started_us,
    duration_us: 0,
    usage_missing: 'interrupted',
  }
  return inserts.ledger.columns.map((column) => known[column as keyof typeof known] ?? null)
}

export const attemptRow = (
  { span, detail }: AttemptRecord,
  ids: RowIds,
  detailText: string,
  answer: BodyAddress | undefined,
): Row => [
  ...spanColumns(span, ids, 'attempt', nameOf(detail)),
  detail.modelAnswered ?? detail.model,
  detailText,
  answer ? JSON.stringify({ answer }) : null,
]

export const callRow = (
  { span, detail }: CallRecord,
  ids: RowIds,
  detailText: string,
  request: BodyAddress | undefined,
): Row => [
  ...spanColumns(span, ids, 'call', `${detail.method} ${detail.path}`),
  detail.modelAsked ?? null,
  detailText,
  request ? JSON.stringify({ request }) : null,
]

const spanColumns = (span: SpanRecord, ids: RowIds, kind: string, name: string): Row => [
  span.projectId,
  ids.trace,
  ids.span,
  span.parentId === undefined ? null : bytesOf(span.parentId),
  kind,
  name,
  span.status,
  span.startedUs,
  span.status === 'running' ? null : span.endedUs,
]

/** The provider and its model; a model may already be named after its provider. */
const nameOf = ({ provider, model }: AttemptDetail): string =>
  model.startsWith(`${provider}/`) ? model : `${provider}/${model}`

export const traceRow = ({ span, detail }: CallRecord, { trace }: RowIds): Row => [
  span.projectId,
  trace,
  // A run that nobody named is the trace itself; what can be derived needs no index.
  span.runId === dashed(span.traceId) ? null : span.runId,
  span.threadId ?? null,
  span.label ?? null,
  detail.modelAsked ?? null,
  detail.provider ?? null,
  span.status,
  span.status === 'running' ? null : detail.httpStatus,
  span.startedUs,
  span.endedUs,
  detail.firstContentUs ?? null,
  1,
  span.status === 'error' ? 1 : 0,
  (detail.usage && inputTokens(detail.usage)) ?? null,
  (detail.usage && outputTokens(detail.usage)) ?? null,
]
