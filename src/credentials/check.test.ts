import { expect, test } from 'vitest'
import type { Credential } from '../core/credential.ts'
import { kindsOf } from '../providers/credential-kinds.ts'
import { providers } from '../providers/index.ts'
import { checkedCredential } from './check.ts'

const all = ['api_key', 'entra_id', 'aws_static', 'aws_role', 'google_service_account', 'none']

const file = (more: Record<string, unknown> = {}): string =>
  JSON.stringify({
    type: 'service_account',
    client_email: 'a@b.example',
    private_key: '-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n',
    ...more,
  })

const account = (more?: Record<string, unknown>): Credential => ({
  kind: 'google_service_account',
  fields: { key_json: file(more) },
})

test('a provider takes a key, none, and what its row says besides', () => {
  expect(kindsOf(providers.openai)).toEqual(['api_key', 'none'])
  expect(kindsOf(providers.vertex)).toEqual(['api_key', 'google_service_account', 'google_adc', 'none'])
  expect(kindsOf(providers.mock)).toEqual(['none'])
})

test.each<[string, Credential, string]>([
  ['a kind that is not taken', { kind: 'google_adc', fields: {} }, 'kind must be api_key, entra_id'],
  ['a kind that every object has', { kind: 'constructor', fields: {} }, 'kind must be api_key'],
  ['a field that is missing', { kind: 'api_key', fields: {} }, 'api_key needs api_key: the key.'],
  [
    'one that only its parents have',
    { kind: 'api_key', fields: Object.create({ api_key: 'canary' }) },
    'needs api_key',
  ],
  [
    'an unknown field',
    { kind: 'api_key', fields: { api_key: 'canary', api_kee: 'canary' } },
    'api_key has no field "api_kee". Did you mean api_key?',
  ],
  ['an empty secret', { kind: 'api_key', fields: { api_key: '  ' } }, 'api_key must not be empty.'],
  ['a line break in a key', { kind: 'api_key', fields: { api_key: 'canary\r\nx-evil: 1' } }, 'a character that a key'],
  ['a letter that no header has', { kind: 'api_key', fields: { api_key: 'canaryé' } }, 'a character that a key'],
  ['a huge secret', { kind: 'api_key', fields: { api_key: 'canary'.repeat(9_000) } }, 'is longer than 16384'],
  [
    'half an access key',
    { kind: 'aws_role', fields: { role_arn: 'r', access_key_id: 'canary' } },
    'access_key_id and secret_access_key belong together',
  ],
  [
    'an access key and a profile',
    { kind: 'aws_role', fields: { role_arn: 'r', access_key_id: 'a', secret_access_key: 'canary', profile: 'p' } },
    'not both',
  ],
  [
    'a login service without TLS',
    { kind: 'entra_id', fields: { tenant_id: 't', client_id: 'c', client_secret: 'canary', authority: 'http://x' } },
    'authority must be an https URL.',
  ],
  [
    'a key file that is no JSON',
    { kind: 'google_service_account', fields: { key_json: 'canary{' } },
    'the JSON of a key file',
  ],
  ['a key file of a user', account({ type: 'authorized_user' }), 'whose `type` is service_account'],
  ['a key file without a key', account({ private_key: undefined }), 'The key file has no private_key.'],
  ['a key that is none', account({ private_key: 'canary' }), 'Its private_key is no private key in PEM.'],
  [
    'a key that takes seconds to sign with',
    account({ private_key: `-----BEGIN PRIVATE KEY-----\n${'canary'.repeat(900)}` }),
    'Its private_key is longer than any of Google.',
  ],
  ['a key file with a list in it', account({ client_email: ['canary'] }), 'Its client_email must be a text.'],
  ['tokens from elsewhere', account({ token_uri: 'https://googleapis.com.evil.example/canary' }), "must be Google's"],
  ['tokens from this machine', account({ token_uri: 'http://169.254.169.254/canary' }), "must be Google's"],
  ['tokens past a password', account({ token_uri: 'https://canary@oauth2.googleapis.com' }), "must be Google's"],
  ['another cloud', account({ universe_domain: 'canary.example' }), 'universe_domain must be googleapis.com'],
])('%s is refused, and no value is in the message', (_what, credential, message) => {
  const check = (): Credential => checkedCredential(credential, all, false)
  expect(check).toThrow(message)
  expect(check).not.toThrow('canary')
})

test('space around a key is taken off, and of a key file what nobody reads', () => {
  expect(checkedCredential({ kind: 'api_key', fields: { api_key: ' sk-1\n' } }, all, false).fields).toEqual({
    api_key: 'sk-1',
  })
  const { fields } = checkedCredential(account({ auth_uri: 'https://x', __proto__: { a: 1 }, quota: 1 }), all, false)
  expect(Object.keys(JSON.parse(fields.key_json as string)).toSorted()).toEqual(['client_email', 'private_key', 'type'])
})

test('an operator may say where tokens come from', () => {
  const token_uri = 'http://127.0.0.1:8080/token'
  const { fields } = checkedCredential(account({ token_uri }), all, true)
  expect(JSON.parse(fields.key_json as string)).toMatchObject({ token_uri })
})
