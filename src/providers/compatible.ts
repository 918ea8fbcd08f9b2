import type { Endpoint, Provider } from './provider.ts'

/** OpenAI's chat completions below the base URL, as everybody who is compatible with it has them. */
export const chat: Endpoint = { dialect: 'openai-chat', whole: '/chat/completions', list: '/models' }

export const responses: Endpoint = { dialect: 'openai-responses', whole: '/responses', list: '/models' }

/** Anthropic's messages, below an address without or with the version. */
export const messages: Endpoint = {
  dialect: 'anthropic-messages',
  whole: '/v1/messages',
  countTokens: '/v1/messages/count_tokens',
  list: '/v1/models?limit=1000',
  // Under the later version sampling settings are refused whatever the model; a client that speaks it says so itself.
  headers: { 'anthropic-version': '2023-06-01' },
}

/** An endpoint in another folder of the host. */
export const below = (folder: string, endpoint: Endpoint): Endpoint => ({
  ...endpoint,
  whole: `${folder}${endpoint.whole}`,
  ...(endpoint.countTokens !== undefined && { countTokens: `${folder}${endpoint.countTokens}` }),
  ...(endpoint.list !== undefined && { list: `${folder}${endpoint.list}` }),
})

type Row = Partial<Omit<Provider, 'label' | 'baseUrl'>>

/** A vendor with an address of its own who speaks OpenAI's chat dialect; what else is peculiar to it stands in its row. */
export const openaiCompatible = (label: string, baseUrl: string, keyVariable: string, row: Row = {}): Provider => ({
  label,
  baseUrl,
  endpoints: [chat],
  keyHeader: 'bearer',
  keyVariables: [keyVariable],
  asksForStreamUsage: true,
  ...row,
})

/**
 * A server on one's own machine, or wherever one has put it: it wants a key only if it was told to. Newer versions speak
 * other dialects too, and some one of their own; the setting `dialects` says so.
 */
export const local = (label: string, baseUrl: string | undefined, ...own: readonly Endpoint[]): Provider => ({
  label,
  ...(baseUrl !== undefined && { baseUrl }),
  endpoints: [chat, { ...responses, optional: true }, { ...below('/..', messages), optional: true }, ...own],
  keyHeader: 'bearer',
  keyless: true,
  asksForStreamUsage: true,
})
