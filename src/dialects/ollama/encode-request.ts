import type { ChatRequest, SettingName, Settings, Tool } from '../../core/chat.ts'
import type { Abilities, EncodedRequest } from '../dialect.ts'
import { type Fields, fieldsOf, isFields, present, rowOf } from '../values.ts'
import { encodeMessages } from './encode-message.ts'
import { dialectName, ownFields, sayForeign } from './extras.ts'

export function encodeRequest(request: ChatRequest, abilities: Abilities): EncodedRequest {
  const dropped = new Set<string>()
  const drop = (what: string): void => void dropped.add(what)
  const { options: ownOptions, ...own } = ownFields(request.extra)
  sayForeign(request.extra, drop)
  sayForeign(request.reasoning?.extra, drop)
  const settings = allowed(request.settings, abilities, drop)
  const tools = toolsOf(request, drop)
  const options = { ...fieldsOf(ownOptions), ...optionsOf(settings) }
  const body = present({
    ...own,
    model: request.model,
    messages: encodeMessages(request.messages, drop),
    tools: tools.length > 0 ? tools : undefined,
    stream: request.stream,
    format: formatOf(request, abilities, drop),
    options: Object.keys(options).length > 0 ? options : undefined,
    think: thinkOf(request, abilities, drop),
    logprobs: settings.logprobs === undefined ? undefined : true,
    top_logprobs: settings.logprobs || undefined,
  })
  return { body, dropped: [...dropped] }
}

const known: ReadonlySet<string> = new Set<SettingName>([
  'maxTokens',
  'temperature',
  'topP',
  'topK',
  'seed',
  'stop',
  'presencePenalty',
  'frequencyPenalty',
  'logprobs',
  'includeUsage',
])

function allowed(settings: Settings, { refuses = [] }: Abilities, drop: (what: string) => void): Settings {
  const kept: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(settings)) {
    const isDefault = (name === 'choices' && value === 1) || (name === 'store' && value === false)
    if (value === undefined || isDefault) continue
    if (known.has(name) && !refuses.includes(name as SettingName)) kept[name] = value
    else drop(name)
  }
  return kept
}

const optionsOf = (settings: Settings): Fields =>
  present({
    num_predict: settings.maxTokens,
    temperature: settings.temperature,
    top_p: settings.topP,
    top_k: settings.topK,
    seed: settings.seed,
    stop: settings.stop,
    presence_penalty: settings.presencePenalty,
    frequency_penalty: settings.frequencyPenalty,
  })

/** There is no choice among tools: they are there or not. */
function toolsOf({ tools, toolChoice, parallelToolCalls }: ChatRequest, drop: (what: string) => void): Fields[] {
  if (tools.length === 0 || toolChoice?.mode === 'none') return []
  if (toolChoice?.mode === 'required') drop('toolChoice')
  if (parallelToolCalls === false) drop('parallelToolCalls')
  const names = toolChoice?.names
  return tools.flatMap((tool, index) => {
    if (names && !names.includes(tool.name)) return []
    const wire = encodeTool(tool, drop)
    if (!wire) drop(`tools[${index}].${tool.name}`)
    return wire ? [wire] : []
  })
}

function encodeTool(tool: Tool, drop: (what: string) => void): Fields | undefined {
  if (tool.kind === 'server') return tool.dialect === dialectName && isFields(tool.value) ? tool.value : undefined
  if (tool.kind === 'custom') return undefined
  sayForeign(tool.extra, drop)
  const { name, description, schema, extra } = tool
  return { type: 'function', function: { ...present({ name, description, parameters: schema }), ...ownFields(extra) } }
}

function formatOf({ format }: ChatRequest, { schema }: Abilities, drop: (what: string) => void): unknown {
  if (!format || format.kind === 'text') return undefined
  if (format.kind === 'json') return 'json'
  if (schema !== 'none') return format.schema
  drop('format')
  return undefined
}

const levels: Readonly<Record<string, string>> = {
  minimal: 'low',
  low: 'low',
  medium: 'medium',
  high: 'high',
  xhigh: 'high',
  max: 'high',
}

/** How much is only told to models that know it; the others think, or do not. */
function thinkOf({ model, reasoning }: ChatRequest, abilities: Abilities, drop: (what: string) => void): unknown {
  if (!reasoning) return undefined
  const { effort, mode, budget } = reasoning
  const isOff = mode === 'off' || effort === 'none' || budget === 0
  if (abilities.reasoning === 'none') {
    if (!isOff) drop('reasoning')
    return undefined
  }
  if (isOff) return false
  if (effort === undefined && mode === undefined && budget === undefined) return undefined
  if (effort === undefined) return true
  const hasLevels = abilities.reasoning === 'effort' || /gpt-oss/i.test(model)
  return hasLevels ? (rowOf(levels, effort) ?? effort) : true
}
