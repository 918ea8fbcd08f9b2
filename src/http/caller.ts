import { hash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { anybody, type Caller, type ClientKey, isAllowed, type Scope } from '../core/access.ts'
import { GatewayError } from '../core/error.ts'

/** Our keys: where the id stands in them, and no vendor's look like it. */
const ourKey = /^tl_([a-z0-9]{8})_[\w-]{43}$/

export const isClientKey = (text: string): boolean => ourKey.test(text)

/** The headers in which the SDKs send what their users call an API key. */
const keyHeaders = ['authorization', 'x-api-key', 'x-goog-api-key', 'api-key'] as const

/** What is checked of a request before anybody reads it. */
export interface Credentials {
  readonly headers: IncomingHttpHeaders
  readonly query: string
}

/**
 * Who makes a request, and that the scope lets them through. Nobody needs a key while there is none; from the first one
 * on everybody does, wherever they come from.
 */
export function admit(request: Credentials, scope: Scope, keys: ReadonlyMap<string, ClientKey>, nowUs: number): Caller {
  if (scope === 'public' || keys.size === 0) return anybody
  const caller = { key: keyOf(request, keys, nowUs) }
  if (isAllowed(caller, scope)) return caller
  throw new GatewayError('client_key_forbidden', forbidden[scope])
}

const forbidden = {
  public: '',
  inference: '',
  admin: 'This client key is for calls only. Use one of kind admin.',
  operator: 'This concerns all projects, so it takes a client key of kind admin that is not bound to one.',
} satisfies Record<Scope, string>

const way = 'Send one as your SDK sends its API key. `trunkline keys create` makes one.'

function keyOf(request: Credentials, keys: ReadonlyMap<string, ClientKey>, nowUs: number): ClientKey {
  const sent = sentKeys(request)
  const [text, other] = sent
  if (text === undefined) throw new GatewayError('client_key_missing', `This gateway wants a client key. ${way}`)
  if (other !== undefined)
    throw new GatewayError('client_key_invalid', 'The request has more than one client key, and they differ. Send one.')
  const id = ourKey.exec(text)?.[1]
  const key = id === undefined ? undefined : keys.get(id)
  if (!key || !isSame(text, key)) {
    throw new GatewayError('client_key_invalid', `The client key is unknown or has been revoked. ${way}`)
  }
  if (key.expiresUs !== undefined && nowUs >= key.expiresUs)
    throw new GatewayError(
      'client_key_invalid',
      `The client key expired at ${new Date(key.expiresUs / 1000).toISOString()}. ${way}`,
    )
  return key
}

const isSame = (text: string, key: ClientKey): boolean =>
  timingSafeEqual(hash('sha256', text, 'buffer'), Buffer.from(key.hash, 'hex'))

/** The different keys that a request has. One of ours stands before whatever else is sent beside it. */
function sentKeys({ headers, query }: Credentials): readonly string[] {
  const all: string[] = []
  for (const name of keyHeaders) {
    const written = headers[name]
    const text = typeof written === 'string' ? written.replace(/^Bearer\s+/i, '').trim() : ''
    if (text !== '' && !all.includes(text)) all.push(text)
  }
  if (query.includes('key=')) {
    const text = new URLSearchParams(query).get('key')
    if (text && !all.includes(text)) all.push(text)
  }
  const ours = all.filter(isClientKey)
  return ours.length > 0 ? ours : all.slice(0, 1)
}
