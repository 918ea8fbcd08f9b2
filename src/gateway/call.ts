import type { IncomingHttpHeaders } from 'node:http'
import type { Dialect, RequestFacts } from '../dialects/dialect.ts'
import type { ReplyHeaders } from '../http/exchange.ts'
import type { CallTrace } from '../telemetry/trace.ts'

/** A client's request, read and named, on its way to a provider. */
export interface Call {
  readonly dialect: Dialect
  readonly facts: RequestFacts
  readonly body: Buffer
  readonly headers: IncomingHttpHeaders
  readonly trace: CallTrace
  readonly replyHeaders: ReplyHeaders
  /** The listener hears, once, that the client has left. A later one takes the place of an earlier. */
  onGone(listener: () => void): void
}
