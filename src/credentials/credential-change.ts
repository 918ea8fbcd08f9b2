import { bad, baseUrlOf, lineOf, plainUrl } from '../core/checks.ts'
import type { Credential } from '../core/credential.ts'
import type { StoredCredential } from '../core/stored-credential.ts'
import { isPartOfAddress } from '../providers/address.ts'
import { headerProblem } from '../providers/header-rules.ts'
import type { Provider } from '../providers/provider.ts'

/** What is not named stays, and null takes away. Another address drops the secrets that are not given with it. */
export interface CredentialChange {
  readonly name?: string | null
  readonly credential?: Credential
  readonly priority?: number
  readonly weight?: number
  readonly at?: {
    readonly baseUrl?: string | null | undefined
    readonly headers?: Readonly<Record<string, string>> | null | undefined
    readonly address?: Readonly<Record<string, string | undefined>> | null | undefined
    readonly mayBePrivate?: boolean | undefined
  }
}

/** Everything of it but what is encrypted. */
export function changed(
  before: StoredCredential,
  provider: Provider,
  wanted: CredentialChange,
  nowUs: number,
): StoredCredential {
  const { name: oldName, baseUrl: oldUrl, address: oldAddress, ...rest } = before
  const { at = {} } = wanted
  const name = wanted.name === undefined ? oldName : wanted.name === null ? undefined : lineOf('name', wanted.name)
  const baseUrl =
    at.baseUrl === undefined ? oldUrl : at.baseUrl === null ? undefined : baseUrlOf('base_url', at.baseUrl)
  const address = at.address === undefined ? oldAddress : checkedAddress(provider, at.address ?? undefined)
  // Whoever names another address has not said by that that it may be private.
  const mayBePrivate = at.mayBePrivate ?? (plainUrl(baseUrl) === plainUrl(oldUrl) && before.mayBePrivate)
  return {
    ...rest,
    ...(name !== undefined && { name }),
    ...(baseUrl !== undefined && { baseUrl }),
    ...(address && { address }),
    mayBePrivate: baseUrl !== undefined && mayBePrivate,
    kind: wanted.credential?.kind ?? before.kind,
    priority: within('priority', wanted.priority ?? before.priority, 100),
    weight: within('weight', wanted.weight ?? before.weight, 1000),
    updatedUs: nowUs,
    version: before.version + 1,
  }
}

/**
 * Where a credential goes as far as its project says so, in one form: to its own base URL, to the vendor's host that is
 * made of its own address, or to where the project's provider is.
 */
export function destinationOf(
  { baseUrl, address }: Pick<StoredCredential, 'baseUrl' | 'address'>,
  providerUrl?: string,
): string {
  if (baseUrl !== undefined || address === undefined) return plainUrl(baseUrl ?? providerUrl)
  return JSON.stringify(Object.entries(address).sort(([one], [other]) => (one < other ? -1 : 1)))
}

const mostHeaders = 50

export function checkedHeaders(
  headers: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> | undefined {
  const entries = Object.entries(headers)
  if (entries.length > mostHeaders) throw bad('headers', `headers must be at most ${mostHeaders}.`)
  const checked: Record<string, string> = {}
  for (const [written, value] of entries) {
    const problem = headerProblem(written, value)
    if (problem) throw bad('headers', `headers ${problem}.`)
    const name = written.toLowerCase()
    if (Object.hasOwn(checked, name)) throw bad('headers', `headers has ${name} more than once.`)
    checked[name] = value
  }
  return entries.length > 0 ? checked : undefined
}

/** What an address is made of. Each becomes a part of a host's name or of a path, and must not become more. */
export function checkedAddress(
  { label, settings = {} }: Pick<Provider, 'label' | 'settings'>,
  address: Readonly<Record<string, string | undefined>> = {},
): Readonly<Record<string, string>> | undefined {
  const checked: Record<string, string> = {}
  for (const [name, value] of Object.entries(address)) {
    if (!Object.hasOwn(settings, name)) {
      const known = Object.keys(settings).join(', ')
      const has = known === '' ? 'It has none.' : `It has ${known}.`
      throw bad(`address.${name}`, `${label} has no setting ${JSON.stringify(name)}. ${has}`)
    }
    if (value === undefined) continue
    if (value.length > 100 || !isPartOfAddress(value))
      throw bad(`address.${name}`, `${name} must be made of letters, digits, dots and dashes.`)
    checked[name] = value
  }
  return Object.keys(checked).length > 0 ? checked : undefined
}

export function within(param: string, value: number, most: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= most) return value
  throw bad(param, `${param} must be a whole number from 1 to ${most}.`)
}
