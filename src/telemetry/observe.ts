import type { AnswerFacts, AnswerWatch } from '../core/answer.ts'
import type { GatewayError } from '../core/error.ts'
import type { Sink, Source } from '../core/source.ts'
import type { SpanError } from '../core/span.ts'
import { type AttemptTrace, errorOf } from './trace.ts'

/** Who is told how an answer goes, besides the records. */
export interface Pulse {
  /** True when the client has left before it had all of it, and the answer is only read on for what it used. */
  readonly isLeft: boolean
  /** True when the client has left with the mark that ends a stream. */
  readonly hasAll: boolean
  heard(): void
  content(): void
  /** Whether the client keeps the answer waiting. */
  paused(isPaused: boolean): void
  over(): void
}

/** Why nobody knows what an answer used, by how it ended. */
const missing = { ok: 'not reported', error: 'failed', cancelled: 'cancelled' } as const

const unreadable: AnswerFacts = { unread: true }

export interface ObserveOptions {
  readonly streaming: boolean
  readonly trace: AttemptTrace
  readonly watch: AnswerWatch
  readonly pulse: Pulse
}

/** The same answer, recorded on its way: its bytes copied, its times taken, and at its end asked what it used. */
export const observe = (source: Source, options: ObserveOptions): Source => new Observed(source, options)

class Observed implements Source, Sink {
  private readonly source: Source
  private readonly options: ObserveOptions
  private sink: Sink | undefined
  private sawContent = false
  private lostSight = false

  constructor(source: Source, options: ObserveOptions) {
    this.source = source
    this.options = options
  }

  to(sink: Sink): void {
    this.sink = sink
    this.source.to(this)
  }

  write(chunk: Buffer): boolean {
    const { trace, watch, pulse } = this.options
    trace.data(chunk)
    pulse.heard()
    if (!this.lostSight) {
      // What a provider writes can be anything; what we make of it must not cost the client its answer.
      try {
        watch.next(chunk)
      } catch {
        this.lostSight = true
      }
    }
    if (!this.sawContent && watch.hasContent) {
      this.sawContent = true
      trace.firstContent()
      pulse.content()
    }
    const takes = (this.sink as Sink).write(chunk)
    if (!takes) pulse.paused(true)
    return takes
  }

  end(): void {
    const { streaming, watch } = this.options
    this.finish(this.facts(true), undefined)
    // It may have been let go before anybody knew that nothing would come of it.
    if (streaming && watch.refusal) this.sink?.fail(watch.refusal)
    else this.sink?.end()
  }

  fail(error: GatewayError): void {
    const facts = this.facts(false)
    // Clients hang up when they have read the end mark, and some providers take their time after it.
    const isComplete = this.options.watch.isDone && !facts.error && facts.finishReason !== undefined
    this.finish(facts, isComplete ? undefined : error)
    if (isComplete) this.sink?.end()
    else this.sink?.fail(error)
  }

  resume(): void {
    this.options.pulse.paused(false)
    this.source.resume()
  }

  cancel(): void {
    this.source.cancel()
  }

  private finish(facts: AnswerFacts, failure: GatewayError | undefined): void {
    const { streaming, trace, watch, pulse } = this.options
    const { model, finishReason, usage, usageReported, unread } = facts
    const error = errorIn(facts, watch.refusal, failure)
    // A provider may use the word for an error of its own.
    const isCancelled = error ? error === failure && failure.code === 'cancelled' : pulse.isLeft
    const status = isCancelled ? 'cancelled' : error ? 'error' : 'ok'
    trace.end({
      status,
      error: error && errorOf(error),
      modelAnswered: model,
      finishReason,
      unterminated: streaming && !error && !finishReason && !unread ? true : undefined,
      hasAll: pulse.hasAll,
      usage,
      usageReported,
      usageMissing: usage ? undefined : missing[status],
      unread,
    })
    pulse.over()
  }

  private facts(isWhole: boolean): AnswerFacts {
    if (this.lostSight) return unreadable
    try {
      return this.options.watch.end(isWhole)
    } catch {
      return unreadable
    }
  }
}

/** What went wrong, by whoever knows most: the provider's own words, then how the answer ended, then what it looks like. */
function errorIn(
  { error: said }: AnswerFacts,
  refusal: GatewayError | undefined,
  failure: GatewayError | undefined,
): SpanError | undefined {
  // What was found of an answer that broke off is no more than that: half of one.
  if (failure && said?.code === 'upstream_invalid') return failure
  return refusal ?? said ?? failure
}
