import { isIP } from 'node:net'
import { Refusal } from './error.ts'
import type { Kind } from './setting.ts'

const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i

/** As RFC 1123 has it. One that ends in a number would be read as an address by some, and as a name by others. */
function isHostName(text: string): boolean {
  const labels = text.split('.')
  return text.length <= 253 && labels.every((part) => label.test(part)) && !/^\d+$/.test(labels.at(-1) ?? '')
}

/** Where a server listens. */
export const listenAddress: Kind<string> = {
  take(value) {
    if (typeof value === 'string' && (isIP(value) !== 0 || isHostName(value))) return value
    throw new Refusal('must be an IP address or the name of a host', value)
  },
  schema: { type: 'string', minLength: 1, maxLength: 253 },
}

/** Names by which clients call us, as `Host` has them without its port. */
export const hostNames: Kind<readonly string[]> = {
  isList: true,
  take(value) {
    if (!Array.isArray(value)) throw new Refusal('must be a list of host names', value)
    for (const one of value) {
      if (typeof one !== 'string' || (isIP(one) === 0 && !isHostName(one))) {
        throw new Refusal('must be a list of host names, each without scheme and port', one)
      }
    }
    return (value as string[]).map((one) => one.toLowerCase())
  },
  schema: { type: 'array', items: { type: 'string', minLength: 1, maxLength: 253 } },
}
