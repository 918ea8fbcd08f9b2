import type { Provider } from '../provider.ts'
import { fullNames } from './models.ts'
import { send } from './send.ts'

/** The built-in provider: no key, no network, and always the same answer to the same request. docs/mock.md is for its users. */
export const mock: Provider = {
  label: 'Mock',
  baseUrl: 'mock://local',
  endpoints: [{ dialect: 'openai-chat', whole: '/chat/completions' }],
  keyHeader: 'none',
  asksForStreamUsage: true,
  models: fullNames,
  send,
}
