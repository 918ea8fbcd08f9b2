import { GatewayError } from '../core/error.ts'
import type { Asked } from '../dialects/dialect.ts'
import type { Exchange } from '../http/exchange.ts'

export const geminiPrefixes = ['/gemini/v1beta/', '/gemini/v1/', '/gemini/v1alpha/'] as const

/** The collection that most clients write before the model's name. */
const collection = 'models/'

/** What a Gemini client may ask of a model: the last word of the path, after its last colon. */
export type GeminiVerb = 'generateContent' | 'streamGenerateContent' | 'countTokens'

const verbs: ReadonlySet<string> = new Set<GeminiVerb>(['generateContent', 'streamGenerateContent', 'countTokens'])

export interface GeminiAddress extends Asked {
  readonly verb: GeminiVerb
  /** True when a stream is wanted as server-sent events, and not as one list that comes piece by piece. */
  readonly sse: boolean
}

/** The model's name may have slashes and colons of its own, plain or percent-encoded. */
export function geminiAddress({ path, query }: Exchange): GeminiAddress {
  const prefix = geminiPrefixes.find((one) => path.startsWith(one)) ?? ''
  const asked = path.slice(prefix.length).replace(/%3A/gi, ':')
  const rest = asked.startsWith(collection) ? asked.slice(collection.length) : asked
  const colon = rest.lastIndexOf(':')
  const verb = rest.slice(colon + 1)
  if (colon <= 0 || !verbs.has(verb)) {
    throw new GatewayError(
      'unknown_url',
      `There is nothing at ${path.slice(0, 200)}. Ask models/{model}:generateContent, :streamGenerateContent or :countTokens.`,
    )
  }
  const sse = new URLSearchParams(query).get('alt') === 'sse'
  return {
    model: decoded(rest.slice(0, colon)),
    verb: verb as GeminiVerb,
    stream: verb === 'streamGenerateContent',
    sse,
  }
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    throw new GatewayError('bad_request', `The model's name in the address is not valid: ${name.slice(0, 200)}.`, {
      param: 'model',
    })
  }
}
