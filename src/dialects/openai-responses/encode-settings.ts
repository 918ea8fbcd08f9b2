import {
  type ChatRequest,
  efforts,
  type Format,
  type ReasoningWish,
  type SettingName,
  type Settings,
} from '../../core/chat.ts'
import { allowedId } from '../ids.ts'
import { type Fields, present, stringOf } from '../values.ts'
import { logprobsInclude } from './decode-request.ts'
import type { Writing } from './encode-content.ts'
import { isOwn, ownEcho, ownFields } from './own.ts'

const leastTokens = 16
const encryptedInclude = 'reasoning.encrypted_content'

/** Settings by the names that they have here; those that are not here have none. */
const names: { readonly [S in SettingName]?: string } = {
  maxTokens: 'max_output_tokens',
  temperature: 'temperature',
  topP: 'top_p',
  logprobs: 'top_logprobs',
  user: 'safety_identifier',
  metadata: 'metadata',
  serviceTier: 'service_tier',
  store: 'store',
  cacheKey: 'prompt_cache_key',
}

/** Written in another place than the top of the body, or nothing that a provider is told. */
const elsewhere: ReadonlySet<string> = new Set(['verbosity', 'includeUsage'] satisfies SettingName[])

/** Other words for these are other hosts' own. */
const serviceTiers: ReadonlySet<unknown> = new Set([
  'auto',
  'default',
  'flex',
  'priority',
  'scale',
  'fast',
  'ultrafast',
])
const knownEfforts: ReadonlySet<string> = new Set(efforts)

/** Values that ask for nothing, so that leaving them out is no loss. */
function asksNothing(name: SettingName, settings: Settings): boolean {
  const { stop, choices, modalities, logitBias } = settings
  switch (name) {
    case 'stop':
      return stop?.length === 0
    case 'choices':
      return choices === 1
    case 'modalities':
      return modalities?.every((one) => one === 'text') ?? true
    case 'logitBias':
      return Object.keys(logitBias ?? {}).length === 0
    case 'frequencyPenalty':
    case 'presencePenalty':
      return settings[name] === 0
    default:
      return false
  }
}

export function wireSettings(
  { settings, extra }: ChatRequest,
  isNative: boolean,
  { abilities, drop }: Writing,
): Fields {
  const wire: Record<string, unknown> = isNative ? {} : { store: false }
  for (const name of Object.keys(settings) as SettingName[]) {
    const value = settings[name]
    if (value === undefined || elsewhere.has(name)) continue
    const field = name === 'user' ? (stringOf(ownEcho(extra).userField) ?? names.user) : names[name]
    const isForeign = name === 'serviceTier' && !isNative && !serviceTiers.has(value)
    if (field === undefined || isForeign || abilities.refuses?.includes(name)) {
      if (!asksNothing(name, settings)) drop(name)
    } else if (name !== 'logprobs' || value !== 0)
      wire[field] = name === 'maxTokens' && !isNative ? Math.max(leastTokens, value as number) : value
  }
  return wire
}

/** Thoughts come sealed, so that they can come back to a provider that keeps nothing. */
export function includes(
  request: ChatRequest,
  isNative: boolean,
  { abilities }: Writing,
): readonly unknown[] | undefined {
  const asked = ownEcho(request.extra).include
  const wantsLogprobs = request.settings.logprobs !== undefined && !abilities.refuses?.includes('logprobs')
  if (isNative) {
    if (!Array.isArray(asked)) return undefined
    return wantsLogprobs ? asked : asked.filter((one) => one !== logprobsInclude)
  }
  const list = [
    ...(abilities.reasoning === 'none' ? [] : [encryptedInclude]),
    ...(wantsLogprobs ? [logprobsInclude] : []),
  ]
  return list.length > 0 ? list : undefined
}

export function wireReasoning({ reasoning, extra }: ChatRequest, { abilities, drop }: Writing): Fields | undefined {
  if (!reasoning) return undefined
  const { shown, summary } = reasoning
  const wanted = effortOf(reasoning)
  const isKnown = wanted === undefined || isOwn(extra) || knownEfforts.has(wanted)
  if (!isKnown) drop('reasoning')
  const effort = isKnown ? wanted : undefined
  if (abilities.reasoning === 'none') {
    if (effort !== undefined && effort !== 'none') drop('reasoning')
    return undefined
  }
  const rest = reasoning.extra
  if (rest && !isOwn(rest)) for (const name of Object.keys(rest.fields)) drop(name)
  const canBeOff = abilities.thinkingCanBeOff !== false
  if (effort === 'none' && !canBeOff) drop('reasoning')
  const wire = present({
    effort: effort === 'none' && !canBeOff ? undefined : effort,
    summary: summary ?? (shown ? 'auto' : undefined),
    ...ownFields(rest),
  })
  return Object.keys(wire).length > 0 ? wire : undefined
}

/** Up to how many tokens of thought an effort is meant. */
const budgets: readonly (readonly [upTo: number, effort: string])[] = [
  [0, 'none'],
  [4096, 'low'],
  [16_384, 'medium'],
  [Number.POSITIVE_INFINITY, 'high'],
]

function effortOf({ effort, budget, mode }: ReasoningWish): string | undefined {
  if (effort !== undefined) return effort
  if (mode === 'off') return 'none'
  // -1 is as the model likes.
  if (budget === undefined || budget < 0) return undefined
  return budgets.find(([upTo]) => budget <= upTo)?.[1]
}

export function wireText(request: ChatRequest, rest: unknown, { abilities, drop }: Writing): Fields | undefined {
  const { format, settings } = request
  const takesVerbosity = !abilities.refuses?.includes('verbosity')
  if (settings.verbosity !== undefined && !takesVerbosity) drop('verbosity')
  const takesSchema = format?.kind !== 'schema' || (abilities.schema ?? 'native') === 'native'
  if (!takesSchema) drop('format')
  const wire = present({
    format: format && takesSchema ? wireFormat(format) : undefined,
    verbosity: takesVerbosity ? settings.verbosity : undefined,
    ...(rest as Fields | undefined),
  })
  return Object.keys(wire).length > 0 ? wire : undefined
}

export function wireFormat(format: Format): Fields {
  switch (format.kind) {
    case 'text':
      return { type: 'text' }
    case 'json':
      return { type: 'json_object' }
    case 'schema': {
      const { name = 'answer', description, schema, strict } = format
      return present({
        type: 'json_schema',
        name: allowedId(name, /^[a-zA-Z0-9_-]+$/, 64),
        description,
        schema: schema ?? { type: 'object' },
        strict,
      })
    }
  }
}
