import { type Dispatcher, Pool } from 'undici'
import type { IncomingHttpHeaders } from 'undici/types/header.js'
import { GatewayError } from '../core/error.ts'

export interface UpstreamRequest {
  /** Where to: scheme, host and port. */
  readonly origin: string
  readonly path: string
  readonly method: 'POST' | 'GET'
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export type UpstreamHeaders = Readonly<Record<string, string | string[] | undefined>>

/** Told of what comes back, in this order; exactly one of `end` and `fail` is the last. */
export interface UpstreamListener {
  /** There is a connection, and the request goes out on it. */
  connected(): void
  head(status: number, headers: UpstreamHeaders): void
  data(chunk: Buffer): void
  end(): void
  fail(error: GatewayError): void
}

export interface UpstreamCall {
  pause(): void
  resume(): void
  /** Ends it at once; the listener hears no more. */
  abort(): void
}

/** The one way out of the gateway. A provider that answers by itself brings its own. */
export type Send = (request: UpstreamRequest, listener: UpstreamListener) => UpstreamCall

export interface Upstreams {
  readonly send: Send
  close(): Promise<void>
}

export interface UpstreamOptions {
  readonly connectTimeoutMs: number
  readonly headersTimeoutMs: number
  readonly idleTimeoutMs: number
}

/** Connections to providers: a pool for each origin, kept alive. */
export function upstreams({ connectTimeoutMs, headersTimeoutMs, idleTimeoutMs }: UpstreamOptions): Upstreams {
  const pools = new Map<string, Pool>()
  const poolOf = (origin: string): Pool => {
    let pool = pools.get(origin)
    if (!pool) {
      pool = new Pool(origin, {
        // A stream for each connection: what happens to one happens to no other.
        allowH2: false,
        pipelining: 1,
        connectTimeout: connectTimeoutMs,
        headersTimeout: headersTimeoutMs,
        bodyTimeout: idleTimeoutMs,
        maxHeaderSize: 64 * 1024,
      })
      pools.set(origin, pool)
    }
    return pool
  }
  return {
    send: (request, listener) => {
      const call = new PoolCall(listener)
      const { path, method, headers, body } = request
      poolOf(request.origin).dispatch({ path, method, headers, body }, call)
      return call
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
    },
  }
}

class PoolCall implements Dispatcher.DispatchHandler, UpstreamCall {
  private controller: Dispatcher.DispatchController | undefined
  private aborted = false
  private readonly listener: UpstreamListener

  constructor(listener: UpstreamListener) {
    this.listener = listener
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller
    if (this.aborted) controller.abort(leaving)
    else this.listener.connected()
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status >= 200 && !this.aborted) this.listener.head(status, headers)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.aborted) this.listener.data(chunk)
  }

  onResponseEnd(): void {
    if (!this.aborted) this.listener.end()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (!this.aborted) this.listener.fail(connectionError(error))
  }

  pause(): void {
    this.controller?.pause()
  }

  resume(): void {
    this.controller?.resume()
  }

  abort(): void {
    if (this.aborted) return
    this.aborted = true
    this.controller?.abort(leaving)
  }
}

const leaving = new Error('Nobody waits for this answer any more.')

/** What went wrong on the way to a provider, in words that say where to look. */
function connectionError(error: Error & { code?: string }): GatewayError {
  const cause = { cause: error }
  switch (error.code) {
    case 'UND_ERR_CONNECT_TIMEOUT':
      return new GatewayError('timeout_connect', 'The provider did not accept the connection in time.', cause)
    case 'UND_ERR_HEADERS_TIMEOUT':
      return new GatewayError('timeout_headers', 'The provider did not begin its answer in time.', cause)
    case 'UND_ERR_BODY_TIMEOUT':
      return new GatewayError('timeout_idle', 'The provider stopped in the middle of its answer.', cause)
    case 'ECONNREFUSED':
      return new GatewayError(
        'upstream_unreachable',
        `Nothing listens at the provider's address (${error.message}).`,
        cause,
      )
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new GatewayError(
        'upstream_unreachable',
        `The provider's name cannot be resolved (${error.message}).`,
        cause,
      )
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
      return new GatewayError('upstream_cut', `The connection to the provider broke (${error.message}).`, cause)
    default:
      if (error.name === 'HTTPParserError') {
        return new GatewayError(
          'upstream_invalid',
          `What the provider answers is not HTTP. Is its base URL right? (${error.message})`,
          cause,
        )
      }
      return new GatewayError('upstream_unreachable', `The call to the provider failed: ${error.message}`, cause)
  }
}
