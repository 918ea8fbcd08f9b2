import type { ChatRequest, SettingName, Settings } from '../../core/chat.ts'
import type { Abilities } from '../dialect.ts'
import { type Fields, fieldsOf, isFields, numberOf, present, stringOf, without } from '../values.ts'
import type { Dropped } from './dropped.ts'

const tierNames: Readonly<Record<string, string>> = { auto: 'auto', standard_only: 'default' }
const nativeTiers: Readonly<Record<string, string>> = { auto: 'auto', default: 'standard_only' }

export function decodeSettings(body: Fields): Settings {
  const tier = stringOf(body.service_tier)
  return present({
    maxTokens: numberOf(body.max_tokens),
    temperature: numberOf(body.temperature),
    topP: numberOf(body.top_p),
    topK: numberOf(body.top_k),
    stop: stopsOf(body.stop_sequences),
    user: stringOf(fieldsOf(body.metadata).user_id),
    serviceTier: tier === undefined ? undefined : Object.hasOwn(tierNames, tier) ? tierNames[tier] : tier,
  })
}

const stopsOf = (stops: unknown): readonly string[] | undefined =>
  Array.isArray(stops) ? stops.filter((stop) => typeof stop === 'string') : undefined

/** Of `metadata`, what is not the user. */
export function otherMetadata(metadata: unknown): Fields {
  const rest = isFields(metadata) ? without(metadata, new Set(['user_id'])) : {}
  return Object.keys(rest).length > 0 ? { metadata: rest } : {}
}

/** Settings that Claude has no counterpart for, and the values of them that mean nothing anyway. */
const foreign: Partial<Record<SettingName, (value: unknown) => boolean>> = {
  frequencyPenalty: (value) => value === 0,
  presencePenalty: (value) => value === 0,
  seed: () => false,
  choices: (value) => value === 1,
  logprobs: () => false,
  logitBias: (value) => Object.keys(fieldsOf(value)).length === 0,
  verbosity: () => false,
  modalities: (value) => Array.isArray(value) && value.every((one) => one === 'text'),
  audio: () => false,
  metadata: (value) => Object.keys(fieldsOf(value)).length === 0,
  store: (value) => value === false,
  cacheKey: () => false,
}

/** All settings but the limit of tokens, which hangs on how much is thought. */
export function encodeSettings(
  { settings }: ChatRequest,
  abilities: Abilities,
  isThinking: boolean,
  dropped: Dropped,
): Fields {
  for (const [name, isNothing] of Object.entries(foreign)) {
    const value = settings[name as SettingName]
    if (value !== undefined && !isNothing(value)) dropped.add(name)
  }
  const takes = (name: SettingName): boolean => {
    if (settings[name] === undefined) return false
    if (!abilities.refuses?.includes(name)) return true
    dropped.add(name)
    return false
  }
  return {
    ...(takes('temperature') && temperatureOf(settings.temperature as number, isThinking, dropped)),
    ...(takes('topP') && topPOf(settings.topP as number, isThinking, dropped)),
    ...(takes('topK') && topKOf(settings.topK as number, isThinking, dropped)),
    ...(takes('stop') && stopsFor(settings.stop as readonly string[], dropped)),
    ...(takes('user') && { metadata: { user_id: settings.user } }),
    ...(takes('serviceTier') && tierOf(settings.serviceTier as string, dropped)),
  }
}

/** OpenAI's range goes to 2 and Claude's to 1; who thinks has no choice. */
function temperatureOf(temperature: number, isThinking: boolean, dropped: Dropped): Fields {
  if (temperature > 1 || (isThinking && temperature !== 1)) dropped.add('temperature')
  return isThinking
    ? temperature === 1
      ? { temperature }
      : {}
    : { temperature: Math.min(Math.max(temperature, 0), 1) }
}

function topPOf(topP: number, isThinking: boolean, dropped: Dropped): Fields {
  if (!isThinking || topP >= 0.95) return { top_p: topP }
  dropped.add('topP')
  return {}
}

function topKOf(topK: number, isThinking: boolean, dropped: Dropped): Fields {
  if (!isThinking) return { top_k: topK }
  dropped.add('topK')
  return {}
}

/** Claude refuses stops that are nothing but blanks; an empty one never meant anything. */
function stopsFor(stops: readonly string[], dropped: Dropped): Fields {
  const taken = stops.filter((stop) => stop.trim() !== '')
  if (stops.some((stop) => stop !== '' && stop.trim() === '')) dropped.add('stop')
  return taken.length > 0 ? { stop_sequences: taken } : {}
}

function tierOf(tier: string, dropped: Dropped): Fields {
  if (Object.hasOwn(nativeTiers, tier)) return { service_tier: nativeTiers[tier] }
  dropped.add('serviceTier')
  return {}
}
