import type { Format, ReasoningWish, Settings } from '../../core/chat.ts'
import {
  booleanOf,
  type Fields,
  fieldsOf,
  isFields,
  misread,
  numberOf,
  objectIn,
  present,
  stringOf,
} from '../values.ts'
import { fromOpenApi } from './schema.ts'
import { dotted, extraOf, named, own } from './wire.ts'

export interface DecodedSettings {
  readonly settings: Settings
  readonly format?: Format
  readonly reasoning?: ReasoningWish
  readonly fields: Fields
  readonly echo: Fields
}

const readers = {
  temperature: numberOf,
  topP: numberOf,
  topK: numberOf,
  candidateCount: numberOf,
  maxOutputTokens: numberOf,
  stopSequences: stringsOf,
  presencePenalty: numberOf,
  frequencyPenalty: numberOf,
  seed: numberOf,
  responseModalities: stringsOf,
  thinkingConfig: objectIn,
}
const formatFields = ['responseMimeType', 'responseSchema', 'responseJsonSchema'] as const
const logprobFields = ['responseLogprobs', 'logprobs'] as const

export function decodeSettings(wire: Fields): DecodedSettings {
  const config = named(fieldsOf(wire.generationConfig))
  const { format, echo } = formatOf(config)
  const asksLogprobs = config.responseLogprobs === true
  const understood = new Set([
    ...Object.keys(readers),
    ...(format ? formatFields : []),
    ...(asksLogprobs ? logprobFields : []),
  ])
  const rest = { ...extraOf(config, understood)?.fields, ...misread(config, readers) }
  const tier = tierOf(wire.serviceTier)
  const reasoning = isFields(config.thinkingConfig) ? reasoningOf(named(config.thinkingConfig)) : undefined
  return {
    settings: present({
      maxTokens: numberOf(config.maxOutputTokens),
      temperature: numberOf(config.temperature),
      topP: numberOf(config.topP),
      topK: numberOf(config.topK),
      frequencyPenalty: numberOf(config.frequencyPenalty),
      presencePenalty: numberOf(config.presencePenalty),
      seed: numberOf(config.seed),
      stop: stringsOf(config.stopSequences),
      choices: numberOf(config.candidateCount),
      logprobs: asksLogprobs ? (numberOf(config.logprobs) ?? 0) : undefined,
      modalities: stringsOf(config.responseModalities)?.map((modality) => modality.toLowerCase()),
      serviceTier: tier,
    }),
    ...(format && { format }),
    ...(reasoning && { reasoning }),
    fields: dotted('generationConfig', rest),
    echo: {
      ...echo,
      ...(isFields(wire.generationConfig) && Object.keys(config).length === 0 && { generationConfig: {} }),
      ...(typeof wire.serviceTier === 'string' && { serviceTier: wire.serviceTier }),
    },
  }
}

function stringsOf(value: unknown): readonly string[] | undefined {
  if (Array.isArray(value)) return value.filter((one): one is string => typeof one === 'string')
  return typeof value === 'string' ? [value] : undefined
}

/** A schema stands in one of two fields. One without JSON as its type is left as it is. */
function formatOf({ responseMimeType, responseSchema, responseJsonSchema }: Fields): { format?: Format; echo: Fields } {
  const type = stringOf(responseMimeType)?.toLowerCase()
  if (type === 'text/plain' && responseSchema === undefined && responseJsonSchema === undefined)
    return { format: { kind: 'text' }, echo: {} }
  if (type !== 'application/json') return { echo: {} }
  if (isFields(responseJsonSchema)) return { format: { kind: 'schema', schema: responseJsonSchema }, echo: {} }
  if (isFields(responseSchema)) {
    return {
      format: { kind: 'schema', schema: fromOpenApi(responseSchema) },
      echo: { 'generationConfig.responseSchema': responseSchema },
    }
  }
  return { format: { kind: 'json' }, echo: {} }
}

const thinkingFields: ReadonlySet<string> = new Set(['includeThoughts', 'thinkingBudget', 'thinkingLevel'])

function reasoningOf(thinking: Fields): ReasoningWish {
  const written = stringOf(thinking.thinkingLevel)
  const level = written?.toLowerCase().replace(/^thinking_level_/, '')
  const extra = extraOf(thinking, thinkingFields, written === undefined ? {} : { thinkingLevel: written })
  return {
    ...(level !== undefined && level !== 'unspecified' && { effort: level }),
    ...present({ budget: numberOf(thinking.thinkingBudget), shown: booleanOf(thinking.includeThoughts) }),
    extra: extra ?? { dialect: own, fields: {} },
  }
}

const tiers: Readonly<Record<string, string>> = { standard: 'default', unspecified: 'auto' }

function tierOf(value: unknown): string | undefined {
  const tier = stringOf(value)
    ?.toLowerCase()
    .replace(/^service_tier_/, '')
  return tier !== undefined && Object.hasOwn(tiers, tier) ? tiers[tier] : tier
}
