import { type ErrorCode, GatewayError } from '../core/error.ts'
import type { Door, Exchange, Reply } from '../http/exchange.ts'
import { hopByHop, namedIn } from '../http/hop-by-hop.ts'
import { Incoming } from '../http/incoming.ts'
import type { Send, UpstreamRequest } from '../http/upstream.ts'
import { replyHeadersOf } from './headers.ts'

export interface ForwardedDeps {
  readonly send: Send
  /** Where control takes such requests. */
  readonly socketPath: string
}

/**
 * What lies behind us and is not ours: control looks at who asks just as if they had come to it themselves. But what has a
 * body is read here already, and of nobody who has no key at all.
 */
export function forwardedDoors(deps: ForwardedDeps): Door[] {
  const door = {
    path: '/api/',
    prefix: true,
    mayBeEmpty: true,
    handle: (exchange: Exchange) => forwarded(exchange, deps),
  }
  return [
    { ...door, method: 'GET', scope: 'public' },
    { ...door, method: '*', scope: 'inference' },
  ]
}

/** The methods that control has an answer to; the others are refused here, so that nothing else reaches it. */
const methods: ReadonlySet<string> = new Set<UpstreamRequest['method']>(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])

/** Headers that are about the connection, or that the next one has of its own. */
const ofConnection: ReadonlySet<string> = new Set([...hopByHop, 'expect', 'content-length'])

const connectMs = 2_000

/** The request as it came, over a socket that nobody else can reach, and its answer as it comes. */
async function forwarded(exchange: Exchange, { send, socketPath }: ForwardedDeps): Promise<Reply> {
  const { path, query } = exchange
  // The head of an answer without its body is what the server makes of a whole one.
  const method = exchange.method === 'HEAD' ? 'GET' : exchange.method
  if (!isMethod(method)) {
    const allow = [...methods, 'HEAD'].join(', ')
    throw new GatewayError('method_not_allowed', `${path.slice(0, 200)} takes ${allow}, not ${method}.`, {
      headers: { allow },
    })
  }
  const body = await exchange.body()
  return answered(exchange, send, {
    origin: 'http://localhost',
    socketPath,
    mayBePrivate: true,
    path: query === '' ? path : `${path}?${query}`,
    method,
    headers: headersOf(exchange),
    body,
    connectMs,
  })
}

const isMethod = (method: string): method is UpstreamRequest['method'] => methods.has(method)

function headersOf({ headers }: Exchange): Record<string, string> {
  const own = namedIn(headers.connection)
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !ofConnection.has(name) && !own.includes(name)) kept[name] = String(value)
  }
  return kept
}

const answered = (exchange: Exchange, send: Send, request: UpstreamRequest): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const incoming = new Incoming({
      connected: () => undefined,
      failed: (error) => reject(notThere.has(error.code) ? away(error) : error),
      head: (status, headers) => resolve({ status, headers: replyHeadersOf(headers, true), body: incoming }),
    })
    exchange.onGone(() => incoming.cancel())
    incoming.started(send(request, incoming))
  })

/** It has gone, or goes at this moment. */
const notThere: ReadonlySet<ErrorCode> = new Set(['upstream_unreachable', 'upstream_cut', 'timeout_connect'])

const away = (cause: GatewayError): GatewayError =>
  new GatewayError('starting', 'The part of Trunkline that answers this is not there at the moment. Try again.', {
    headers: { 'retry-after': '1' },
    cause,
  })
