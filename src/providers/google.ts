import type { Endpoint, Provider } from './provider.ts'

const geminiBelow = (folder: string): Endpoint => ({
  dialect: 'gemini',
  whole: `${folder}/models/{model}:generateContent`,
  stream: `${folder}/models/{model}:streamGenerateContent?alt=sse`,
  countTokens: `${folder}/models/{model}:countTokens`,
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

/**
 * Vertex AI in its express mode, where a key is enough. A project's own address, which Claude needs, is a base URL that
 * ends with `/projects/{project}/locations/{location}`.
 */
export const vertex: Provider = {
  label: 'Google Vertex AI',
  baseUrl: 'https://aiplatform.googleapis.com/v1',
  ownHosts: /^([a-z0-9-]+-)?aiplatform\.googleapis\.com$/,
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
  keyVariables: ['VERTEX_API_KEY'],
}
