import type { ChatRequest, Message, SettingName, Settings } from '../../core/chat.ts'
import type { Abilities, EncodedRequest } from '../dialect.ts'
import { type Fields, fieldsOf, isFields, present } from '../values.ts'
import { encodeParts, type PartContext } from './encode-parts.ts'
import { ownEcho, ownFields, sayForeign } from './extras.ts'
import { type Family, familyOf } from './families.ts'
import { quiet, type Thinking, thinkingOf } from './reasoning.ts'
import { encodeTools } from './tool-config.ts'
import { alternating, hasTools, lacksThoughts, paired, type Turn, withoutTrailingBlanks, withWords } from './turns.ts'

export function encodeRequest(request: ChatRequest, abilities: Abilities): EncodedRequest {
  const dropped = new Set<string>()
  const drop = (what: string): void => void dropped.add(what)
  const family = familyOf(request.model, abilities.seals)
  const context: PartContext = {
    seals: abilities.seals ?? family.seals,
    plainThoughts: abilities.wantsThoughts === true,
    mediaInResults: abilities.mediaInResults !== false,
    caches: family.caches !== false,
    names: new Set(),
    drop,
  }
  const { system, turns: said } = turnsOf(request.messages, abilities, context)
  const turns = ended(said, family, abilities, drop)

  const own = ownFields(request.extra)
  sayForeign(request.extra, drop)
  sayForeign(request.reasoning?.extra, drop)
  const { config, isForced } = encodeTools(request, abilities, family, hasTools(turns), drop)
  // What came in this dialect's own words for one maker's models goes back in them.
  const { additionalModelRequestFields, effort } = ownEcho(request.extra)
  const written = isFields(additionalModelRequestFields) ? additionalModelRequestFields : undefined
  const thinking = written ? undefined : thinkingFor(request, family, abilities, turns, isForced, drop)
  const settings = allowed(request.settings, abilities, thinking, drop)
  const more = written ?? {
    ...thinking?.more,
    ...topKOf(settings.topK, family, drop),
    ...oneCallOf(request, config, family, drop),
  }
  sayUnknown(settings, drop)

  const body = {
    ...own,
    messages: turns.map(({ role, content, own: fields }) => ({ ...fields, role, content })),
    system: system.length > 0 ? system : undefined,
    inferenceConfig: nonEmpty({
      ...fieldsOf(own.inferenceConfig),
      ...present({
        maxTokens: thinking ? thinking.maxTokens : settings.maxTokens,
        temperature: settings.temperature === undefined ? undefined : Math.min(settings.temperature, 1),
        topP: settings.topP,
        stopSequences: stopsOf(settings.stop),
      }),
    }),
    toolConfig: config,
    outputConfig: nonEmpty({
      ...fieldsOf(own.outputConfig),
      ...present({
        textFormat: textFormatOf(request, abilities, drop),
        effort: thinking?.effort ?? (written ? effort : undefined),
      }),
    }),
    requestMetadata: metadataOf(settings, drop),
    serviceTier: serviceTierOf(settings.serviceTier, drop),
    additionalModelRequestFields: nonEmpty(more),
  }
  return { body: present(body), dropped: [...dropped] }
}

const nonEmpty = (fields: Fields): Fields | undefined => (Object.keys(fields).length === 0 ? undefined : fields)

/** Instructions before the conversation stand apart from it; later ones stay where they were said. */
function turnsOf(
  messages: readonly Message[],
  { systemMidway }: Abilities,
  context: PartContext,
): { system: Fields[]; turns: Turn[] } {
  const system: Fields[] = []
  const turns: Turn[] = []
  for (const [index, { role, name, parts, extra }] of messages.entries()) {
    const place = `messages[${index}]`
    sayForeign(extra, context.drop)
    // A tool's message says its name once more, which its results have by their calls.
    if (name !== undefined && role !== 'tool') context.drop(`${place}.name`)
    const content = encodeParts(parts, place, context)
    if (content.length === 0) continue
    const isMessage = ownEcho(extra).isMessage === true
    const own = ownFields(extra)
    if (role === 'system' || role === 'developer') {
      if (turns.length === 0 && !isMessage) for (const block of content) system.push(block)
      else if (isMessage || systemMidway === true) turns.push({ role: 'system', content, own })
      else {
        context.drop(`${place}.role`)
        turns.push({ role: 'user', content: content.map(instruction) })
      }
    } else turns.push({ role: role === 'assistant' ? 'assistant' : 'user', content, own })
  }
  return { system, turns: alternating(turns) }
}

/** Instructions in mid-conversation are marked as such where only the user can say them. */
const instruction = (block: Fields): Fields =>
  typeof block.text === 'string' ? { text: `<system>\n${block.text}\n</system>` } : block

/** Said to a model that does not go on with what stands at the end. */
const continueAnswer = 'Continue your last message from where it ends, without repeating any of it.'

function ended(
  turns: readonly Turn[],
  family: Family,
  { callIds, prefill }: Abilities,
  drop: (what: string) => void,
): Turn[] {
  const done = paired(turns, callIds ?? family.callIds).map(withWords)
  const last = done.at(-1)
  if (last?.role !== 'assistant') return done
  if (prefill === false) {
    drop('prefill')
    return [...done, { role: 'user', content: [{ text: continueAnswer }] }]
  }
  return [...done.slice(0, -1), withoutTrailingBlanks(last)]
}

/** Claude does not think in the middle of a turn that began without thoughts, or when it is made to call a tool. */
function thinkingFor(
  { reasoning, settings }: ChatRequest,
  family: Family,
  abilities: Abilities,
  turns: readonly Turn[],
  isForced: boolean,
  drop: (what: string) => void,
): Thinking | undefined {
  const { extra: _, ...said } = reasoning ?? {}
  if (!reasoning || Object.keys(said).length === 0) return undefined
  const thinking = thinkingOf(reasoning, family, abilities, settings.maxTokens)
  if (thinking?.isLess) drop('reasoning.effort')
  const isRefused = thinking?.isOn === true && (isForced || lacksThoughts(turns))
  if (thinking && !isRefused) return thinking
  drop('reasoning')
  return isRefused ? quiet(abilities, settings.maxTokens) : undefined
}

/** Settings that the model takes. */
function allowed(
  settings: Settings,
  { refuses = [] }: Abilities,
  thinking: Thinking | undefined,
  drop: (what: string) => void,
): Settings {
  const kept: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(settings)) {
    if (value === undefined) continue
    if (refuses.includes(name as SettingName) || isSampling(name, value, thinking)) drop(name)
    else kept[name] = value
  }
  return kept
}

/** Whether a setting would have a thinking model sampled in a way that it refuses. */
const isSampling = (name: string, value: unknown, thinking: Thinking | undefined): boolean =>
  thinking?.refusesSampling !== undefined &&
  samplingFields.has(name) &&
  (thinking.refusesSampling === 'any' || name === 'topK' || value !== 1)

const samplingFields: ReadonlySet<string> = new Set<SettingName>(['temperature', 'topP', 'topK'])

/** What is said of these is nothing, or only our own business. */
const silent: ReadonlySet<string> = new Set<SettingName>([
  'maxTokens',
  'temperature',
  'topP',
  'topK',
  'stop',
  'user',
  'metadata',
  'serviceTier',
  'includeUsage',
])

function sayUnknown(settings: Settings, drop: (what: string) => void): void {
  for (const [name, value] of Object.entries(settings)) if (!silent.has(name) && !isDefault(name, value)) drop(name)
}

/** Asking for what happens anyway is no loss. */
const isDefault = (name: string, value: unknown): boolean =>
  (name === 'choices' && value === 1) ||
  (name === 'store' && value === false) ||
  ((name === 'frequencyPenalty' || name === 'presencePenalty') && value === 0) ||
  (name === 'modalities' && Array.isArray(value) && value.every((one) => one === 'text')) ||
  (name === 'logitBias' && Object.keys(fieldsOf(value)).length === 0)

function topKOf(topK: number | undefined, family: Family, drop: (what: string) => void): Fields {
  if (topK === undefined) return {}
  if (family.topK) return family.topK(topK)
  drop('topK')
  return {}
}

/** Claude's own field beside the format's choice of tools, of the same meaning. */
function oneCallOf(
  { parallelToolCalls }: ChatRequest,
  config: Fields | undefined,
  family: Family,
  drop: (what: string) => void,
): Fields {
  if (parallelToolCalls !== false || !config) return {}
  if (!family.oneCall) {
    drop('parallelToolCalls')
    return {}
  }
  const { any, tool } = fieldsOf(config.toolChoice)
  const choice = any ? { type: 'any' } : tool ? { type: 'tool', name: fieldsOf(tool).name } : { type: 'auto' }
  return { tool_choice: { ...choice, disable_parallel_tool_use: true } }
}

/** Blank sequences are refused. */
function stopsOf(stop: Settings['stop']): readonly string[] | undefined {
  const kept = stop?.filter((one) => one.trim() !== '') ?? []
  return kept.length > 0 ? kept : undefined
}

function textFormatOf(
  { format }: ChatRequest,
  { schema }: Abilities,
  drop: (what: string) => void,
): Fields | undefined {
  if (!format || format.kind === 'text' || (format.kind === 'schema' && schema === 'tool')) return undefined
  if (format.kind === 'json' || schema === 'none') {
    drop('format')
    return undefined
  }
  return {
    type: 'json_schema',
    structure: {
      jsonSchema: present({
        schema: JSON.stringify(format.schema),
        name: format.name,
        description: format.description,
      }),
    },
  }
}

const mostMetadata = 16
const metadataText = /^[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}$/

/** Whom the provider is told to hold responsible stands with the rest of what is said about the request. */
function metadataOf({ metadata, user }: Settings, drop: (what: string) => void): Fields | undefined {
  const entries = Object.entries(metadata ?? {})
  const fits = (entry: readonly string[]): boolean => entry.every((text) => metadataText.test(text))
  const kept = entries.filter(fits).slice(0, mostMetadata)
  if (kept.length < entries.length) drop('metadata')
  if (user !== undefined) {
    if (fits([user]) && kept.length < mostMetadata && metadata?.user === undefined) kept.push(['user', user])
    else drop('user')
  }
  return kept.length > 0 ? Object.fromEntries(kept) : undefined
}

const tiers = new Set(['default', 'flex', 'priority', 'reserved'])

function serviceTierOf(tier: string | undefined, drop: (what: string) => void): Fields | undefined {
  if (tier === undefined || tier === 'auto') return undefined
  if (tiers.has(tier)) return { type: tier }
  drop('serviceTier')
  return undefined
}
