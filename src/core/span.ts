import type { ProjectId, SpanId, TraceId } from './ids.ts'
import type { Usage } from './usage.ts'

/** How a call or an attempt ended. `running` and `interrupted` are for calls whose end nobody has seen. */
export type SpanStatus = 'ok' | 'error' | 'cancelled' | 'running' | 'interrupted'

export interface SpanError {
  readonly code: string
  readonly message: string
}

/** What a client says about a call beside its body, the same for its spans and its ledger rows. */
export interface CallIds {
  readonly traceId: TraceId
  readonly projectId: ProjectId
  readonly runId: string
  readonly threadId?: string
  readonly threadTitle?: string
  readonly label?: string
  readonly tags?: Readonly<Record<string, string>>
}

/** The span of a whole call, as the gateway records it when the client has its answer. Times in µs since the epoch. */
export interface CallRecord extends CallIds {
  readonly spanId: SpanId
  readonly parentId?: SpanId
  readonly startedUs: number
  readonly endedUs: number
  readonly status: SpanStatus
  /** What the client got; 499 when it left before the answer began. */
  readonly httpStatus: number
  readonly error?: SpanError
  readonly method: string
  readonly path: string
  readonly dialect: string
  readonly streaming: boolean
  readonly modelAsked?: string
  /** Of the attempt whose answer the client got. */
  readonly provider?: string
  readonly modelAnswered?: string
  readonly finishReason?: string
  readonly usage?: Usage
  /** From the arrival of the request's head to its last body byte, and to the first attempt. */
  readonly receivedUs?: number
  readonly queuedUs?: number
  readonly firstContentUs?: number
  readonly attempts: number
  readonly requestBytes: number
  readonly answerBytes: number
  readonly clientIp?: string
  readonly userAgent?: string
}

/** The span of one try at one provider. The durations count from `startedUs`. */
export interface AttemptRecord extends CallIds {
  readonly spanId: SpanId
  readonly parentId: SpanId
  /** Counted from 1 within its call. */
  readonly number: number
  readonly startedUs: number
  readonly endedUs: number
  readonly status: SpanStatus
  /** Absent when no answer began. */
  readonly httpStatus?: number
  readonly error?: SpanError
  readonly provider: string
  readonly dialect: string
  /** The provider's name for the model, as sent. */
  readonly model: string
  readonly modelAnswered?: string
  readonly streaming: boolean
  readonly connectUs?: number
  readonly headersUs?: number
  readonly firstContentUs?: number
  readonly finishReason?: string
  readonly usage?: Usage
  /** The provider's own numbers, beside our buckets. */
  readonly usageReported?: unknown
  /** Why usage is unknown; absent when it is known. */
  readonly usageMissing?: string
  /** True when the gateway's quick look at the end of the answer was not enough: the writer reads the whole of it. */
  readonly unread?: boolean
  readonly requestBytes: number
  readonly answerBytes: number
  readonly providerRequestId?: string
}
