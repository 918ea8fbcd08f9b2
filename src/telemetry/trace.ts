import type { Clock } from '../core/clock.ts'
import { type GatewayError, toGatewayError } from '../core/error.ts'
import type { SpanId } from '../core/ids.ts'
import { callNumbers, requestSlot } from '../core/records.ts'
import type { AttemptRecord, CallIds, CallRecord, SpanError, SpanStatus } from '../core/span.ts'
import type { Usage } from '../core/usage.ts'
import type { Slabs } from './slabs.ts'

export interface TracerDeps {
  readonly slabs: Slabs
  readonly clock: Clock
  readonly newSpanId: () => SpanId
}

/** What is known of a call when its head has arrived. */
export interface CallStart {
  readonly ids: CallIds
  readonly parentId?: SpanId
  readonly startedUs: number
  readonly method: string
  readonly path: string
  readonly dialect: string
  readonly clientIp?: string
  readonly userAgent?: string
}

export interface AttemptStart {
  readonly provider: string
  readonly dialect: string
  readonly model: string
  readonly requestBytes: number
}

export interface AttemptEnd {
  readonly status: SpanStatus
  readonly error?: GatewayError
  readonly modelAnswered?: string
  readonly finishReason?: string
  readonly usage?: Usage
  readonly usageReported?: unknown
  readonly usageMissing?: string
  readonly unread?: boolean
  readonly answerError?: SpanError
}

/** How much of a message is kept: a provider may send a page. */
const messageLength = 2_000

/** Begins the recording of calls. */
export function tracer(deps: TracerDeps): (start: CallStart) => CallTrace {
  let calls = 0
  return (start) => {
    calls = (calls + 1) % callNumbers
    return new CallTrace(deps, calls, start)
  }
}

/** Records one call as it goes. Nothing here waits, and nothing here can fail the call. */
export class CallTrace {
  readonly ids: CallIds
  readonly spanId: SpanId
  private readonly deps: TracerDeps
  private readonly number: number
  private readonly start: CallStart
  private receivedUs: number | undefined
  private queuedUs: number | undefined
  private requestBytes = 0
  private modelAsked: string | undefined
  private streaming = false
  private attempts = 0
  private last: AttemptTrace | undefined

  constructor(deps: TracerDeps, number: number, start: CallStart) {
    this.deps = deps
    this.number = number
    this.start = start
    this.ids = start.ids
    this.spanId = deps.newSpanId()
  }

  /** The request's body has arrived. */
  received(body: Buffer): void {
    this.receivedUs = this.deps.clock() - this.start.startedUs
    this.requestBytes = body.length
    recordBody(this.deps.slabs, this.number, requestSlot, body)
  }

  asked(model: string, streaming: boolean): void {
    this.modelAsked = model
    this.streaming = streaming
  }

  attempt(start: AttemptStart): AttemptTrace {
    const startedUs = this.deps.clock()
    this.queuedUs ??= startedUs - this.start.startedUs
    this.attempts++
    this.last = new AttemptTrace(this.deps, this.number, this.attempts, this.ids, this.spanId, startedUs, start)
    return this.last
  }

  /** The client has its answer, or will never have it. */
  end(done: { status: number; bytes: number; gone: boolean; error?: GatewayError }): void {
    const { deps, start, last } = this
    if (!deps.slabs.takesSpans()) {
      deps.slabs.lose('spans', 1 + this.attempts)
      deps.slabs.forget(this.number)
      return
    }
    const failure = done.error && toGatewayError(done.error)
    const status: SpanStatus = done.gone || failure?.code === 'cancelled' ? 'cancelled' : failure || done.status >= 400 ? 'error' : 'ok'
    const error = failure ? errorOf(failure) : last?.error
    const firstContentUs = last?.firstContentAt
    const record: CallRecord = {
      ...start.ids,
      spanId: this.spanId,
      ...(start.parentId !== undefined && { parentId: start.parentId }),
      startedUs: start.startedUs,
      endedUs: deps.clock(),
      status,
      httpStatus: done.status,
      ...(error && status !== 'ok' && { error }),
      method: start.method,
      path: start.path,
      dialect: start.dialect,
      streaming: this.streaming,
      ...(this.modelAsked !== undefined && { modelAsked: this.modelAsked }),
      ...(last && last.outcome()),
      ...(this.receivedUs !== undefined && { receivedUs: this.receivedUs }),
      ...(this.queuedUs !== undefined && { queuedUs: this.queuedUs }),
      ...(firstContentUs !== undefined && { firstContentUs: firstContentUs - start.startedUs }),
      attempts: this.attempts,
      requestBytes: this.requestBytes,
      answerBytes: done.bytes,
      ...(start.clientIp !== undefined && { clientIp: start.clientIp }),
      ...(start.userAgent !== undefined && { userAgent: start.userAgent }),
    }
    deps.slabs.metadata('call', this.number, record)
  }
}

/** Records one try at one provider. */
export class AttemptTrace {
  error: SpanError | undefined
  firstContentAt: number | undefined
  private readonly deps: TracerDeps
  private readonly call: number
  private readonly number: number
  private readonly ids: CallIds
  private readonly parentId: SpanId
  private readonly startedUs: number
  private readonly start: AttemptStart
  private connectUs: number | undefined
  private headersUs: number | undefined
  private httpStatus: number | undefined
  private providerRequestId: string | undefined
  private streaming = false
  private answerBytes = 0
  private ended: AttemptEnd | undefined

  constructor(
    deps: TracerDeps,
    call: number,
    number: number,
    ids: CallIds,
    parentId: SpanId,
    startedUs: number,
    start: AttemptStart,
  ) {
    this.deps = deps
    this.call = call
    this.number = number
    this.ids = ids
    this.parentId = parentId
    this.startedUs = startedUs
    this.start = start
  }

  connected(): void {
    this.connectUs ??= this.deps.clock() - this.startedUs
  }

  /** `streaming` is what the answer is, whatever was asked for. */
  head(status: number, streaming: boolean, providerRequestId: string | undefined): void {
    this.headersUs = this.deps.clock() - this.startedUs
    this.httpStatus = status
    this.streaming = streaming
    this.providerRequestId = providerRequestId
  }

  data(chunk: Buffer): void {
    this.answerBytes += chunk.length
    recordBody(this.deps.slabs, this.call, this.number, chunk)
  }

  firstContent(): void {
    this.firstContentAt ??= this.deps.clock()
  }

  end(end: AttemptEnd): void {
    if (this.ended) return
    this.ended = end
    const { deps, start, ids } = this
    this.error = end.error ? errorOf(end.error) : end.answerError
    const record: AttemptRecord = {
      ...ids,
      spanId: deps.newSpanId(),
      parentId: this.parentId,
      number: this.number,
      startedUs: this.startedUs,
      endedUs: deps.clock(),
      status: end.status,
      ...(this.httpStatus !== undefined && { httpStatus: this.httpStatus }),
      ...(this.error && { error: this.error }),
      provider: start.provider,
      dialect: start.dialect,
      model: start.model,
      ...(end.modelAnswered !== undefined && { modelAnswered: end.modelAnswered }),
      streaming: this.streaming,
      ...(this.connectUs !== undefined && { connectUs: this.connectUs }),
      ...(this.headersUs !== undefined && { headersUs: this.headersUs }),
      ...(this.firstContentAt !== undefined && { firstContentUs: this.firstContentAt - this.startedUs }),
      ...(end.finishReason !== undefined && { finishReason: end.finishReason }),
      ...(end.usage && { usage: end.usage, usageReported: end.usageReported }),
      ...(end.usageMissing !== undefined && { usageMissing: end.usageMissing }),
      ...(end.unread && { unread: true }),
      requestBytes: start.requestBytes,
      answerBytes: this.answerBytes,
      ...(this.providerRequestId !== undefined && { providerRequestId: this.providerRequestId }),
    }
    // Spans may be given up when the disk cannot follow; what a call used is always kept.
    deps.slabs.metadata(deps.slabs.takesSpans() ? 'attempt' : 'ledger', this.call, record)
  }

  /** What the call as a whole tells of the attempt whose answer it passed on. */
  outcome(): Pick<CallRecord, 'provider' | 'modelAnswered' | 'finishReason' | 'usage'> {
    const { modelAnswered, finishReason, usage } = this.ended ?? {}
    return {
      provider: this.start.provider,
      ...(modelAnswered !== undefined && { modelAnswered }),
      ...(finishReason !== undefined && { finishReason }),
      ...(usage && { usage }),
    }
  }
}

function recordBody(slabs: Slabs, call: number, slot: number, bytes: Buffer): void {
  if (slabs.takesBodies()) slabs.body(call, slot, bytes)
  else slabs.lose('bodyBytes', bytes.length)
}

const errorOf = ({ code, message }: GatewayError): SpanError => ({ code, message: message.slice(0, messageLength) })
