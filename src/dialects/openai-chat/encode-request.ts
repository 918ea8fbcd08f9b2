import type { ChatRequest, efforts, Format, ReasoningWish, SettingName, Settings } from '../../core/chat.ts'
import type { Abilities, EncodedRequest } from '../dialect.ts'
import { type Fields, fieldsOf, present } from '../values.ts'
import { messagesOf } from './encode-messages.ts'
import type { Dropped } from './encode-parts.ts'
import { toolFields } from './encode-tools.ts'
import { own } from './finish.ts'

/** How many sequences OpenAI and most compatible hosts take. */
const mostStops = 4

export function encodeRequest(request: ChatRequest, abilities: Abilities): EncodedRequest {
  const dropped: Dropped = new Set()
  const { model, stream, settings, format, reasoning, extra } = request
  const isOwn = extra?.dialect === own
  const echo = isOwn ? fieldsOf(extra?.echo) : {}
  if (extra && !isOwn) for (const name of Object.keys(extra.fields)) dropped.add(name)
  const messages = messagesOf(request, abilities, dropped)
  const options = { ...fieldsOf(echo.stream_options), ...present({ include_usage: settings.includeUsage }) }
  const body = {
    model,
    messages,
    ...(stream && { stream: true }),
    ...(stream && Object.keys(options).length > 0 && { stream_options: options }),
    ...settingFields(settings, echo, abilities, dropped),
    ...toolFields(request, abilities, dropped),
    ...(format && formatFields(format, abilities, dropped)),
    ...(reasoning && reasoningFields(reasoning, abilities, dropped)),
    ...(echo.usage !== undefined && { usage: echo.usage }),
    ...(isOwn && extra?.fields),
  }
  return { body, dropped: [...dropped] }
}

/** The settings whose value stands on the wire as we have it. Whether usage is told has a place of its own. */
const names = {
  temperature: 'temperature',
  topP: 'top_p',
  topK: 'top_k',
  frequencyPenalty: 'frequency_penalty',
  presencePenalty: 'presence_penalty',
  choices: 'n',
  logitBias: 'logit_bias',
  verbosity: 'verbosity',
  modalities: 'modalities',
  audio: 'audio',
  metadata: 'metadata',
  serviceTier: 'service_tier',
  store: 'store',
  cacheKey: 'prompt_cache_key',
} satisfies Partial<Record<SettingName, string>>

function settingFields(settings: Settings, echo: Fields, abilities: Abilities, dropped: Dropped): Fields {
  const { refuses = [], unknownFields, maxTokensField, seedField } = abilities
  const taken = <N extends SettingName>(name: N): Settings[N] | undefined => {
    if (settings[name] === undefined) return undefined
    // OpenAI has none of these.
    if (!refuses.includes(name) && !(name === 'topK' && unknownFields === false)) return settings[name]
    dropped.add(name)
    return undefined
  }
  const fields: Record<string, unknown> = {}
  for (const [name, wire] of Object.entries(names)) {
    const value = taken(name as keyof typeof names)
    if (value !== undefined) fields[wire] = value
  }
  const logprobs = taken('logprobs')
  const stop = taken('stop')
  if (stop && stop.length > mostStops) dropped.add('stop')
  return {
    ...present({
      [maxTokensField ?? (echo.max_tokens ? 'max_tokens' : 'max_completion_tokens')]: taken('maxTokens'),
      [seedField ?? (echo.random_seed ? 'random_seed' : 'seed')]: taken('seed'),
      [echo.safety_identifier ? 'safety_identifier' : 'user']: taken('user'),
      stop: stop && stop.length > 0 ? stop.slice(0, mostStops) : undefined,
    }),
    ...fields,
    ...(logprobs === undefined ? echo.logprobs === false && { logprobs: false } : { logprobs: true }),
    ...(logprobs !== undefined && logprobs > 0 && { top_logprobs: logprobs }),
  }
}

/** Hosts without schemas take at least the wish for JSON; that they are not told its shape is a loss. */
function formatFields(format: Format, { schema }: Abilities, dropped: Dropped): Fields {
  if (format.kind === 'text') return { response_format: { type: 'text' } }
  if (format.kind === 'json') return { response_format: { type: 'json_object' } }
  if (schema === 'none' || schema === 'tool') {
    dropped.add('format')
    return { response_format: { type: 'json_object' } }
  }
  const { name = 'answer', description, strict } = format
  return {
    response_format: {
      type: 'json_schema',
      json_schema: present({ name, description, schema: format.schema, strict }),
    },
  }
}

function reasoningFields(wish: ReasoningWish, abilities: Abilities, dropped: Dropped): Fields {
  const isOwn = wish.extra?.dialect === own
  if (wish.extra && !isOwn) for (const name of Object.keys(wish.extra.fields)) dropped.add(name)
  const isOff = wish.mode === 'off' || wish.effort === 'none' || wish.budget === 0
  const { reasoning, thinkingField, thinkingCanBeOff, unknownFields } = abilities
  if (reasoning === 'none' || (isOff && thinkingCanBeOff === false)) {
    if (!(isOff && reasoning === 'none')) dropped.add('reasoning')
    return {}
  }
  // As it came, where nothing is known of the host.
  if (isOwn && reasoning === undefined && thinkingField === undefined && unknownFields !== false)
    return fieldsOf(wish.extra?.echo)
  const effort = effortOf(wish, isOff)
  const says = effort !== undefined || wish.mode !== undefined || wish.budget !== undefined
  switch (says || thinkingField === 'reasoning' ? thinkingField : undefined) {
    case 'thinking':
      return {
        thinking: { type: isOff ? 'disabled' : 'enabled' },
        ...(reasoning === 'effort' && !isOff && effort !== undefined && { reasoning_effort: effort }),
      }
    case 'enable_thinking':
      return {
        enable_thinking: !isOff,
        ...(wish.budget !== undefined && wish.budget > 0 && { thinking_budget: wish.budget }),
      }
    case 'reasoning': {
      const hasBudget = wish.budget !== undefined && wish.budget > 0
      const amount = hasBudget
        ? { max_tokens: wish.budget }
        : effort === undefined
          ? says && { enabled: true }
          : { effort }
      return { reasoning: { ...amount, ...(wish.shown === false && { exclude: true }) } }
    }
    default:
      return effort === undefined ? {} : { reasoning_effort: effort }
  }
}

/** Budgets in tokens and what they amount to. */
const budgets: readonly (readonly [most: number, effort: (typeof efforts)[number]])[] = [
  [4096, 'low'],
  [16_383, 'medium'],
]

function effortOf({ effort, budget, mode }: ReasoningWish, isOff: boolean): string | undefined {
  if (isOff) return 'none'
  if (effort !== undefined) return effort.toLowerCase()
  if (budget !== undefined && budget > 0) return budgets.find(([most]) => budget <= most)?.[1] ?? 'high'
  return mode === 'on' ? 'medium' : undefined
}
