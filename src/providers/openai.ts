import { openaiThinks } from './ability-rules.ts'
import { chat, responses } from './compatible.ts'
import type { Endpoint, Provider } from './provider.ts'

/** Models that OpenAI has behind Responses only. */
const onlyThere = '\\bo\\d+-pro|\\bgpt-\\d[\\w.]*-pro|codex|deep-research|computer-use'

/**
 * OpenAI's endpoints. A foreign client's chat goes to Responses where the model thinks, for it carries thoughts and what
 * came of tools whole, and these models refuse what it lacks; else to chat completions.
 */
export const openaiEndpoints: readonly Endpoint[] = [
  { ...responses, models: new RegExp(`${openaiThinks.source}|${onlyThere}`) },
  { ...chat, models: new RegExp(`^(?!.*(${onlyThere}))`) },
  responses,
]

/** OpenAI, and with another base URL any host that speaks its dialects. */
export const openai: Provider = {
  label: 'OpenAI',
  baseUrl: 'https://api.openai.com/v1',
  baseUrlFlag: '--openai-base-url <url>',
  endpoints: openaiEndpoints,
  keyHeader: 'bearer',
  keyVariables: ['OPENAI_API_KEY'],
  keyGoesAnywhere: true,
  clients: ['openai-chat', 'openai-responses'],
  asksForStreamUsage: true,
}
