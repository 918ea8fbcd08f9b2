import type { Endpoint, Provider } from './provider.ts'
import { readServiceAccount } from './service-account.ts'

const geminiBelow = (folder: string): Endpoint => ({
  dialect: 'gemini',
  whole: `${folder}/models/{model}:generateContent`,
  stream: `${folder}/models/{model}:streamGenerateContent?alt=sse`,
  countTokens: `${folder}/models/{model}:countTokens`,
  list: `${folder}/models?pageSize=1000`,
})

/** Google's Gemini API. */
export const gemini: Provider = {
  label: 'Google Gemini',
  baseUrl: 'https://generativelanguage.googleapis.com/v1beta',
  endpoints: [geminiBelow('')],
  keyHeader: 'x-goog-api-key',
  keyVariables: ['GEMINI_API_KEY', 'GOOGLE_API_KEY'],
  clients: ['gemini'],
}

/** Where Vertex AI answers for a location: `us` and `eu` are many regions under one name. */
function vertexHost(location: string): string {
  if (location === 'global') return 'aiplatform.googleapis.com'
  return /^(us|eu)$/.test(location)
    ? 'aiplatform.{location}.rep.googleapis.com'
    : '{location}-aiplatform.googleapis.com'
}

/**
 * Vertex AI. In its express mode a key is enough; a service account is good for a project, and calls it at the project's
 * own address, which Claude needs. With a key, that is a base URL that ends with
 * `/projects/{project}/locations/{location}`.
 */
export const vertex: Provider = {
  label: 'Google Vertex AI',
  baseUrl: 'https://aiplatform.googleapis.com/v1',
  cloudBaseUrl: ({ location = 'global' }) =>
    `https://${vertexHost(location)}/v1/projects/{project}/locations/{location}`,
  settingsOf: ({ fields: { key_json } }) => ({ project: projectOf(key_json) }),
  ownHosts: /^([a-z0-9-]+-)?aiplatform(\.(us|eu)\.rep)?\.googleapis\.com$/,
  endpoints: [
    { ...geminiBelow('/publishers/google'), models: /^(?!claude-)/ },
    {
      dialect: 'vertex-anthropic',
      alike: 'anthropic-messages',
      models: /^claude-/,
      whole: '/publishers/anthropic/models/{model}:rawPredict',
      stream: '/publishers/anthropic/models/{model}:streamRawPredict',
      countTokens: '/publishers/anthropic/models/count-tokens:rawPredict',
    },
  ],
  keyHeader: 'x-goog-api-key',
  credentialKinds: ['google_service_account', 'google_adc'],
  chain: { kind: 'google_adc', variables: [['GOOGLE_APPLICATION_CREDENTIALS']] },
  keyVariables: ['VERTEX_API_KEY'],
  settings: {
    project: {
      help: 'the Google Cloud project that a service account calls; its own when absent',
      env: ['GOOGLE_CLOUD_PROJECT'],
    },
    location: {
      help: 'the location of the models, for calls with a service account',
      env: ['GOOGLE_CLOUD_LOCATION'],
      fallback: 'global',
    },
  },
  // Keys are not taken there.
  listUrl: ({ origin, pathname }) =>
    pathname.includes('/projects/') ? new URL('/v1beta1/publishers/google/models', origin) : undefined,
}

/** The project in which a service account has been made, as its key file says. */
function projectOf(keyFile: string | undefined): string | undefined {
  const project = readServiceAccount(keyFile)?.project_id
  return typeof project === 'string' ? project : undefined
}
