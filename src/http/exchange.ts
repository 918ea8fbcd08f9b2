import type { IncomingHttpHeaders } from 'node:http'
import type { Caller, Scope } from '../core/access.ts'
import type { GatewayError } from '../core/error.ts'
import type { Source } from '../core/source.ts'

export type ReplyHeaders = Record<string, string | readonly string[]>

/** One request on its way through, before anybody has asked what it means. */
export interface Exchange {
  readonly method: string
  readonly path: string
  /** What stands behind the question mark, as it came; empty when there is none. */
  readonly query: string
  readonly headers: IncomingHttpHeaders
  readonly remoteAddress: string
  /** Who asks, as far as the door wants to know it. */
  readonly caller: Caller
  /** When its head had arrived, in µs since the epoch. */
  readonly arrivedUs: number
  /** Headers that go out with whatever becomes the reply, an error too. */
  readonly replyHeaders: ReplyHeaders
  /** The whole body; refused over the limit before it is read where the client declares its size. */
  body(): Promise<Buffer>
  /** Called once if nobody will take the rest of the reply: the client has left, or the server stops. */
  onGone(listener: () => void): void
  /** Called once when the reply has left, or nobody is there to take it. `error` when it is not what was meant. */
  onDone(listener: (done: Done) => void): void
}

export interface Done {
  readonly status: number
  readonly bytes: number
  readonly error?: GatewayError
  /** The client left before the end. */
  readonly gone: boolean
}

export interface Reply {
  readonly status: number
  readonly headers: ReplyHeaders
  readonly body: string | Buffer | Source
  /** How a stream that has begun says that it failed; without it the connection is simply cut. */
  readonly encodeFailure?: (error: GatewayError) => string | Buffer
}

/** What is behind a path. */
export interface Door {
  /** `*` for a door that looks at the method itself. */
  readonly method: 'GET' | 'POST' | 'DELETE' | '*'
  readonly path: string
  /** Who may pass. */
  readonly scope: Scope
  /** True when everything below the path belongs to it too. */
  readonly prefix?: boolean
  /** True when a request may come without a body, and then without a type of content. */
  readonly mayBeEmpty?: boolean
  /** True when it answers while the server stops, too, and when there are too many connections. */
  readonly always?: boolean
  readonly handle: (exchange: Exchange) => Promise<Reply> | Reply
}

export const jsonReply = (status: number, value: unknown): Reply => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
})
