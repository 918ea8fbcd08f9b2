import type { IncomingHttpHeaders } from 'node:http'
import { GatewayError } from '../core/error.ts'
import { nearest } from '../core/nearest.ts'
import { version } from '../core/version.ts'
import type { ReplyHeaders } from '../http/exchange.ts'
import type { UpstreamHeaders } from '../http/upstream.ts'
import { providers } from '../providers/index.ts'
import type { Header, KeyHeader } from '../providers/key-headers.ts'
import type { ConfiguredEndpoint, ConfiguredProvider } from '../providers/provider.ts'
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
  [headers['x-request-id'], headers['request-id'], headers['apim-request-id'], headers['x-amzn-requestid']].find(
    (id) => typeof id === 'string',
  ) as string | undefined

/**
 * What goes up beside the body: what the provider always wants to hear, what the client means for a provider of this
 * dialect, and the credential. A header of the client that only its own dialect knows means nothing to another.
 */
export function upstreamHeaders(
  call: Pick<Call, 'dialect' | 'headers'>,
  target: Target,
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
    const value = call.headers[name]
    if (typeof value === 'string' && (isNative || dialect.requestHeaders.includes(name))) headers[name] = value
  }
  const credential = credentialFor(call, target)
  if (credential) headers[credential[0]] = credential[1]
  return headers
}

/**
 * The configured key; without one, the client's own, but only to its own vendor at the built-in address, for it is the
 * vendor's key. Another address is called without a key, since many local servers want none.
 */
function credentialFor({ dialect, headers }: Pick<Call, 'dialect' | 'headers'>, target: Target): Header | undefined {
  const { credential, needsKey, provider } = target.provider
  if (credential) return credential
  if (!needsKey) return undefined
  const takesClients = provider.clients?.some((name) => name === dialect.name) ?? false
  const own = takesClients ? clientKey(headers, provider.keyHeader) : undefined
  if (own) return own
  throw noCredential(target, takesClients)
}

/** Google's tokens for a person or a program, which are no keys of its API. */
const googleToken = /^Bearer ya29\./

/** The client's own key, in the header in which its vendor reads it. */
function clientKey(headers: IncomingHttpHeaders, kind: KeyHeader): Header | undefined {
  const named = kind === 'bearer' ? undefined : headers[kind]
  if (typeof named === 'string' && named !== '') return [kind, named]
  const { authorization } = headers
  if (authorization === undefined || !/^Bearer \S/.test(authorization)) return undefined
  if (kind === 'x-goog-api-key' && !googleToken.test(authorization)) return [kind, authorization.slice(7).trim()]
  return ['authorization', authorization]
}

/** Some clients of Gemini have their key in the address, where we never send it. */
export function withKeyOfQuery(headers: IncomingHttpHeaders, query: string): IncomingHttpHeaders {
  if (headers['x-goog-api-key'] !== undefined || !query.includes('key=')) return headers
  const key = new URLSearchParams(query).get('key')
  return key && /^[\x21-\x7e]+$/.test(key) ? { ...headers, 'x-goog-api-key': key } : headers
}

function noCredential({ provider: { name, provider }, model, meant }: Target, takesClients: boolean): GatewayError {
  const ways = [
    `Set ${provider.keyVariables?.[0] ?? `providers.${name}.api_key`} before you start Trunkline`,
    ...(takesClients ? [`send your ${provider.label} key ${places[provider.keyHeader]}`] : []),
    'or call the built-in model "mock/echo", which needs none',
  ]
  const other = meant === undefined ? misspelt(model) : `${hintOf(meant)} Until then it goes to ${name}. `
  return new GatewayError('no_credential', `${other}There is no credential for ${name}. ${ways.join(', ')}.`)
}

/** Many models have a slash in their name; of what stands before it only what looks like a provider is taken for one. */
function misspelt(model: string): string {
  const slash = model.indexOf('/')
  const near = slash > 0 ? nearest(model.slice(0, slash), Object.keys(providers)) : undefined
  return near === undefined
    ? ''
    : `If you mean the provider ${near}, write ${near}${model.slice(slash).slice(0, 100)}. `
}

/** What makes a name with a provider in front go to that provider. */
function hintOf({ name, origin, provider: { label, keyVariables, baseUrl } }: ConfiguredProvider): string {
  const goes = `A model ${name}/… goes to ${label} only once`
  const inAddress = /\{(\w+)\}/.exec(baseUrl ?? '')?.[1] ?? 'base_url'
  if (origin === '') return `${goes} it is configured: set providers.${name}.${inAddress}.`
  return `${goes} there is a key for it: set ${keyVariables?.[0] ?? `providers.${name}.api_key`}.`
}

/** Where clients have their key, in words. */
const places = {
  bearer: 'as the bearer token',
  'x-api-key': 'as x-api-key or as the bearer token',
  'x-goog-api-key': 'as x-goog-api-key',
  'api-key': 'as api-key',
  none: '',
} satisfies Record<KeyHeader, string>

const longestHeader = 256

/** Any text as a header's value: UTF-8 where the client can read it, and nothing that would end the line. */
export function headerText(text: string): string {
  // Nearly always plain; the check is cheaper than the copies.
  if (text.length <= longestHeader && /^[\x20-\x7e]*$/.test(text)) return text
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not get out.
  const printable = text.slice(0, longestHeader).replace(/[\u0000-\u001f\u007f]/g, '?')
  return Buffer.from(printable, 'utf8').toString('latin1')
}
