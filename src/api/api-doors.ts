import { GatewayError } from '../core/error.ts'
import type { Door, Exchange, Reply } from '../http/exchange.ts'
import type { Api } from './api.ts'
import { mostBytes, tooLarge } from './body-limit.ts'

/**
 * The API as doors of a server. The route that a request matches decides who may pass; but of somebody who has no key at
 * all nothing is read that has a body.
 */
export function apiDoors(api: Pick<Api, 'fetch'>): Door[] {
  const door = {
    path: '/api/',
    prefix: true,
    // Some routes take no body; which do is known to them.
    mayBeEmpty: true,
    handle: async (exchange: Exchange) => replyOf(await api.fetch(await requestOf(exchange), exchange)),
  }
  return [
    { ...door, method: 'GET', scope: 'public' },
    { ...door, method: '*', scope: 'inference' },
  ]
}

async function requestOf(exchange: Exchange): Promise<Request> {
  const { method, path, query, headers } = exchange
  const url = new URL(`http://localhost${path}${query && `?${query}`}`)
  // What a URL makes of dots and backslashes would be another path than the one that was asked for.
  if (url.pathname !== path) throw new GatewayError('unknown_url', 'The path of the request is not in its plain form.')
  // A head is that of the whole answer; the server leaves out what follows.
  const isRead = method === 'GET' || method === 'HEAD'
  if (!isRead && Number(headers['content-length'] ?? 0) > mostBytes) throw tooLarge()
  const sent = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) sent.set(name, Array.isArray(value) ? value.join(', ') : value)
  }
  return new Request(url, {
    method: isRead ? 'GET' : method,
    headers: sent,
    ...(!isRead && { body: new Uint8Array(await exchange.body()) }),
  })
}

async function replyOf(response: Response): Promise<Reply> {
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: Buffer.from(await response.arrayBuffer()),
  }
}
