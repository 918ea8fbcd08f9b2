import type { Format, ReasoningWish, Settings } from '../../core/chat.ts'
import { booleanOf, type Fields, fieldsOf, isFields, numberOf, present, stringOf, without } from '../values.ts'
import { own } from './finish.ts'

/** Reads fields of a body and remembers which: what nobody understood is kept as it is. */
export class Understood {
  readonly names: Set<string>
  readonly echo: Record<string, unknown> = {}
  private readonly body: Fields

  constructor(body: Fields, read: readonly string[]) {
    this.body = body
    this.names = new Set(read)
  }

  take<T>(name: string, read: (value: unknown) => T | undefined): T | undefined {
    const value = read(this.body[name])
    if (value !== undefined) this.names.add(name)
    return value
  }

  rest(): Fields {
    return without(this.body, this.names)
  }
}

export function settingsOf(body: Fields, understood: Understood): Settings {
  const take = understood.take.bind(understood)
  const { echo } = understood
  const newMax = take('max_completion_tokens', numberOf)
  const oldMax = take('max_tokens', numberOf)
  if (newMax === undefined && oldMax !== undefined) echo.max_tokens = true
  const seed = take('seed', numberOf)
  const mistralSeed = seed === undefined ? take('random_seed', numberOf) : undefined
  if (mistralSeed !== undefined) echo.random_seed = true
  const identifier = take('safety_identifier', stringOf)
  const user = identifier === undefined ? take('user', stringOf) : undefined
  if (identifier !== undefined) echo.safety_identifier = true
  return present({
    maxTokens: newMax ?? oldMax,
    temperature: take('temperature', numberOf),
    topP: take('top_p', numberOf),
    topK: take('top_k', numberOf),
    frequencyPenalty: take('frequency_penalty', numberOf),
    presencePenalty: take('presence_penalty', numberOf),
    seed: seed ?? mistralSeed,
    stop: take('stop', stopsOf),
    choices: take('n', numberOf),
    logprobs: logprobsOf(body, understood),
    logitBias: take('logit_bias', numbersOf),
    verbosity: take('verbosity', stringOf),
    modalities: take('modalities', wordsOf),
    audio: take('audio', audioOf),
    user: identifier ?? user,
    metadata: take('metadata', textsOf),
    serviceTier: take('service_tier', stringOf),
    store: take('store', booleanOf),
    cacheKey: take('prompt_cache_key', stringOf),
    includeUsage: includeUsage(understood),
  })
}

function stopsOf(written: unknown): readonly string[] | undefined {
  if (typeof written === 'string') return written === '' ? [] : [written]
  if (!Array.isArray(written) || !written.every((stop) => typeof stop === 'string')) return undefined
  return written.filter((stop) => stop !== '')
}

function logprobsOf(body: Fields, understood: Understood): number | undefined {
  const wanted = understood.take('logprobs', booleanOf)
  if (wanted === false) understood.echo.logprobs = false
  if (wanted !== true) return undefined
  return understood.take('top_logprobs', numberOf) ?? (body.top_logprobs === undefined ? 0 : undefined)
}

const numbersOf = (written: unknown): Readonly<Record<string, number>> | undefined =>
  isFields(written) && Object.values(written).every((value) => typeof value === 'number')
    ? (written as Record<string, number>)
    : undefined

const textsOf = (written: unknown): Readonly<Record<string, string>> | undefined =>
  isFields(written) && Object.values(written).every((value) => typeof value === 'string')
    ? (written as Record<string, string>)
    : undefined

const wordsOf = (written: unknown): readonly string[] | undefined =>
  Array.isArray(written) && written.every((word) => typeof word === 'string')
    ? written.map((word) => word.toLowerCase())
    : undefined

function audioOf(written: unknown): Settings['audio'] | undefined {
  if (!isFields(written)) return undefined
  const { voice, format } = written
  return { ...(voice !== undefined && { voice }), ...(typeof format === 'string' && { format }) }
}

function includeUsage(understood: Understood): boolean | undefined {
  const options = understood.take('stream_options', (value) => (isFields(value) ? value : undefined))
  const { include_usage: wanted, ...others } = options ?? {}
  if (Object.keys(others).length > 0) understood.echo.stream_options = others
  return booleanOf(wanted)
}

/** A format that only some host knows is left as it is. */
export function formatOf(written: unknown): Format | undefined {
  const { type, json_schema: named } = fieldsOf(written)
  if (type === 'text') return { kind: 'text' }
  if (type === 'json_object') return { kind: 'json' }
  if (type !== 'json_schema' || !isFields(named)) return undefined
  return {
    kind: 'schema',
    ...present({
      name: stringOf(named.name),
      description: stringOf(named.description),
      strict: booleanOf(named.strict),
    }),
    schema: named.schema,
  }
}

/** The fields in which hosts are told how to think. */
const wishes = [
  'reasoning_effort',
  'reasoning',
  'thinking',
  'enable_thinking',
  'thinking_budget',
  'include_reasoning',
  'reasoning_format',
] as const

export function reasoningOf(body: Fields, understood: Understood): ReasoningWish | undefined {
  const written = Object.fromEntries(
    wishes.flatMap((name) => (body[name] === undefined || body[name] === null ? [] : [[name, body[name]]])),
  )
  const template = fieldsOf(body.chat_template_kwargs)
  const google = fieldsOf(fieldsOf(fieldsOf(body.extra_body).google).thinking_config)
  const { reasoning, thinking, enable_thinking: enabled } = written
  const nested = fieldsOf(reasoning)
  const switched = [enabled, template.enable_thinking, template.thinking, nested.enabled].find(
    (one) => typeof one === 'boolean',
  )
  const mode = modes.get(fieldsOf(thinking).type) ?? (switched === undefined ? undefined : switched ? 'on' : 'off')
  const wish = present({
    effort: stringOf(written.reasoning_effort) ?? stringOf(nested.effort) ?? stringOf(google.thinking_level),
    budget:
      numberOf(nested.max_tokens) ??
      numberOf(fieldsOf(thinking).budget_tokens) ??
      numberOf(written.thinking_budget) ??
      numberOf(google.thinking_budget),
    mode,
    shown: shownOf(written, nested) ?? booleanOf(google.include_thoughts),
    summary: stringOf(nested.summary),
  })
  if (Object.keys(wish).length === 0) return undefined
  for (const name of Object.keys(written)) understood.names.add(name)
  return { ...wish, extra: { dialect: own, fields: {}, echo: written } }
}

const modes = new Map<unknown, 'on' | 'adaptive' | 'off'>([
  ['enabled', 'on'],
  ['disabled', 'off'],
  ['adaptive', 'adaptive'],
  ['auto', 'adaptive'],
])

function shownOf(written: Fields, nested: Fields): boolean | undefined {
  const { include_reasoning: included, reasoning_format: format } = written
  if (typeof included === 'boolean') return included
  if (typeof nested.exclude === 'boolean') return !nested.exclude
  return typeof format === 'string' ? format !== 'hidden' : undefined
}
