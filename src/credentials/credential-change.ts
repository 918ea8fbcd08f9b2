import { bad, baseUrlOf, lineOf, plainUrl } from '../core/checks.ts'
import type { Credential } from '../core/credential.ts'
import type { StoredCredential } from '../core/stored-credential.ts'
import { isPartOfAddress } from '../providers/address.ts'
import { headerProblem } from '../providers/header-rules.ts'
import { credentialHeaders } from '../providers/key-headers.ts'
import type { Provider } from '../providers/provider.ts'

/** What is not named stays, and null takes away. Another base URL drops the secrets that are not given with it. */
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
  const address = at.address === undefined ? oldAddress : addressOf(provider, at.address ?? undefined)
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

export function headersOf(
  headers: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> | undefined {
  const checked: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    const problem = headerProblem(name, value, credentialHeaders)
    if (problem) throw bad('headers', `headers ${problem}.`)
    checked[name.toLowerCase()] = value
  }
  return Object.keys(checked).length > 0 ? checked : undefined
}

export function addressOf(
  { label, settings = {} }: Provider,
  address: Readonly<Record<string, string | undefined>> = {},
): Readonly<Record<string, string>> | undefined {
  const checked: Record<string, string> = {}
  for (const [name, value] of Object.entries(address)) {
    if (!Object.hasOwn(settings, name)) throw bad(`address.${name}`, `${label} has no setting ${JSON.stringify(name)}.`)
    if (value === undefined) continue
    if (value.length > 255 || !isPartOfAddress(value))
      throw bad(`address.${name}`, `${name} must be made of letters, digits, dots and dashes.`)
    checked[name] = value
  }
  return Object.keys(checked).length > 0 ? checked : undefined
}

export function within(param: string, value: number, most: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= most) return value
  throw bad(param, `${param} must be a whole number from 1 to ${most}.`)
}
