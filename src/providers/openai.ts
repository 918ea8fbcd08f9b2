import { openaiChat } from '../dialects/openai-chat/openai-chat.ts'
import type { Provider } from './provider.ts'

/** OpenAI, and with another base URL any host that speaks its dialect. */
export const openai: Provider = {
  label: 'OpenAI',
  dialect: openaiChat,
  baseUrl: 'https://api.openai.com/v1',
  chatPath: '/chat/completions',
  credential: 'bearer',
  keyVariable: 'OPENAI_API_KEY',
  asksForStreamUsage: true,
  models: [],
}
