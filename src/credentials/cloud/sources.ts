import type { Credential } from '../../core/credential.ts'
import { type CredentialKindName, secretsOf } from '../../providers/credential-kinds.ts'
import { readServiceAccount } from '../../providers/service-account.ts'
import { awsDefault, awsProfile, awsRole, awsStatic } from './aws.ts'
import { entraDefault, entraId } from './azure.ts'
import { failureWords, isUnreachable } from './failure-words.ts'
import { googleAdc, googleServiceAccount } from './google.ts'
import { type SourceContext, type SourceOf, TokenFailure, type TokenSource } from './token-source.ts'

interface Row {
  readonly source: SourceOf
  /** Who is asked. */
  readonly service: string
  /** What did not work, and where to look. */
  readonly failed: (fields: Credential['fields']) => string
}

/** Where tokens come from, by the kind of the credential. */
export const sources = {
  aws_static: { source: awsStatic, service: 'AWS', failed: () => 'The AWS access key cannot be used.' },
  aws_profile: {
    source: awsProfile,
    service: 'AWS',
    failed: ({ profile }) =>
      `The AWS profile ${JSON.stringify(profile)} gives no credentials. Look into ~/.aws/config and ~/.aws/credentials of the user who runs Trunkline; a profile with single sign-on wants \`aws sso login\`.`,
  },
  aws_role: {
    source: awsRole,
    service: 'AWS',
    failed: ({ role_arn: role }) =>
      `The AWS role ${role} cannot be assumed. Look at its trust policy, its external ID, and the key with which it is assumed.`,
  },
  aws_default: {
    source: awsDefault,
    service: 'AWS',
    failed: () =>
      "AWS's default chain finds no credentials: neither in the environment, nor in a profile, nor from a container or an instance.",
  },
  google_service_account: {
    source: googleServiceAccount,
    service: 'Google',
    failed: ({ key_json: key }) =>
      `Google gives no token for the service account ${readServiceAccount(key)?.client_email}. Does its key still exist?`,
  },
  google_adc: {
    source: googleAdc,
    service: 'Google',
    failed: () =>
      "Google's application default credentials give no token. Set GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth application-default login`.",
  },
  entra_id: {
    source: entraId,
    service: 'Microsoft Entra ID',
    failed: ({ client_id: client, tenant_id: tenant }) =>
      `Entra ID gives no token for the application ${client} in the directory ${tenant}. Has its secret expired?`,
  },
  entra_default: {
    source: entraDefault,
    service: 'Microsoft Entra ID',
    failed: () =>
      'Entra ID gives no token for this machine or its user. Set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or run `az login`.',
  },
} satisfies Partial<Record<CredentialKindName, Row>>

const rows: Readonly<Record<string, Row>> = sources

/** Whatever a library throws becomes words of ours: its own may repeat what it was given. */
export const sourceOf: SourceOf = (credential: Credential, context: SourceContext): TokenSource => {
  const row = Object.hasOwn(rows, credential.kind) ? rows[credential.kind] : undefined
  if (!row)
    return { fetch: () => Promise.reject(new TokenFailure('There are no tokens for a credential of this kind.')) }
  const source = row.source(credential, context)
  return {
    async fetch() {
      try {
        return await source.fetch()
      } catch (thrown) {
        if (thrown instanceof TokenFailure) throw thrown
        const words = failureWords(thrown, secretsIn(credential))
        const detail = words.length > 0 ? ` (${words.join(', ')})` : ''
        if (isUnreachable(words)) throw new TokenFailure(`${row.service} cannot be reached${detail}.`)
        throw new TokenFailure(`${row.failed(credential.fields)}${detail}`)
      }
    },
  }
}

/** A key file holds its secret as one of its fields. */
const secretsIn = (credential: Credential): readonly string[] => {
  const key = readServiceAccount(credential.fields.key_json)?.private_key
  return [...secretsOf(credential), ...(typeof key === 'string' ? [key] : [])]
}
