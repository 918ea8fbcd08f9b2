import type { IncomingHttpHeaders } from 'node:http'
import { GatewayError } from '../core/error.ts'
import { version } from '../core/version.ts'
import type { ReplyHeaders } from '../http/exchange.ts'
import type { UpstreamHeaders } from '../http/upstream.ts'
import type { Target } from '../routing/plan.ts'
import type { Call } from './call.ts'

/** Headers that belong to one connection, to the body's own form, or to the provider's page and not to its API. */
const dropped: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'date',
  'server',
  'set-cookie',
  'strict-transport-security',
  'alt-svc',
  // Of another gateway on the way; our own come after these.
  'x-thread-id',
])

/**
 * What of the provider's headers the client gets: its limits, hints and ids, and nothing that opens us to web pages. The
 * length is the provider's only as long as the bytes are.
 */
export function replyHeadersOf(headers: UpstreamHeaders, sameBytes: boolean): ReplyHeaders {
  const kept: ReplyHeaders = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined && !dropped.has(name) && !name.startsWith('access-control-')) kept[name] = value
  }
  for (const name of namedIn(headers.connection)) delete kept[name]
  if (!sameBytes) delete kept['content-length']
  return kept
}

const aboutItself: ReadonlySet<unknown> = new Set([undefined, 'keep-alive', 'close'])

/** The headers that `Connection` says are for one connection only. */
const namedIn = (connection: string | string[] | undefined): readonly string[] =>
  aboutItself.has(connection)
    ? []
    : String(connection)
        .toLowerCase()
        .split(',')
        .map((name) => name.trim())

/** The id under which the provider's support finds the call. */
export const requestIdIn = (headers: UpstreamHeaders): string | undefined =>
  [headers['x-request-id'], headers['request-id'], headers['apim-request-id']].find((id) => typeof id === 'string') as
    | string
    | undefined

/** What goes up beside the body: what the dialect's clients mean for the provider, and the credential. */
export function upstreamHeaders(call: Call, { provider }: Target): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'user-agent': `trunkline/${version}`,
    // What passes is recorded and read, so it must not come compressed.
    'accept-encoding': 'identity',
  }
  for (const name of call.dialect.requestHeaders) {
    const value = call.headers[name]
    if (typeof value === 'string') headers[name] = value
  }
  if (provider.provider.credential === 'bearer') {
    const authorization = authorizationFor(call.headers, { provider })
    if (authorization !== undefined) headers.authorization = authorization
  }
  return headers
}

/**
 * The configured key; without one, the client's own, but only to the vendor at its built-in address, for it is the
 * vendor's key. Another address is called without a key, since many local servers want none.
 */
function authorizationFor(headers: IncomingHttpHeaders, { provider }: Pick<Target, 'provider'>): string | undefined {
  if (provider.key !== undefined) return `Bearer ${provider.key}`
  if (!provider.atHome) return undefined
  if (headers.authorization !== undefined && /^Bearer \S/.test(headers.authorization)) return headers.authorization
  const { keyVariable, label } = provider.provider
  throw new GatewayError(
    'no_credential',
    `There is no credential for ${provider.name}. Set ${keyVariable} before you start Trunkline, send your ${label} key as the bearer token, ` +
      'or call the built-in model "mock/echo", which needs none.',
  )
}

const longestHeader = 256

/** Any text as a header's value: UTF-8 where the client can read it, and nothing that would end the line. */
export function headerText(text: string): string {
  // Nearly always plain; the check is cheaper than the copies.
  if (text.length <= longestHeader && /^[\x20-\x7e]*$/.test(text)) return text
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not get out.
  const printable = text.slice(0, longestHeader).replace(/[\u0000-\u001f\u007f]/g, '?')
  return Buffer.from(printable, 'utf8').toString('latin1')
}
