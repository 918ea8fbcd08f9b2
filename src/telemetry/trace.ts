import type { Clock } from '../core/clock.ts'
import type { GatewayError } from '../core/error.ts'
import type { SpanId } from '../core/ids.ts'
import { callNumbers, requestSlot } from '../core/records.ts'
import type { OnRounds, Rounds } from '../core/rounds.ts'
import type { AttemptDetail, CallDetail, CallIds, SpanError, SpanRecord, SpanStatus } from '../core/span.ts'
import type { Usage } from '../core/usage.ts'
import { Capture } from './capture.ts'
import type { Slabs } from './slabs.ts'

export interface TracerDeps {
  readonly slabs: Slabs
  readonly clock: Clock
  readonly newSpanId: () => SpanId
  readonly rounds: Rounds
}

/** What is known of a call when its head has arrived. */
export interface CallStart {
  readonly ids: CallIds
  readonly parentId?: SpanId | undefined
  readonly startedUs: number
  readonly method: string
  readonly path: string
  readonly dialect: string
  readonly threadTitle?: string | undefined
  readonly tags?: Readonly<Record<string, string>> | undefined
  readonly clientIp?: string | undefined
  readonly userAgent?: string | undefined
  /** True when its bodies are only counted. */
  readonly withoutBodies?: boolean | undefined
}

export interface AttemptStart {
  readonly provider: string
  readonly dialect: string
  readonly model: string
  /** The id of the credential with which it is paid. */
  readonly credential?: string | undefined
  readonly requestBytes: number
  /** What of the request its target could not take. */
  readonly dropped?: readonly string[] | undefined
}

/** What an answer turned out to be; what nobody knows is undefined. */
export interface AttemptEnd {
  readonly status: SpanStatus
  readonly error?: SpanError | undefined
  readonly modelAnswered?: string | undefined
  readonly finishReason?: string | undefined
  readonly unterminated?: true | undefined
  /** True when the client has left with the mark that ends a stream. */
  readonly hasAll?: boolean | undefined
  readonly usage?: Usage | undefined
  readonly usageReported?: unknown
  readonly usageMissing?: string | undefined
  readonly unread?: boolean | undefined
}

/** Begins the recording of calls. */
export function tracer(deps: TracerDeps): (start: CallStart) => CallTrace {
  let calls = 0
  return (start) => {
    calls = (calls + 1) % callNumbers
    return new CallTrace(deps, calls, start)
  }
}

/** How long a call has to run before its beginning is recorded by itself: it is stored when the call is a second old. */
const longMs = 900

const unsaid = 'What the provider said of it is not recorded.'

/** How a call ended for its client. */
interface CallEnd {
  readonly status: number
  readonly bytes: number
  readonly gone: boolean
  readonly error?: GatewayError
}

/** Records one call as it goes. Nothing here waits, and nothing here can fail the call. */
export class CallTrace implements OnRounds {
  place = -1
  readonly ids: CallIds
  readonly spanId: SpanId
  readonly number: number
  readonly deps: TracerDeps
  private readonly start: CallStart
  private readonly startedMs = performance.now()
  private receivedUs: number | undefined
  private queuedUs: number | undefined
  private requestBytes = 0
  private modelAsked: string | undefined
  private provider: string | undefined
  private streaming = false
  private attempts = 0
  private last: AttemptTrace | undefined
  private begun: true | undefined
  /** What its client had, and whether the last attempt was still running then. */
  private ended: { readonly done: CallEnd; readonly endedUs: number; readonly isEarly: boolean } | undefined

  constructor(deps: TracerDeps, number: number, start: CallStart) {
    this.deps = deps
    this.number = number
    this.start = start
    this.ids = start.ids
    this.spanId = deps.newSpanId()
    deps.rounds.add(this)
  }

  /** The client's. */
  get dialect(): string {
    return this.start.dialect
  }

  get capturesBodies(): boolean {
    return this.start.withoutBodies !== true
  }

  /** The request's body has arrived. */
  received(body: Buffer): void {
    this.receivedUs = this.deps.clock() - this.start.startedUs
    this.requestBytes = body.length
    const capture = new Capture(this.deps.slabs, this.number, requestSlot, this.capturesBodies)
    capture.add(body)
    capture.release()
  }

  /** The model's name is known, and who would answer to it. */
  asked(model: string, provider: string | undefined): void {
    this.modelAsked = model
    this.provider = provider
  }

  streams(streaming: boolean): void {
    this.streaming = streaming
  }

  attempt(start: AttemptStart): AttemptTrace {
    const startedUs = this.deps.clock()
    this.queuedUs ??= startedUs - this.start.startedUs
    this.attempts++
    this.last = new AttemptTrace(this, this.attempts, startedUs, start)
    return this.last
  }

  look(nowMs: number): void {
    if (nowMs - this.startedMs < longMs) return
    const { deps, start } = this
    if (!deps.slabs.takesSpans()) return
    deps.rounds.remove(this)
    this.begun = true
    const span = this.span('running', start.startedUs)
    deps.slabs.metadata('begin', this.number, span, this.detail({ status: 0, bytes: 0, gone: false }, undefined))
  }

  /** The client has its answer, or will never have it. An answer may be read on without it. */
  end(done: CallEnd): void {
    const { last } = this
    const isEarly = last !== undefined && !last.isOver
    this.ended = { done, endedUs: this.deps.clock(), isEarly }
    if (!isEarly) this.finish()
  }

  /** An attempt has ended: what waited for it can be told. */
  attemptEnded(): void {
    if (this.ended) this.finish()
  }

  private finish(): void {
    const { deps, last } = this
    const { slabs } = deps
    const { done, endedUs, isEarly } = this.ended as NonNullable<typeof this.ended>
    deps.rounds.remove(this)
    if (!slabs.takesSpans()) {
      slabs.lose('spans', 1)
      slabs.forget(this.number)
      return
    }
    // What comes of an attempt when its client has left is no longer what became of the call.
    const outcome = isEarly ? undefined : last?.outcome
    const failed = outcome?.status === 'error'
    // A client may hang up at the mark that ends a stream, and has all of it.
    const left = done.gone && !last?.outcome.hasAll
    const cancelled = !failed && (left || done.error?.code === 'cancelled')
    const status = cancelled ? 'cancelled' : done.error || done.status >= 400 || failed ? 'error' : 'ok'
    // An attempt that was cancelled says only that; the call knows why.
    const ofCall = done.error && this.recorded(errorOf(done.error), last?.wasAnswered === true)
    const error = status === 'ok' ? undefined : failed ? outcome.error : (ofCall ?? outcome?.error)
    slabs.metadata('call', this.number, this.span(status, endedUs), this.detail(done, error))
  }

  /** What a provider says of an error is a part of its answer, and may have the request's own words in it. */
  recorded(error: SpanError, isProviders: boolean): SpanError {
    return this.capturesBodies || !isProviders ? error : { code: error.code, message: unsaid }
  }

  private span(status: SpanStatus, endedUs: number): SpanRecord {
    const { start, spanId, begun } = this
    return { ...start.ids, spanId, parentId: start.parentId, startedUs: start.startedUs, endedUs, status, begun }
  }

  private detail(done: CallEnd, error: SpanError | undefined): CallDetail {
    const { start, last } = this
    return {
      method: start.method,
      path: start.path,
      httpStatus: done.status,
      error,
      dialect: start.dialect,
      streaming: this.streaming,
      modelAsked: this.modelAsked,
      provider: last?.start.provider ?? this.provider,
      modelAnswered: last?.outcome.modelAnswered,
      finishReason: last?.outcome.finishReason,
      unterminated: last?.outcome.unterminated,
      usage: last?.outcome.usage,
      receivedUs: this.receivedUs,
      queuedUs: this.queuedUs,
      firstContentUs: last?.firstContentAt === undefined ? undefined : last.firstContentAt - start.startedUs,
      attempts: this.attempts,
      requestBytes: this.requestBytes,
      answerBytes: done.bytes,
      bodiesNotCaptured: this.capturesBodies ? undefined : true,
      clientIp: start.clientIp,
      userAgent: start.userAgent,
      threadTitle: start.threadTitle,
      tags: start.tags,
    }
  }
}

const nothing: AttemptEnd = { status: 'running' }

/** Records one try at one provider. */
export class AttemptTrace {
  readonly start: AttemptStart
  firstContentAt: number | undefined
  outcome: AttemptEnd = nothing
  private readonly call: CallTrace
  private readonly number: number
  private readonly startedUs: number
  private connectUs: number | undefined
  private resent: true | undefined
  private headersUs: number | undefined
  private httpStatus: number | undefined
  private providerRequestId: string | undefined
  private streaming = false
  private readonly body: Capture

  constructor(call: CallTrace, number: number, startedUs: number, start: AttemptStart) {
    this.call = call
    this.number = number
    this.startedUs = startedUs
    this.start = start
    this.body = new Capture(call.deps.slabs, call.number, number, call.capturesBodies)
  }

  get isOver(): boolean {
    return this.outcome !== nothing
  }

  /** Whether the provider has answered, in whatever way. */
  get wasAnswered(): boolean {
    return this.httpStatus !== undefined
  }

  connected(): void {
    if (this.connectUs === undefined) this.connectUs = this.sinceStart()
    else this.resent = true
  }

  /** `streaming` is what the answer is, whatever was asked for. */
  head(status: number, streaming: boolean, providerRequestId: string | undefined): void {
    this.headersUs = this.sinceStart()
    this.httpStatus = status
    this.streaming = streaming
    this.providerRequestId = providerRequestId
  }

  data(chunk: Buffer): void {
    this.body.add(chunk)
  }

  firstContent(): void {
    this.firstContentAt ??= this.call.deps.clock()
  }

  end(end: AttemptEnd): void {
    if (this.outcome !== nothing) return
    const { start, call, number, httpStatus, streaming, startedUs } = this
    const error = end.error && call.recorded(end.error, this.wasAnswered)
    this.outcome = error === end.error ? end : { ...end, error }
    this.body.release()
    const { slabs, clock, newSpanId } = call.deps
    const { status, modelAnswered, finishReason, unterminated, usage, usageReported, usageMissing } = end
    const { provider, dialect, model, credential, requestBytes, dropped } = start
    const span: SpanRecord = {
      ...call.ids,
      spanId: newSpanId(),
      parentId: call.spanId,
      startedUs,
      endedUs: clock(),
      status,
      unread: end.unread ? true : undefined,
    }
    const detail: AttemptDetail = {
      number,
      httpStatus,
      error,
      provider,
      dialect,
      callDialect: call.dialect === dialect ? undefined : call.dialect,
      model,
      credential,
      modelAnswered,
      streaming,
      connectUs: this.connectUs,
      resent: this.resent,
      headersUs: this.headersUs,
      firstContentUs: this.firstContentAt === undefined ? undefined : this.firstContentAt - startedUs,
      finishReason,
      unterminated,
      usage,
      usageReported,
      usageMissing,
      requestBytes,
      dropped,
      answerBytes: this.body.bytes,
      providerRequestId: this.providerRequestId,
    }
    // Spans may be given up when the disk cannot follow; what a call used is always kept.
    const takesSpan = slabs.takesSpans()
    if (!takesSpan) slabs.lose('spans', 1)
    slabs.metadata(takesSpan ? 'attempt' : 'ledger', call.number, span, detail)
    call.attemptEnded()
  }

  private sinceStart(): number {
    return this.call.deps.clock() - this.startedUs
  }
}

/** How much of an error is kept: a provider may send a page. */
const codeLength = 100
const messageLength = 2_000

export const errorOf = ({ code, message }: SpanError): SpanError => ({
  code: code.slice(0, codeLength),
  message: message.slice(0, messageLength),
})
