import type { IncomingHttpHeaders } from 'node:http'
import { version } from '../core/version.ts'
import type { ReplyHeaders } from '../http/exchange.ts'
import { hopByHop, namedIn } from '../http/hop-by-hop.ts'
import type { UpstreamHeaders } from '../http/upstream.ts'
import type { Header } from '../providers/key-headers.ts'
import type { ConfiguredEndpoint } from '../providers/provider.ts'
import type { Call } from './call.ts'

/** Headers that belong to one connection, to the body's own form, or to the provider's page and not to its API. */
const dropped: ReadonlySet<string> = new Set([
  ...hopByHop,
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

/** The id under which the provider's support finds the call. */
export const requestIdIn = (headers: UpstreamHeaders): string | undefined =>
  [headers['x-request-id'], headers['request-id'], headers['apim-request-id'], headers['x-amzn-requestid']].find(
    (id) => typeof id === 'string',
  ) as string | undefined

/** Where somebody has set for a provider which account pays, no client says otherwise. */
const ofAccount: ReadonlySet<string> = new Set(['openai-organization', 'openai-project'])

/**
 * What goes up beside the body: what the provider always wants to hear, what the client means for a provider of this
 * dialect, and the credential. A header of the client that only its own dialect knows means nothing to another.
 */
export function upstreamHeaders(
  call: Pick<Call, 'dialect' | 'headers'>,
  credential: Header | undefined,
  { dialect, headers: fixed }: Pick<ConfiguredEndpoint, 'dialect' | 'headers'>,
): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'user-agent': `trunkline/${version}`,
    // What passes is recorded and read, so it must not come compressed.
    'accept-encoding': 'identity',
  }
  for (const name in fixed) headers[name] = fixed[name] as string
  const isNative = dialect === call.dialect
  for (const name of call.dialect.requestHeaders) {
    if (ofAccount.has(name) && headers[name] !== undefined) continue
    const value = call.headers[name]
    if (typeof value === 'string' && (isNative || dialect.requestHeaders.includes(name))) headers[name] = value
  }
  if (credential) headers[credential[0]] = credential[1]
  return headers
}

/** Some clients of Gemini have their key in the address, where we never send it. */
export function withKeyOfQuery(headers: IncomingHttpHeaders, query: string): IncomingHttpHeaders {
  if (headers['x-goog-api-key'] !== undefined || !query.includes('key=')) return headers
  const key = new URLSearchParams(query).get('key')
  return key && /^[\x21-\x7e]+$/.test(key) ? { ...headers, 'x-goog-api-key': key } : headers
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
