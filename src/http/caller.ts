import { hash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { anybody, type Caller, type ClientKey, credentialHeaders, isAllowed, type Scope } from '../core/access.ts'
import { GatewayError } from '../core/error.ts'

/** Our keys: where the id stands in them, and no vendor's look like it. */
const ourKey = /^tl_([a-z0-9]{8})_[\w-]{43}$/

export const isClientKey = (text: string): boolean => ourKey.test(text)

/** Whether one of our keys stands in a text, whatever stands around it. */
export const holdsClientKey = (text: string): boolean => /tl_[a-z0-9]{8}_[\w-]{43}/.test(text)

/** What is checked of a request before anybody reads it. */
export interface Credentials {
  readonly headers: IncomingHttpHeaders
  readonly query: string
}

/** Somebody who may do nothing, at a door that asks nobody: that they came so far says nothing of who they are. */
export const nobody: Caller = { key: { id: '', hash: '', kind: 'inference', models: [] } }

/** By what callers are known. */
export interface Access {
  /** Those that are good, by their ids. */
  readonly keys: ReadonlyMap<string, ClientKey>
  /** Whether nobody needs a key while there is none: only this machine reaches the port. */
  readonly mayBeOpen: boolean
}

/**
 * Who makes a request, and that the scope lets them through. From the first key on everybody needs one, wherever they
 * come from.
 */
export function admit(request: Credentials, scope: Scope, { keys, mayBeOpen }: Access, nowUs: number): Caller {
  if (mayBeOpen && keys.size === 0) return anybody
  if (scope === 'public') return nobody
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
  const text = sentKey(request)
  if (text === undefined) throw new GatewayError('client_key_missing', `This gateway wants a client key. ${way}`)
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

/** All of the key counts, and how much of it is right does not show in the time that it takes. */
function isSame(text: string, key: ClientKey): boolean {
  // As hex, and not as bytes: node makes a buffer of a hash in four times the time that the hash itself takes.
  const sent = Buffer.from(hash('sha256', text, 'hex'), 'latin1')
  const known = Buffer.from(key.hash, 'latin1')
  return sent.length === known.length && timingSafeEqual(sent, known)
}

/** The one client key that a request has. One of ours stands before whatever else is sent beside it. */
function sentKey({ headers, query }: Credentials): string | undefined {
  let ours: string | undefined
  let another: string | undefined
  const take = (text: string): void => {
    if (!isClientKey(text)) another ||= text
    else if (ours === undefined || ours === text) ours = text
    else
      throw new GatewayError(
        'client_key_invalid',
        'The request has more than one client key, and they differ. Send one.',
      )
  }
  for (const name of credentialHeaders) {
    const written = headers[name]
    if (typeof written === 'string') take(written.trim().replace(/^Bearer\s+/i, ''))
  }
  if (query.includes('key=')) for (const text of new URLSearchParams(query).getAll('key')) take(text)
  return ours ?? (another || undefined)
}
