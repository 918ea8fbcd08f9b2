import type { ChatRequest, Format, ReasoningWish, Settings } from '../../core/chat.ts'
import type { Abilities } from '../dialect.ts'
import { type Fields, present } from '../values.ts'
import { toOpenApi } from './schema.ts'
import { echoOf, isOwn, withExtra } from './wire.ts'

/** Google takes no more stop words. */
const mostStops = 5

/** Settings without a counterpart. */
const unknown = ['logitBias', 'verbosity', 'audio', 'user', 'metadata', 'cacheKey'] as const

export interface EncodedSettings {
  readonly generationConfig: Record<string, unknown>
  readonly serviceTier?: string
  /** What the model is told in words, since it has no field for it. */
  readonly instruction?: string
}

export function encodeSettings(
  request: ChatRequest,
  abilities: Abilities,
  drop: (what: string) => void,
): EncodedSettings {
  const settings = allowed(request.settings, abilities, drop)
  const goesBack = isOwn(request.extra)
  for (const name of unknown) if (settings[name] !== undefined) drop(name)
  // Nothing is kept for the client unless it asks for that.
  if (settings.store === true) drop('store')
  const { generationConfig, instruction } = encodeFormat(request, abilities, drop)
  const thinkingConfig = request.reasoning && thinkingOf(request.reasoning, abilities, drop)
  const serviceTier = tierOf(settings.serviceTier, goesBack, drop)
  return {
    generationConfig: present({
      temperature: settings.temperature,
      topP: settings.topP,
      topK: settings.topK,
      candidateCount: settings.choices,
      maxOutputTokens: settings.maxTokens,
      stopSequences: stopsOf(settings.stop, goesBack, drop),
      presencePenalty: settings.presencePenalty,
      frequencyPenalty: settings.frequencyPenalty,
      seed: settings.seed,
      responseLogprobs: settings.logprobs === undefined ? undefined : true,
      logprobs: settings.logprobs || undefined,
      responseModalities: settings.modalities?.map((modality) => modality.toUpperCase()),
      ...generationConfig,
      thinkingConfig,
    }),
    ...(serviceTier !== undefined && { serviceTier }),
    ...(instruction !== undefined && { instruction }),
  }
}

function allowed(settings: Settings, { refuses }: Abilities, drop: (what: string) => void): Settings {
  if (!refuses || refuses.length === 0) return settings
  const left: Record<string, unknown> = { ...settings }
  for (const name of refuses) {
    if (left[name] !== undefined) drop(name)
    delete left[name]
  }
  return left
}

function stopsOf(
  stop: Settings['stop'],
  goesBack: boolean,
  drop: (what: string) => void,
): readonly string[] | undefined {
  if (stop === undefined || goesBack) return stop
  const words = stop.filter((word) => word !== '')
  if (words.length > mostStops) drop('stop')
  return words.length === 0 ? undefined : words.slice(0, mostStops)
}

const tiers: Readonly<Record<string, string>> = {
  default: 'standard',
  standard: 'standard',
  flex: 'flex',
  priority: 'priority',
}

function tierOf(tier: string | undefined, goesBack: boolean, drop: (what: string) => void): string | undefined {
  // Without a tier Google chooses, as `auto` asks it to.
  if (tier === undefined || goesBack || tier === 'auto') return undefined
  if (!Object.hasOwn(tiers, tier)) drop('serviceTier')
  return Object.hasOwn(tiers, tier) ? tiers[tier] : undefined
}

interface EncodedFormat {
  readonly generationConfig: Fields
  readonly instruction?: string
}

function encodeFormat(
  { format, tools, extra }: ChatRequest,
  abilities: Abilities,
  drop: (what: string) => void,
): EncodedFormat {
  const none = { generationConfig: {} }
  if (!format) return none
  const goesBack = isOwn(extra)
  if (format.kind === 'text') return goesBack ? { generationConfig: { responseMimeType: 'text/plain' } } : none
  // Older models take tools or a format, not both.
  const hasCalls = !goesBack && !abilities.thinkingLevels && tools.some((tool) => tool.kind === 'function')
  if (hasCalls || abilities.schema === 'none') {
    drop('format')
    return { generationConfig: {}, instruction: inWords(format) }
  }
  const json = { responseMimeType: 'application/json' }
  if (format.kind === 'json' || echoOf(extra, 'generationConfig.responseSchema') !== undefined)
    return { generationConfig: json }
  if (abilities.jsonSchema !== false) return { generationConfig: { ...json, responseJsonSchema: format.schema } }
  const { schema, lost } = toOpenApi(format.schema)
  if (lost.length > 0) drop('format.schema')
  return { generationConfig: { ...json, ...(schema && { responseSchema: schema }) } }
}

const inWords = (format: Format): string =>
  format.kind === 'schema'
    ? `Give your final answer as JSON and nothing else, by this JSON Schema: ${JSON.stringify(format.schema)}`
    : 'Give your final answer as JSON and nothing else.'

const levels: Readonly<Record<string, string>> = {
  minimal: 'minimal',
  low: 'low',
  medium: 'medium',
  high: 'high',
  xhigh: 'high',
  max: 'high',
}

/** What Google's own OpenAI endpoint makes of the same words. */
const budgets: Readonly<Record<string, number>> = {
  minimal: 1024,
  low: 1024,
  medium: 8192,
  high: 24_576,
  xhigh: 24_576,
  max: 24_576,
}

/** The least that a model thinks whose thinking cannot be turned off. */
const leastBudget = 128

function thinkingOf(wish: ReasoningWish, abilities: Abilities, drop: (what: string) => void): Fields | undefined {
  if (isOwn(wish.extra)) {
    const thinking = present({ includeThoughts: wish.shown, thinkingBudget: wish.budget })
    return withExtra(thinking, wish.extra)
  }
  if (abilities.reasoning === 'none') {
    drop('reasoning')
    return undefined
  }
  const isOff = wish.mode === 'off' || wish.effort === 'none' || wish.budget === 0
  if (isOff && abilities.thinkingCanBeOff === false) drop('reasoning')
  const amount = abilities.thinkingLevels ? levelOf(wish, isOff, abilities) : budgetOf(wish, isOff, abilities)
  const shown = wish.shown ?? !isOff
  return { ...amount, ...(shown && { includeThoughts: true }) }
}

function levelOf({ effort, budget }: ReasoningWish, isOff: boolean, { thinkingCanBeOff }: Abilities): Fields {
  const least = thinkingCanBeOff === false ? 'low' : 'minimal'
  if (isOff) return { thinkingLevel: least }
  const level =
    effort !== undefined && Object.hasOwn(levels, effort)
      ? levels[effort]
      : budget !== undefined && budget > 0
        ? (['low', 'medium', 'high'] as const)[budget <= 1024 ? 0 : budget <= 8192 ? 1 : 2]
        : undefined
  if (level === undefined) return {}
  return { thinkingLevel: level === 'minimal' ? least : level }
}

function budgetOf({ effort, budget }: ReasoningWish, isOff: boolean, { thinkingCanBeOff }: Abilities): Fields {
  if (isOff) return { thinkingBudget: thinkingCanBeOff === false ? leastBudget : 0 }
  if (budget !== undefined) return { thinkingBudget: budget }
  if (effort !== undefined && Object.hasOwn(budgets, effort)) return { thinkingBudget: budgets[effort] }
  return { thinkingBudget: -1 }
}
