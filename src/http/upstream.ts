import type { Socket } from 'node:net'
import { buildConnector, Client, type Dispatcher, Pool } from 'undici'
import type { IncomingHttpHeaders } from 'undici/types/header.js'
import { GatewayError } from '../core/error.ts'
import { egressConnector, type Lookup } from './egress.ts'

export interface UpstreamRequest {
  /** Where to: scheme, host and port. */
  readonly origin: string
  /** Whether that may be an address of a private network or of this machine; never is it a link-local one. */
  readonly mayBePrivate: boolean
  /** A local socket to which it goes instead, whatever the origin says. */
  readonly socketPath?: string
  readonly path: string
  readonly method: 'POST' | 'GET' | 'DELETE' | 'PUT' | 'PATCH'
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** When a connection that has not come about is given up. Whoever waits for the call has a clock of its own. */
  readonly connectMs: number
}

export type UpstreamHeaders = Readonly<Record<string, string | string[] | undefined>>

/** Told of what comes back, in this order; exactly one of `end` and `fail` is the last. */
export interface UpstreamListener {
  /** There is a connection, and the request goes out on it. Called again when it goes out once more. */
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

/** A connection that is not there some time after it was given up is of no use to a later call either. */
const connectSlackMs = 1_000

interface UpstreamOptions {
  readonly lookup?: Lookup
  /** How many pools there may be: an address may change again and again, and each would be kept for nothing. */
  readonly mostPools?: number
}

/**
 * Connections to providers: a pool for each origin, kept alive. How long anything may take is the caller's business. A
 * connection that was made with leave to go to a private address carries no request that has none.
 */
export function upstreams({ lookup, mostPools = 1_000 }: UpstreamOptions = {}): Upstreams {
  const pools = new Map<string, Pool>()
  const others = new Set<Client | Pool>()
  /** Lets what runs on it come to its end. */
  const leave = (one: Client | Pool): void => {
    others.add(one)
    void one
      .close()
      .catch(() => undefined)
      .finally(() => others.delete(one))
  }
  const poolOf = (request: UpstreamRequest): Pool => {
    const { origin, connectMs, mayBePrivate, socketPath = '' } = request
    const key = `${connectMs} ${mayBePrivate} ${origin} ${socketPath}`
    let pool = pools.get(key)
    if (!pool) {
      const [oldest] = pools
      if (oldest && pools.size >= mostPools) {
        pools.delete(oldest[0])
        leave(oldest[1])
      }
      const connect = connectorFor(request)
      pool = new Pool(origin, { factory: (_origin, options) => new Carrier(origin, options, connect) })
      pools.set(key, pool)
    }
    return pool
  }
  const connectorFor = ({ connectMs, mayBePrivate, socketPath }: UpstreamRequest): buildConnector.connector => {
    const timeout = connectMs + connectSlackMs
    return socketPath === undefined
      ? egressConnector({ mayBePrivate, timeoutMs: timeout, ...(lookup && { lookup }) })
      : buildConnector({ allowH2: false, timeout, socketPath })
  }
  /** On a connection of its own: all of those in the pool may be as dead as the one that was tried. */
  const sendAfresh = (request: UpstreamRequest, call: PoolCall): void => {
    const client = new Carrier(request.origin, {}, connectorFor(request))
    client.dispatch(request, call)
    leave(client)
  }
  return {
    send: (request, listener) => {
      const call = new PoolCall(listener, () => sendAfresh(request, call))
      if (leavesItsPath.test(request.path)) call.onResponseError(undefined, new GatewayError('bad_request', strayPath))
      else poolOf(request).dispatch(request, call)
      return call
    },
    async close() {
      await Promise.all([...pools.values(), ...others].map((one) => one.destroy()))
    },
  }
}

/** A segment that leads to another path than the one that is meant, such as a model whose name is `..`. */
const leavesItsPath = /^[^?]*?\/(?:\.|%2e){1,2}(?:[/?]|$)/i
const strayPath =
  'The name of the model or of what else is asked for leads out of its place in the address: it is only dots.'

/** One connection after another to the same origin: it carries a call at a time. */
class Carrier extends Client {
  private readonly line: { socket: Socket | undefined }

  constructor(origin: string, options: object, connect: buildConnector.connector) {
    const line: { socket: Socket | undefined } = { socket: undefined }
    super(origin, {
      ...options,
      // A stream for each connection: what happens to one happens to no other.
      allowH2: false,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: 64 * 1024,
      connect: (to, done) =>
        connect(to, (...result) => {
          line.socket = result[1] ?? undefined
          done(...result)
        }),
    })
    this.line = line
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    if (handler instanceof PoolCall) handler.line = this.line
    return super.dispatch(options, handler)
  }
}

class PoolCall implements Dispatcher.DispatchHandler, UpstreamCall {
  /** What carries it: its socket is the one of the moment. */
  line: { readonly socket: Socket | undefined } | undefined
  private controller: Dispatcher.DispatchController | undefined
  private aborted = false
  private readonly listener: UpstreamListener
  private again: (() => void) | undefined
  private socket: Socket | undefined
  /** How much had come on the connection before this call was sent. */
  private bytesBefore = 0

  /** `again` sends the same request on a connection that nobody has used. */
  constructor(listener: UpstreamListener, again: () => void) {
    this.listener = listener
    this.again = again
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller
    if (this.aborted) {
      controller.abort(leaving)
      return
    }
    this.socket = this.line?.socket
    this.bytesBefore = this.socket?.bytesRead ?? 0
    this.listener.connected()
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status >= 200 && !this.aborted) this.listener.head(status, headers)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.aborted) this.listener.data(chunk)
  }

  onResponseEnd(): void {
    if (this.aborted) return
    // A body that would end with its connection is whole to undici even when the connection was reset.
    const reset = this.socket?.errored
    if (reset) this.listener.fail(connectionError(reset))
    else this.listener.end()
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.aborted) return
    const { again } = this
    this.again = undefined
    if (again && this.wasIdleAndClosed(error)) again()
    else this.listener.fail(connectionError(error))
  }

  /**
   * A server may close a connection that it kept alive at the moment in which we use it. When nothing of an answer has
   * come, that is what happened; a connection that never brought anything was refused for a reason.
   */
  private wasIdleAndClosed(error: Error & { code?: string }): boolean {
    const { socket, bytesBefore } = this
    return brokenCodes.has(error.code ?? '') && bytesBefore > 0 && socket?.bytesRead === bytesBefore
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

const brokenCodes: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

/** The body that came is not the one that was announced. */
const isShort = ({ code, message }: Error & { code?: string }): boolean =>
  code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' || message.includes('Invalid EOF state')

const leaving = new Error('Nobody waits for this answer any more.')

/** What went wrong on the way to a provider, in words that say where to look. */
function connectionError(error: Error & { code?: string }): GatewayError {
  if (error instanceof GatewayError) return error
  const cause = { cause: error }
  const code = error.code ?? ''
  const words = wordsOf(error)
  if (brokenCodes.has(code) || isShort(error))
    return new GatewayError('upstream_cut', `The connection to the provider broke (${words}).`, cause)
  switch (code) {
    case 'UND_ERR_CONNECT_TIMEOUT':
      return new GatewayError('timeout_connect', 'The provider did not accept the connection in time.', cause)
    case 'ECONNREFUSED':
      return new GatewayError('upstream_unreachable', `Nothing listens at the provider's address (${words}).`, cause)
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new GatewayError('upstream_unreachable', `The provider's name cannot be resolved (${words}).`, cause)
    case 'UND_ERR_INVALID_ARG':
      return new GatewayError('bad_request', `The request cannot be sent to the provider: ${words}.`, cause)
    case 'UND_ERR_HEADERS_OVERFLOW':
      return new GatewayError('upstream_invalid', `The headers of the provider's answer are too large.`, cause)
    default:
      if (error.name === 'HTTPParserError') {
        return new GatewayError(
          'upstream_invalid',
          `What the provider answers is not HTTP. Is its base URL right? (${words})`,
          cause,
        )
      }
      return new GatewayError('upstream_unreachable', `The call to the provider failed: ${words}`, cause)
  }
}

/** An error for a name with several addresses has no words of its own: it has an error for each of them. */
const wordsOf = (error: Error): string =>
  error instanceof AggregateError ? error.errors.map(({ message }: Error) => message).join('; ') : error.message
