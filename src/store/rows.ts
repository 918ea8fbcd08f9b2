import type { AttemptRecord, CallRecord } from '../core/span.ts'
import type { BodyAddress } from './schema.ts'
import type { Row } from './sqlite/inserts.ts'

/** Records to rows, in the order of the columns in `sqlite/inserts.ts`. Ids come as hex and are stored as bytes. */

export const bytesOf = (hex: string): Buffer => Buffer.from(hex, 'hex')

export interface AttemptIds {
  readonly trace: Buffer
  readonly span: Buffer
}

export function ledgerRow(record: AttemptRecord, { trace, span }: AttemptIds): Row {
  const usage = record.usage ?? {}
  return [
    record.projectId,
    trace,
    span,
    record.runId,
    record.threadId ?? null,
    record.label ?? null,
    record.provider,
    record.model,
    record.modelAnswered ?? null,
    record.status,
    record.httpStatus ?? null,
    record.errorCode ?? null,
    record.startedUs,
    record.endedUs - record.startedUs,
    record.firstContentUs ?? null,
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
    record.usageMissing ?? null,
  ]
}

export const attemptRow = (
  record: AttemptRecord,
  { trace, span }: AttemptIds,
  detail: string,
  answer: BodyAddress | undefined,
): Row => [
  record.projectId,
  trace,
  span,
  bytesOf(record.parentId),
  'attempt',
  nameOf(record),
  record.status,
  record.startedUs,
  record.endedUs,
  record.modelAnswered ?? record.model,
  detail,
  answer ? JSON.stringify({ answer }) : null,
]

/** The provider and its model; a model may already be named after its provider. */
const nameOf = ({ provider, model }: AttemptRecord): string =>
  model.startsWith(`${provider}/`) ? model : `${provider}/${model}`

export const callRow = (record: CallRecord, trace: Buffer, detail: string, request: BodyAddress | undefined): Row => [
  record.projectId,
  trace,
  bytesOf(record.spanId),
  record.parentId === undefined ? null : bytesOf(record.parentId),
  'call',
  `${record.method} ${record.path}`,
  record.status,
  record.startedUs,
  record.endedUs,
  record.modelAsked ?? null,
  detail,
  request ? JSON.stringify({ request }) : null,
]

export const traceRow = (record: CallRecord, trace: Buffer): Row => [
  record.projectId,
  trace,
  record.runId,
  record.threadId ?? null,
  record.label ?? null,
  record.modelAsked ?? null,
  record.provider ?? null,
  record.status,
  record.httpStatus,
  record.startedUs,
  record.endedUs,
  record.firstContentUs ?? null,
  1,
  record.status === 'error' ? 1 : 0,
  record.inputTokens ?? null,
  record.outputTokens ?? null,
]
