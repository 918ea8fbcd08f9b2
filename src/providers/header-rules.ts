import { credentialHeaders } from '../core/access.ts'
import { hopByHop } from '../http/hop-by-hop.ts'

/** Headers that describe the connection or the body, and are ours to write. */
const ours: ReadonlySet<string> = new Set([
  ...hopByHop,
  'accept-encoding',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'expect',
  'host',
  'user-agent',
])

const keys: ReadonlySet<string> = new Set(credentialHeaders)

/**
 * What is wrong with a header that somebody wants to be sent with every call; undefined when nothing is. No message has its
 * value, which may be a secret.
 */
export function headerProblem(written: string, value: unknown): string | undefined {
  const name = written.toLowerCase()
  if (!/^[a-z0-9-]{1,100}$/.test(name))
    return `has ${JSON.stringify(written.slice(0, 100).toWellFormed())}, which is no header's name`
  if (keys.has(name)) return `must not have ${name}: give the key as the credential's key`
  if (ours.has(name) || name.startsWith('x-trunkline-')) return `must not have ${name}, which Trunkline itself writes`
  if (typeof value !== 'string' || value.length > 8192 || !/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value)) {
    return `must have a text in plain ASCII as ${name}, without spaces around it and of at most 8192 characters`
  }
  return undefined
}
