import type { AttemptRecord, CallRecord } from '../core/span.ts'
import { inputTokens, outputTokens, type Usage } from '../core/usage.ts'
import type { BodyAddress } from './schema.ts'
import type { Row } from './sqlite/inserts.ts'

/** Records to rows, in the order of the columns in `sqlite/inserts.ts`. */

export function ledgerRow(record: AttemptRecord): Row {
  const { usage = {} } = record
  return [
    record.projectId,
    bytes(record.traceId),
    bytes(record.spanId),
    record.runId,
    record.threadId ?? null,
    record.label ?? null,
    record.provider,
    record.model,
    record.modelAnswered ?? null,
    record.status,
    record.httpStatus ?? null,
    record.error?.code ?? null,
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

/** What of an attempt has no column of its own. */
export type AttemptDetail = Omit<AttemptRecord, keyof SpanColumns | 'unread'>
export type CallDetail = Omit<CallRecord, keyof SpanColumns>

interface SpanColumns {
  traceId: unknown
  projectId: unknown
  spanId: unknown
  parentId: unknown
  startedUs: unknown
  endedUs: unknown
  status: unknown
}

export function attemptRow(record: AttemptRecord, answer: BodyAddress | undefined): Row {
  const { traceId, projectId, spanId, parentId, startedUs, endedUs, status, unread: _, ...rest } = record
  const detail: AttemptDetail = rest
  return [
    projectId,
    bytes(traceId),
    bytes(spanId),
    bytes(parentId),
    'attempt',
    `${record.provider}/${record.model}`,
    status,
    startedUs,
    endedUs,
    record.modelAnswered ?? record.model,
    JSON.stringify(detail),
    answer ? JSON.stringify({ answer }) : null,
  ]
}

export function callRow(record: CallRecord, request: BodyAddress | undefined): Row {
  const { traceId, projectId, spanId, parentId, startedUs, endedUs, status, ...rest } = record
  const detail: CallDetail = rest
  return [
    projectId,
    bytes(traceId),
    bytes(spanId),
    parentId === undefined ? null : bytes(parentId),
    'call',
    `${record.method} ${record.path}`,
    status,
    startedUs,
    endedUs,
    record.modelAsked ?? null,
    JSON.stringify(detail),
    request ? JSON.stringify({ request }) : null,
  ]
}

export const traceRow = (record: CallRecord): Row => [
  record.projectId,
  bytes(record.traceId),
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
  tokens(record.usage, inputTokens),
  tokens(record.usage, outputTokens),
]

const tokens = (usage: Usage | undefined, sum: (usage: Usage) => number | undefined): number | null =>
  (usage && sum(usage)) ?? null

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex')
