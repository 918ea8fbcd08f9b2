import type { AnswerFacts, AnswerWatch } from '../core/answer.ts'
import type { GatewayError } from '../core/error.ts'
import type { Source } from '../core/source.ts'
import { type AttemptTrace, errorOf } from './trace.ts'

/** Why nobody knows what an answer used, by how it ended. */
const missing = { ok: 'not reported', error: 'failed', cancelled: 'cancelled' } as const

const unreadable: AnswerFacts = { unread: true }

/** The same answer, recorded on its way: its bytes copied, its times taken, and at its end asked what it used. */
export function observe(source: Source, trace: AttemptTrace, watch: AnswerWatch): Source {
  let sawContent = false
  let lostSight = false
  /** What a provider writes can be anything; what we make of it must not cost the client its answer. */
  const look = <T>(at: () => T, otherwise: T): T => {
    if (lostSight) return otherwise
    try {
      return at()
    } catch {
      lostSight = true
      return otherwise
    }
  }
  const end = (failure?: GatewayError): void => {
    const facts = look(() => watch.end(), unreadable)
    const { model, finishReason, usage, usageReported, error: said, unread } = facts
    // A client hangs up at an error that the provider sent: the call failed, it was not given up.
    const error = said ?? failure
    const status = error?.code === 'cancelled' ? 'cancelled' : error ? 'error' : 'ok'
    trace.end({
      status,
      error: error && errorOf(error),
      modelAnswered: model,
      finishReason,
      usage,
      usageReported,
      usageMissing: usage ? undefined : missing[status],
      unread,
    })
  }
  return {
    to: (sink) =>
      source.to({
        write(chunk) {
          trace.data(chunk)
          look(() => watch.next(chunk), undefined)
          if (!sawContent && watch.hasContent) {
            sawContent = true
            trace.firstContent()
          }
          return sink.write(chunk)
        },
        end() {
          end()
          sink.end()
        },
        fail(error) {
          end(error)
          sink.fail(error)
        },
      }),
    resume: () => source.resume(),
    cancel: () => source.cancel(),
  }
}
