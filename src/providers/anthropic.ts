import { messages } from './compatible.ts'
import type { Provider } from './provider.ts'

export const anthropic: Provider = {
  label: 'Anthropic',
  baseUrl: 'https://api.anthropic.com',
  endpoints: [messages],
  keyHeader: 'x-api-key',
  keyVariables: ['ANTHROPIC_API_KEY'],
  clients: ['anthropic-messages'],
}
