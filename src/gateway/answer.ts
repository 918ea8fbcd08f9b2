import type { Source } from '../core/source.ts'
import type { ReplyHeaders } from '../http/exchange.ts'

/** What a provider answered, from its head on: the body is still on its way. */
export interface Answer {
  readonly status: number
  readonly headers: ReplyHeaders
  readonly body: Buffer | Source
  readonly streaming: boolean
}
