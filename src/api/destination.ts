import { type Caller, isAllowed } from '../core/access.ts'
import { hostClass } from '../http/addresses.ts'
import { isPartOfAddress } from '../providers/address.ts'
import { headerProblem } from '../providers/header-rules.ts'
import { credentialHeaders } from '../providers/key-headers.ts'
import type { Provider } from '../providers/provider.ts'
import { wrongField } from './problems.ts'

/** Where calls go, and what goes with them: checked when it is said, since a secret will be sent there. */

const mostHeaders = 50

/** The base URL, and whether its address may be a private one: what an operator names may be, as in the file. */
export function checkBaseUrl(
  written: string,
  caller: Caller,
  param: string,
): { baseUrl: string; mayBePrivate: boolean } {
  const url = URL.canParse(written) ? new URL(written) : undefined
  if (!url || !/^https?:$/.test(url.protocol)) throw wrongField(param, 'must be an http or https URL')
  if (url.username !== '' || url.password !== '') {
    throw wrongField(param, 'must not have a user or password in it: give the key as a credential')
  }
  if (url.hash !== '') throw wrongField(param, 'must not have a # in it')
  const mayBePrivate = isAllowed(caller, 'operator')
  const found = hostClass(url.hostname)
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
  const isVersionOnly = [...new URLSearchParams(written.slice(mark + 1)).keys()].every((name) => name === 'api-version')
  return isVersionOnly ? written : `${written.slice(0, mark)}?…`
}

export function checkHeaders(
  headers: Readonly<Record<string, string>>,
  param: string,
): Readonly<Record<string, string>> {
  const entries = Object.entries(headers)
  if (entries.length > mostHeaders) throw wrongField(param, `must have at most ${mostHeaders} headers`)
  const checked: Record<string, string> = {}
  for (const [written, value] of entries) {
    const problem = headerProblem(written, value, credentialHeaders)
    if (problem !== undefined) throw wrongField(param, problem)
    const name = written.toLowerCase()
    if (Object.hasOwn(checked, name)) throw wrongField(param, `has ${name} more than once`)
    checked[name] = value
  }
  return checked
}

/** What an address is made of. Each becomes a part of a host's name or of a path, and must not become more. */
export function checkAddress(
  address: Readonly<Record<string, string>>,
  { settings = {} }: Pick<Provider, 'settings'>,
  param: string,
): Readonly<Record<string, string>> {
  const known = Object.keys(settings)
  for (const [name, value] of Object.entries(address)) {
    if (!known.includes(name)) {
      throw wrongField(param, known.length === 0 ? 'must be empty for this provider' : `takes only ${known.join(', ')}`)
    }
    if (value.length > 100 || !isPartOfAddress(value)) {
      throw wrongField(`${param}.${name}`, 'must be made of letters, digits, dots and dashes')
    }
  }
  return address
}
