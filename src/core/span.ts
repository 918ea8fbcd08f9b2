import type { ProjectId, SpanId, TraceId } from './ids.ts'
import type { Usage } from './usage.ts'

/** How a call or an attempt ended. `running` and `interrupted` are for calls whose end nobody has seen. */
export const spanStatuses = ['ok', 'error', 'cancelled', 'running', 'interrupted'] as const
export type SpanStatus = (typeof spanStatuses)[number]

export interface SpanError {
  readonly code: string
  readonly message: string
}

/** What a call belongs to. All that comes from the client is opaque. */
export interface CallIds {
  readonly traceId: TraceId
  readonly projectId: ProjectId
  readonly runId: string
  readonly threadId?: string | undefined
  readonly label?: string | undefined
}

/**
 * The span of a whole call, as the gateway records it when the client has its answer. A record has what is stored in
 * columns; its detail, which the writer stores as it came, is everything. Times are µs since the epoch.
 */
export interface CallRecord extends CallIds {
  readonly spanId: SpanId
  readonly parentId: SpanId | undefined
  readonly startedUs: number
  readonly endedUs: number
  readonly status: SpanStatus
  /** What the client got; 499 when it left before the answer began. */
  readonly httpStatus: number
  readonly errorCode: string | undefined
  readonly method: string
  readonly path: string
  readonly modelAsked: string | undefined
  /** Of the attempt whose answer the client got. */
  readonly provider: string | undefined
  readonly firstContentUs: number | undefined
  readonly inputTokens: number | undefined
  readonly outputTokens: number | undefined
}

/** All durations count from the start of the span, in µs. */
export interface CallDetail {
  readonly httpStatus: number
  readonly error?: SpanError | undefined
  readonly dialect: string
  readonly streaming: boolean
  readonly modelAsked?: string | undefined
  readonly provider?: string | undefined
  readonly modelAnswered?: string | undefined
  readonly finishReason?: string | undefined
  readonly usage?: Usage | undefined
  /** Until the whole request had arrived, until the first attempt, and until the first content went out. */
  readonly receivedUs?: number | undefined
  readonly queuedUs?: number | undefined
  readonly firstContentUs?: number | undefined
  readonly attempts: number
  readonly requestBytes: number
  readonly answerBytes: number
  readonly clientIp?: string | undefined
  readonly userAgent?: string | undefined
  readonly threadTitle?: string | undefined
  readonly tags?: Readonly<Record<string, string>> | undefined
}

/** The span of one try at one provider. */
export interface AttemptRecord extends CallIds {
  readonly spanId: SpanId
  readonly parentId: SpanId
  /** Counted from 1 within its call. */
  readonly number: number
  readonly startedUs: number
  readonly endedUs: number
  readonly status: SpanStatus
  /** Absent when no answer began. */
  readonly httpStatus: number | undefined
  readonly errorCode: string | undefined
  readonly provider: string
  readonly dialect: string
  /** The provider's name for the model, as sent. */
  readonly model: string
  readonly modelAnswered: string | undefined
  readonly streaming: boolean
  readonly firstContentUs: number | undefined
  readonly usage: Usage | undefined
  /** Why usage is unknown; absent when it is known. */
  readonly usageMissing: string | undefined
  /** True when the gateway's quick look at the end of the answer was not enough: the writer reads the whole of it. */
  readonly unread: true | undefined
}

export interface AttemptDetail {
  readonly number: number
  readonly httpStatus?: number | undefined
  readonly error?: SpanError | undefined
  readonly provider: string
  readonly dialect: string
  readonly model: string
  readonly modelAnswered?: string | undefined
  readonly streaming: boolean
  readonly connectUs?: number | undefined
  readonly headersUs?: number | undefined
  readonly firstContentUs?: number | undefined
  readonly finishReason?: string | undefined
  readonly usage?: Usage | undefined
  /** The provider's own numbers, beside our buckets. */
  readonly usageReported?: unknown
  readonly usageMissing?: string | undefined
  readonly requestBytes: number
  readonly answerBytes: number
  readonly providerRequestId?: string | undefined
}
