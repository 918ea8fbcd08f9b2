import type { ChatRequest } from '../../core/chat.ts'
import type { Abilities, EncodedRequest } from '../dialect.ts'
import { countOf, isFields } from '../values.ts'
import { encodeRequest } from './encode-request.ts'

/** What counts no tokens of the prompt, and is refused where they are only counted. */
const uncounted = new Set([
  'max_tokens',
  'stream',
  'temperature',
  'top_p',
  'top_k',
  'stop_sequences',
  'metadata',
  'service_tier',
  'container',
  'inference_geo',
  'diagnostics',
])

/** What to send to have the tokens of a request counted. */
export function countTokensRequest(request: ChatRequest, abilities: Abilities): EncodedRequest {
  const { body, dropped } = encodeRequest(request, abilities)
  return { body: Object.fromEntries(Object.entries(body).filter(([name]) => !uncounted.has(name))), dropped }
}

export const readTokenCount = (body: unknown): number | undefined =>
  isFields(body) ? countOf(body.input_tokens) : undefined

export const encodeTokenCount = (count: number): unknown => ({ input_tokens: count })
