import type { IncomingHttpHeaders } from 'node:http'
import type { ChatAnswer, ChatRequest } from '../core/chat.ts'
import type { AnswerContext, Dialect, RequestFacts } from '../dialects/dialect.ts'
import type { ReplyHeaders } from '../http/exchange.ts'
import type { Framing } from '../http/frames.ts'
import type { CallTrace } from '../telemetry/trace.ts'

/** A client's request, read and named, on its way to a provider. */
export interface Call {
  readonly dialect: Dialect
  readonly facts: RequestFacts
  readonly body: Buffer
  /** The request as the inner chat has it, made when it is first asked for: what passes through never needs it. */
  readonly chat: () => ChatRequest
  /** Whether a loss is of thoughts that only we had remembered: the client did not send them and cannot leave them out. */
  readonly isRestored: (lost: string) => boolean
  /** How the client wants a stream's frames. */
  readonly framing: Framing
  /** True when a loss in translation is to be refused. */
  readonly strict: boolean
  /** The id of the answer, where it is ours to give. */
  readonly answerId?: string
  readonly headers: IncomingHttpHeaders
  readonly trace: CallTrace
  readonly replyHeaders: ReplyHeaders
  /** Hears an answer that was translated, once it has ended well. */
  readonly onAnswer: (answer: ChatAnswer, context: AnswerContext) => void
  /** The listener hears, once, that the client has left. A later one takes the place of an earlier. */
  onGone(listener: () => void): void
}
