import type { Credential } from '../core/credential.ts'
import type { Provider } from './provider.ts'

/** A field of a credential. */
export interface CredentialField {
  readonly help: string
  readonly secret?: true
  readonly optional?: true
  /** True for a JSON document, which may also be given as an object. */
  readonly json?: true
}

export interface CredentialKind {
  readonly label: string
  readonly fields: Readonly<Record<string, CredentialField>>
  /** True for what a cloud's library changes into tokens that end. */
  readonly isCloud?: true
}

/** Every kind of credential, by the name that it has in the API and in the configuration. */
export const credentialKinds = {
  api_key: {
    label: 'API key',
    fields: { api_key: { help: 'the key', secret: true } },
  },
  entra_id: {
    label: 'Microsoft Entra ID, as an application',
    isCloud: true,
    fields: {
      tenant_id: { help: 'the directory (tenant) ID' },
      client_id: { help: 'the application (client) ID' },
      client_secret: { help: 'the secret of the application', secret: true },
      authority: { help: 'the address of the login service, where it is not the public one', optional: true },
    },
  },
  entra_default: {
    label: 'Microsoft Entra ID, as this machine or its user',
    isCloud: true,
    fields: {},
  },
  aws_static: {
    label: 'AWS access key',
    isCloud: true,
    fields: {
      access_key_id: { help: 'the ID of the access key' },
      secret_access_key: { help: 'the secret access key', secret: true },
      session_token: { help: 'the session token that belongs to a temporary key', secret: true, optional: true },
    },
  },
  aws_profile: {
    label: "AWS profile of this machine's configuration",
    isCloud: true,
    fields: { profile: { help: 'the name of the profile' } },
  },
  aws_role: {
    label: 'AWS role that is assumed',
    isCloud: true,
    fields: {
      role_arn: { help: 'the ARN of the role' },
      external_id: { help: 'the external ID that the role asks for', optional: true },
      session_name: { help: 'the name of the session in the logs of AWS', optional: true },
      access_key_id: { help: 'the access key with which it is assumed; the default chain when absent', optional: true },
      secret_access_key: { help: 'the secret access key of that', secret: true, optional: true },
      profile: { help: 'the profile with which it is assumed, instead of an access key', optional: true },
    },
  },
  aws_default: {
    label: "AWS's default chain: environment, profiles, container, instance",
    isCloud: true,
    fields: {},
  },
  google_service_account: {
    label: 'Google service account',
    isCloud: true,
    fields: { key_json: { help: 'the key file of the service account', secret: true, json: true } },
  },
  google_adc: {
    label: "Google's application default credentials",
    isCloud: true,
    fields: {},
  },
  none: {
    label: 'None: it is called without a credential',
    fields: {},
  },
} satisfies Record<string, CredentialKind>

export type CredentialKindName = keyof typeof credentialKinds

const kinds: Readonly<Record<string, CredentialKind>> = credentialKinds

export const kindOf = ({ kind }: Pick<Credential, 'kind'>): CredentialKind | undefined =>
  Object.hasOwn(kinds, kind) ? kinds[kind] : undefined

/** The kinds that a provider takes. */
export const kindsOf = ({ send, credentialKinds: more = [] }: Provider): readonly CredentialKindName[] =>
  send ? ['none'] : ['api_key', ...more, 'none']

/** What of a credential must never be shown. */
export const secretsOf = (credential: Credential): readonly string[] =>
  Object.entries(kindOf(credential)?.fields ?? {}).flatMap(([name, { secret }]) => {
    const value = credential.fields[name]
    return secret && value !== undefined ? [value] : []
  })
