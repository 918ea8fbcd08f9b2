import { expect, test } from 'vitest'
import { defaultTimeouts, type ProviderConfig } from '../core/config.ts'
import type { Credential } from '../core/credential.ts'
import { providersOf } from './configured-providers.ts'
import { endpointFor, pathOf } from './endpoint.ts'
import { vertex } from './google.ts'
import { type ConfiguredProvider, configured } from './provider.ts'

const account = (fields: object): Credential => ({
  kind: 'google_service_account',
  fields: { key_json: JSON.stringify(fields) },
})
const adc: Credential = { kind: 'google_adc', fields: {} }

const noNeeds = () => ({ hasTools: false, effort: undefined })

function addressOf(provider: ConfiguredProvider, model = 'gemini-x'): string {
  return `${provider.origin}${pathOf(endpointFor(provider, model, 'gemini', noNeeds), 'whole', model)}`
}

test.each<[what: string, config: ProviderConfig, address: string]>([
  [
    'a key, in express mode',
    { apiKey: 'k' },
    'https://aiplatform.googleapis.com/v1/publishers/google/models/gemini-x:generateContent',
  ],
  [
    'a key, in express mode, whatever the project',
    { apiKey: 'k', address: { project: 'p', location: 'us-east5' } },
    'https://aiplatform.googleapis.com/v1/publishers/google/models/gemini-x:generateContent',
  ],
  [
    "a service account, in the account's project",
    { credential: account({ project_id: 'its-own' }) },
    'https://aiplatform.googleapis.com/v1/projects/its-own/locations/global/publishers/google/models/gemini-x:generateContent',
  ],
  [
    'a service account, in the project that is said',
    { credential: account({ project_id: 'its-own' }), address: { project: 'said', location: 'us-east5' } },
    'https://us-east5-aiplatform.googleapis.com/v1/projects/said/locations/us-east5/publishers/google/models/gemini-x:generateContent',
  ],
  [
    'the credentials of the machine, in many regions under one name',
    { credential: adc, address: { project: 'said', location: 'eu' } },
    'https://aiplatform.eu.rep.googleapis.com/v1/projects/said/locations/eu/publishers/google/models/gemini-x:generateContent',
  ],
  [
    'a service account, at the base URL that is said',
    {
      credential: account({ project_id: 'its-own' }),
      baseUrl: 'https://eu-aiplatform.googleapis.com/v1/projects/p/locations/l',
    },
    'https://eu-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google/models/gemini-x:generateContent',
  ],
])('Vertex AI is called with %s', (_what, config, address) => {
  expect(addressOf(configured('vertex', vertex, defaultTimeouts, config))).toBe(address)
})

test("a project's own service account calls its own project", () => {
  const credential = account({ project_id: 'its-own' })
  const own = { id: '1', provider: 'vertex', priority: 1, weight: 1, credential, at: {} }
  const parts = { settings: { captureBodies: true }, providers: {}, credentials: [own] }
  const config = { timeouts: defaultTimeouts, providers: { vertex: { apiKey: 'k' } } }
  const at = providersOf(parts, config, new Map()).get('vertex')?.own[0]?.at
  expect(at && addressOf(at)).toContain('/projects/its-own/locations/global/')
})

test.each(['evil.example/', 'evil.example#', 'a b', '../x', '@evil.example'])(
  'a project or a location cannot lead elsewhere: %s',
  (text) => {
    const inProject = configured('vertex', vertex, defaultTimeouts, { credential: account({ project_id: text }) })
    const address = { project: 'p', location: text }
    const inLocation = configured('vertex', vertex, defaultTimeouts, { credential: adc, address })
    expect([inProject.origin, inLocation.origin]).toEqual(['', ''])
  },
)

test('Vertex AI without a project says what to set', () => {
  const provider = configured('vertex', vertex, defaultTimeouts, { credential: adc })
  expect(() => endpointFor(provider, 'gemini-x', 'gemini', noNeeds)).toThrow('Set providers.vertex.project')
})
