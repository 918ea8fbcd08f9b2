import { describe, expect, test } from 'vitest'
import { type Given, load, loadAll, problemsOf } from '../../test/support/loading.ts'
import type { ProviderConfig } from '../core/config.ts'

const providerOf = (name: string, given: Given): ProviderConfig | undefined => load(given).providers[name]

describe('a credential of the file', () => {
  test('has a kind and the fields of that', () => {
    const yaml = `
providers:
  bedrock:
    credential: { kind: aws_role, role_arn: 'arn:aws:iam::1:role/r', profile: work }
  azure:
    resource: mine
    credential: { kind: entra_id, tenant_id: t, client_id: c, client_secret: "\${S}" }
  vertex:
    credential: { kind: google_service_account, key_json: { type: service_account, private_key: p } }
  vllm:
    credential: { kind: none }
  groq:
    credential: { kind: api_key, api_key: sk-1 }
`
    const environment = { S: 'shh', GROQ_API_KEY: 'sk-2', AZURE_OPENAI_API_KEY: 'z', TRUNKLINE_AZURE_API_KEY: 'y' }
    const { providers } = load({ yaml, environment })
    expect(providers.bedrock?.credential).toEqual({
      kind: 'aws_role',
      fields: { role_arn: 'arn:aws:iam::1:role/r', profile: 'work' },
    })
    expect(providers.azure).toMatchObject({
      credential: { kind: 'entra_id', fields: { tenant_id: 't', client_id: 'c', client_secret: 'shh' } },
    })
    expect(providers.azure).not.toHaveProperty('apiKey')
    expect(JSON.parse(providers.vertex?.credential?.fields.key_json ?? '')).toEqual({
      type: 'service_account',
      private_key: 'p',
    })
    expect(providers.vllm?.credential).toEqual({ kind: 'none', fields: {} })
    expect(providers.groq).toMatchObject({ apiKey: 'sk-1' })
    expect(providers.groq).not.toHaveProperty('credential')
  })

  test.each<[what: string, yaml: string, problems: string[]]>([
    [
      'a kind that the provider does not take',
      'providers: { groq: { credential: { kind: aws_static } } }',
      ['FILE:1:36: providers.groq.credential.kind must be api_key, none, not "aws_static".'],
    ],
    [
      'no kind',
      'providers: { bedrock: { credential: { profile: x } } }',
      ['FILE:1:39: providers.bedrock.credential needs a kind.'],
    ],
    [
      'fields that are missing',
      'providers: { bedrock: { credential: { kind: aws_static, access_key_id: A } } }',
      [
        'FILE:1:39: providers.bedrock.credential: a credential of kind aws_static needs secret_access_key: the secret access key.',
      ],
    ],
    [
      'a field of another kind',
      'providers: { bedrock: { credential: { kind: aws_default, profile: x } } }',
      [
        'FILE:1:58: providers.bedrock.credential.profile: a credential of kind aws_default has no profile. It takes none.',
      ],
    ],
    [
      'a field that there is not',
      'providers: { azure: { credential: { kind: entra_default, tenant: x } } }',
      [
        'FILE:1:58: there is no setting providers.azure.credential.tenant. Did you mean providers.azure.credential.tenant_id?',
      ],
    ],
    [
      'a key beside it',
      'providers: { azure: { api_key: k, credential: { kind: entra_default } } }',
      ['FILE:1:23: providers.azure has api_key and credential. Take one of them out.'],
    ],
    [
      'an empty secret',
      "providers: { azure: { credential: { kind: entra_id, tenant_id: t, client_id: c, client_secret: '' } } }",
      ['FILE:1:81: providers.azure.credential.client_secret must be a text that is not empty.'],
    ],
    [
      'a word for it',
      'providers: { vllm: { credential: none } }',
      ['FILE:1:22: providers.vllm.credential must be a map with kind, api_key.'],
    ],
  ])('%s is refused', (_what, yaml, problems) => {
    expect(problemsOf({ yaml })).toEqual(problems)
  })
})

describe("a cloud's own chain", () => {
  test.each<[name: string, kind: string, environment: Readonly<Record<string, string>>]>([
    ['bedrock', 'aws_default', { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 's' }],
    ['bedrock', 'aws_default', { AWS_PROFILE: 'work' }],
    ['bedrock-mantle', 'aws_default', { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.170.2/' }],
    ['vertex', 'google_adc', { GOOGLE_APPLICATION_CREDENTIALS: '/k.json', GOOGLE_CLOUD_PROJECT: 'p' }],
    ['azure', 'entra_default', { AZURE_TENANT_ID: 't', AZURE_CLIENT_ID: 'c', AZURE_OPENAI_RESOURCE: 'mine' }],
  ])('is used by %s as %s when %j is there', (name, kind, environment) => {
    expect(providerOf(name, { environment })?.credential).toEqual({ kind, fields: {} })
    const source = loadAll({ environment }).sources.get(`providers.${name}.credential.kind`)
    expect(source).toMatchObject({ kind: 'environment', place: expect.stringContaining('A') })
  })

  test('stands behind a key, whoever gave it, and behind a credential', () => {
    const environment = { AWS_PROFILE: 'work' }
    expect(providerOf('bedrock', { environment: { ...environment, AWS_BEARER_TOKEN_BEDROCK: 'b' } })).toMatchObject({
      apiKey: 'b',
    })
    expect(
      providerOf('bedrock', { environment: { ...environment, AWS_BEARER_TOKEN_BEDROCK: 'b' } }),
    ).not.toHaveProperty('credential')
    const yaml = 'providers: { bedrock: { credential: { kind: none } } }'
    expect(providerOf('bedrock', { yaml, environment })?.credential).toEqual({ kind: 'none', fields: {} })
  })

  test('is not begun when half of it is missing, or nobody has said where the provider is', () => {
    const half = { AWS_ACCESS_KEY_ID: 'a', AZURE_TENANT_ID: 't', AZURE_OPENAI_RESOURCE: 'r' }
    expect(providerOf('bedrock', { environment: half })).not.toHaveProperty('credential')
    expect(providerOf('azure', { environment: half })).not.toHaveProperty('credential')
    const nowhere = { AZURE_TENANT_ID: 't', AZURE_CLIENT_ID: 'c' }
    expect(providerOf('azure', { environment: nowhere })).not.toHaveProperty('credential')
  })

  test("goes to the vendor's own hosts only", () => {
    const environment = { AZURE_TENANT_ID: 't', AZURE_CLIENT_ID: 'c' }
    const at = (url: string) =>
      providerOf('azure', { environment, yaml: `providers: { azure: { base_url: '${url}' } }` })?.credential?.kind
    expect(at('https://mine.services.ai.azure.com')).toBe('entra_default')
    expect(at('https://evil.example/azure.com')).toBeUndefined()
    expect(at('http://mine.openai.azure.com')).toBeUndefined()
  })
})

test('an address that an operator names may be a private one', () => {
  const yaml = 'providers: { groq: { base_url: "http://10.0.0.1/v1" } }'
  expect(providerOf('groq', { yaml })?.mayBePrivate).toBe(true)
  expect(providerOf('openai', { settings: { 'providers.openai.base_url': 'http://h/v1' } })?.mayBePrivate).toBe(true)
  expect(providerOf('xai', { environment: { TRUNKLINE_XAI_BASE_URL: 'http://h' } })?.mayBePrivate).toBe(true)
  expect(providerOf('xai', {})).not.toHaveProperty('mayBePrivate')
})
