import { type Caller, isAllowed } from '../core/access.ts'
import { baseUrlOf } from '../core/checks.ts'
import { hostClass } from '../http/addresses.ts'
import { wrongField } from './problems.ts'

/** The base URL, and whether its address may be a private one: what an operator names may be, as in the file. */
export function checkBaseUrl(
  written: string,
  caller: Caller,
  param: string,
): { baseUrl: string; mayBePrivate: boolean } {
  const { hostname, search } = new URL(baseUrlOf(param, written))
  if (!hasVersionOnly(search)) {
    throw wrongField(
      param,
      'must have nothing but api-version behind its ?: it would be stored as it is, and may be a secret. Give that as a credential or as one of its headers',
    )
  }
  const mayBePrivate = isAllowed(caller, 'operator')
  const found = hostClass(hostname)
  if (found === 'refused') throw wrongField(param, 'is at an address to which nothing is ever sent')
  if (!mayBePrivate && (found === 'private' || found === 'loopback')) {
    throw wrongField(
      param,
      'is at an address of this machine or of a private network. Only the configuration file, or a client key of kind admin that is not bound to a project, may name such a one',
    )
  }
  return { baseUrl: written, mayBePrivate }
}

/** Only the version of an API is shown of what stands behind the question mark: whatever else does may be a secret. */
export function shownUrl(written: string): string {
  const mark = written.indexOf('?')
  if (mark < 0) return written
  return hasVersionOnly(written.slice(mark)) ? written : `${written.slice(0, mark)}?…`
}

const hasVersionOnly = (query: string): boolean =>
  [...new URLSearchParams(query).keys()].every((name) => name === 'api-version')
