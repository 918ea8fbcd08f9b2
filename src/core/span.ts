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

/** What every span has, however it came to be. Times are µs since the epoch. */
export interface SpanRecord extends CallIds {
  readonly spanId: SpanId
  readonly parentId: SpanId | undefined
  readonly startedUs: number
  readonly endedUs: number
  readonly status: SpanStatus
  /** True when the gateway's quick look at the end of the answer was not enough: the writer reads the whole of it. */
  readonly unread?: true | undefined
  /** True of a call whose `begin` was recorded before: it is already counted among its trace's calls. */
  readonly begun?: true | undefined
}

/** The span of a whole call, recorded when the client has its answer, and before as `running` if that takes long. */
export interface CallRecord {
  readonly span: SpanRecord
  readonly detail: CallDetail
}

/** The span of one try at one provider. */
export interface AttemptRecord {
  readonly span: SpanRecord
  readonly detail: AttemptDetail
}

/** What is particular to calls. All durations count from the start of the span, in µs. */
export interface CallDetail {
  readonly method: string
  readonly path: string
  /** What the client got; 499 when it left before the answer began. */
  readonly httpStatus: number
  readonly error?: SpanError | undefined
  readonly dialect: string
  readonly streaming: boolean
  readonly modelAsked?: string | undefined
  readonly provider?: string | undefined
  readonly modelAnswered?: string | undefined
  readonly finishReason?: string | undefined
  /** True when the answer, a stream, ended well as HTTP and never said why it ended. */
  readonly unterminated?: true | undefined
  readonly usage?: Usage | undefined
  /** True when the usage is what we make of the texts, since nobody reported it. */
  readonly usageEstimated?: true | undefined
  /** Until the whole request had arrived, until the first attempt, and until the first content went out. */
  readonly receivedUs?: number | undefined
  readonly queuedUs?: number | undefined
  readonly firstContentUs?: number | undefined
  readonly attempts: number
  readonly requestBytes: number
  readonly answerBytes: number
  /** True when the project does not want what is said in its calls to be recorded. */
  readonly bodiesNotCaptured?: true | undefined
  readonly clientIp?: string | undefined
  readonly userAgent?: string | undefined
  readonly threadTitle?: string | undefined
  readonly tags?: Readonly<Record<string, string>> | undefined
}

/** What is particular to attempts. */
export interface AttemptDetail {
  /** Counted from 1 within its call. */
  readonly number: number
  /** Absent when no answer began. */
  readonly httpStatus?: number | undefined
  readonly error?: SpanError | undefined
  readonly provider: string
  readonly dialect: string
  /** The client's dialect, where it is another. */
  readonly callDialect?: string | undefined
  /** The provider's name for the model, as sent. */
  readonly model: string
  /** With what it was paid: the id of a credential, `client` for the client's own key, `none` where nothing was sent. */
  readonly credential?: string | undefined
  readonly modelAnswered?: string | undefined
  readonly streaming: boolean
  readonly connectUs?: number | undefined
  /** True when the request went out a second time, since the connection had been closed while it was idle. */
  readonly resent?: true | undefined
  readonly headersUs?: number | undefined
  readonly firstContentUs?: number | undefined
  readonly finishReason?: string | undefined
  readonly unterminated?: true | undefined
  readonly usage?: Usage | undefined
  /** The provider's own numbers, beside our buckets. */
  readonly usageReported?: unknown
  /** Why nobody reported usage; what stands in `usage` is then what we make of the texts. Absent when it was reported. */
  readonly usageMissing?: string | undefined
  readonly requestBytes: number
  /** What of the request its target could not take, in the client's words. */
  readonly dropped?: readonly string[] | undefined
  readonly answerBytes: number
  readonly providerRequestId?: string | undefined
}
