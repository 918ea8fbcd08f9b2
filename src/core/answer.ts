import type { GatewayError } from './error.ts'
import type { SpanError } from './span.ts'
import type { Usage } from './usage.ts'

/** What an answer says of itself. What could not be found is absent. */
export interface AnswerFacts {
  readonly model?: string
  readonly finishReason?: string
  readonly usage?: Usage
  /** The provider's own numbers. */
  readonly usageReported?: unknown
  /** An error inside an answer whose status was good. */
  readonly error?: SpanError
  /** True when a quick look was not enough and the whole of the answer should be read. */
  readonly unread?: boolean
}

/** Looks at the bytes of an answer, on their way to the client, for what is needed at once; how, only its dialect knows. */
export interface AnswerWatch {
  /** True from the first bytes on that are more than a sign of life: an event that is no comment, a byte that is no blank. */
  readonly hasBegun: boolean
  /** True from the first bytes on that a reader would call content. */
  readonly hasContent: boolean
  /** Why this is no answer although its status was good: an error as its first event or as all of it, or nothing sensible. */
  readonly refusal: GatewayError | undefined
  /** True when the mark that ends a stream has passed: whatever happens after it, the answer is complete. */
  readonly isDone: boolean
  next(chunk: Buffer): void
  /** `isWhole` is false when the answer broke off or was given up; left out, it came to its end. */
  end(isWhole?: boolean): AnswerFacts
}
