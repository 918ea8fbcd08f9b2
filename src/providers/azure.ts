import { chat } from './compatible.ts'
import { openaiEndpoints } from './openai.ts'
import type { Endpoint, Provider } from './provider.ts'

/** Azure OpenAI with a key, or a token of Entra ID. A model is called by the name of its deployment. */
export const azure: Provider = {
  label: 'Azure OpenAI',
  baseUrl: 'https://{resource}.openai.azure.com',
  ownHosts: /\.(openai|services\.ai|cognitiveservices)\.azure\.com$/,
  endpoints: ({ api_version: version }) => (isDate(version) ? [deployments(version)] : v1(version)),
  keyHeader: 'api-key',
  credentialKinds: ['entra_id', 'entra_default'],
  chain: {
    kind: 'entra_default',
    variables: [
      ['AZURE_TENANT_ID', 'AZURE_CLIENT_ID'],
      ['IDENTITY_ENDPOINT', 'IDENTITY_HEADER'],
    ],
  },
  keyVariables: ['AZURE_OPENAI_API_KEY'],
  asksForStreamUsage: true,
  settings: {
    resource: { help: 'the name of the resource, the first part of its address', env: ['AZURE_OPENAI_RESOURCE'] },
    api_version: { help: 'a dated version for the addresses with the deployment in them; the v1 API when absent' },
  },
}

const isDate = (version: string | undefined): version is string => /^\d{4}-\d\d-\d\d/.test(version ?? '')

/** The dated API has chat completions only, and lags behind. */
const deployments = (version: string): Endpoint => ({
  ...chat,
  whole: `/openai/deployments/{model}/chat/completions?api-version=${version}`,
  list: `/openai/models?api-version=${version}`,
})

/** The v1 API needs no version; `preview` opts into what is new. */
function v1(version: string | undefined): readonly Endpoint[] {
  const query = version === undefined ? '' : `?api-version=${version}`
  return openaiEndpoints.map((endpoint) => ({
    ...endpoint,
    whole: `/openai/v1${endpoint.whole}${query}`,
    list: `/openai/v1/models${query}`,
  }))
}
