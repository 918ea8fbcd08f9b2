import type { Credential } from '../core/credential.ts'
import { GatewayError } from '../core/error.ts'
import { type CredentialKindName, kindOf, secretsOf } from './credential-kinds.ts'
import { type Header, keyHeaders } from './key-headers.ts'
import type { ConfiguredProvider, Provider } from './provider.ts'

/** A credential as a call uses it, worked out once. */
export interface UsableCredential {
  readonly id: string
  /** The lowest goes first. */
  readonly priority: number
  /** Its share among those of the same priority. */
  readonly weight: number
  /** As it is sent; undefined when nothing is, or when it is changed into a token first. */
  readonly header: Header | undefined
  /** True for one that is changed into a token, which is known by its id. */
  readonly isCloud: boolean
  /** True for one that is this machine's own and not in the hands of whoever named it. */
  readonly isAmbient: boolean
  /** What nobody is to be told. */
  readonly secrets: readonly string[]
  /** Where it is good, if that is not where the provider usually is. */
  readonly at?: ConfiguredProvider
}

export function usable(
  id: string,
  credential: Credential,
  { keyHeader }: Pick<Provider, 'keyHeader'>,
  place: Partial<Pick<UsableCredential, 'priority' | 'weight' | 'at'>> = {},
): UsableCredential {
  const { api_key: key } = credential.fields
  return {
    id,
    priority: 1,
    weight: 1,
    header: credential.kind === 'api_key' && key !== undefined ? keyHeaders[keyHeader](key) : undefined,
    isCloud: kindOf(credential)?.isCloud ?? false,
    isAmbient: isAmbient(credential),
    secrets: secretsOf(credential),
    ...place,
  }
}

/** Why it is not sent where it would go: what is lent to this machine is for its vendor, and for whom the operator has named. */
export function refusedAt(
  { isAmbient: isLent }: UsableCredential,
  { name, origin, atVendor, mayBePrivate }: ConfiguredProvider,
): GatewayError | undefined {
  if (!isLent || atVendor || mayBePrivate) return undefined
  return new GatewayError(
    'egress_refused',
    `The credential for ${name} is this machine's own and does not go to ${origin}. Give the address in the configuration, or use a credential of another kind.`,
  )
}

const ofThisMachine: ReadonlySet<string> = new Set([
  'entra_default',
  'aws_profile',
  'aws_default',
  'google_adc',
] satisfies CredentialKindName[])

export const isAmbient = ({ kind, fields }: Credential): boolean =>
  ofThisMachine.has(kind) || (kind === 'aws_role' && fields.access_key_id === undefined)
