import type {
  ChatRequest,
  Format,
  Message,
  Part,
  ReasoningWish,
  SettingName,
  Settings,
  ToolResult,
} from '../../core/chat.ts'
import type { Abilities, EncodedRequest } from '../dialect.ts'
import { allowedId } from '../ids.ts'
import { type Fields, present, stringOf } from '../values.ts'
import { type CallIds, callIds } from './call-ids.ts'
import { logprobsInclude } from './decode-request.ts'
import { dropForeign, inputContent, type Writing } from './encode-content.ts'
import { turnItems } from './encode-turn.ts'
import { isMadeItemId, isOwn, itemRest, ownEcho, ownFields } from './own.ts'
import { wireChoice, wireTools } from './tools.ts'

/** What is written the same in chat completions, and means the same to OpenAI. */
const sharedWithChat = new Set(['prompt_cache_retention', 'prompt_cache_options', 'moderation', 'access_programs'])

/** Fields that OpenAI knows beyond those that are understood here. */
const ownDialectFields = new Set([
  ...sharedWithChat,
  'background',
  'context_management',
  'conversation',
  'image',
  'max_tool_calls',
  'previous_response_id',
  'prompt',
  'text',
  'truncation',
  'user',
])

const leastTokens = 16
const encryptedInclude = 'reasoning.encrypted_content'

export function encodeRequest(request: ChatRequest, abilities: Abilities): EncodedRequest {
  const dropped = new Set<string>()
  const writing: Writing = { abilities, drop: (what) => dropped.add(what) }
  const isNative = isOwn(request.extra)
  const echo = ownEcho(request.extra)
  const tools = wireTools(request.tools, writing.drop)
  const settings = settingsOf(request, isNative, writing)
  const reasoning = wireReasoning(request, writing)
  const choice = request.toolChoice && (echo.tool_choice ?? wireChoice(request.toolChoice, tools))
  const hasTools = tools.length > 0
  const [instructions, messages] = instructionsOf(request.messages)
  const { text, ...fields } = { ...extraFields(request, writing) } as Fields
  const body = present({
    model: request.model,
    instructions,
    input: wireInput(messages, request.messages.length - messages.length, writing, echo.isText === true),
    ...settings,
    tools: hasTools ? tools : undefined,
    tool_choice: hasTools || isNative ? choice : undefined,
    parallel_tool_calls: hasTools || isNative ? request.parallelToolCalls : undefined,
    reasoning,
    text: wireText(request, text, writing),
    include: includes(request, isNative, writing),
    ...fields,
    background: echo.background ?? fields.background,
    truncation: echo.truncation ?? fields.truncation,
    stream: request.stream ? true : undefined,
    stream_options: request.stream ? echo.stream_options : undefined,
  })
  return { body, dropped: [...dropped] }
}

function extraFields({ extra }: ChatRequest, { abilities, drop }: Writing): Fields {
  if (!extra) return {}
  const takes = isOwn(extra)
    ? (name: string) => abilities.unknownFields !== false || ownDialectFields.has(name)
    : (name: string) => extra.dialect === 'openai-chat' && sharedWithChat.has(name)
  const kept = Object.entries(extra.fields).filter(([name]) => {
    if (!takes(name)) drop(name)
    return takes(name)
  })
  return Object.fromEntries(kept)
}

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

function settingsOf({ settings, extra }: ChatRequest, isNative: boolean, { abilities, drop }: Writing): Fields {
  const wire: Record<string, unknown> = isNative ? {} : { store: false }
  for (const name of Object.keys(settings) as SettingName[]) {
    const value = settings[name]
    if (value === undefined || elsewhere.has(name)) continue
    const field = name === 'user' ? (stringOf(ownEcho(extra).userField) ?? names.user) : names[name]
    if (field === undefined || abilities.refuses?.includes(name)) {
      if (!asksNothing(name, settings)) drop(name)
    } else if (name === 'logprobs' && value === 0) {
      // None beside the token itself is what asking for them at all means.
    } else wire[field] = name === 'maxTokens' && !isNative ? Math.max(leastTokens, value as number) : value
  }
  return wire
}

/** Thoughts come sealed, so that they can come back to a provider that keeps nothing. */
function includes(request: ChatRequest, isNative: boolean, { abilities }: Writing): readonly unknown[] | undefined {
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

function wireReasoning({ reasoning }: ChatRequest, { abilities, drop }: Writing): Fields | undefined {
  if (!reasoning) return undefined
  const { shown, summary, extra } = reasoning
  const effort = effortOf(reasoning)
  if (abilities.reasoning === 'none') {
    if (effort !== undefined && effort !== 'none') drop('reasoning')
    return undefined
  }
  if (extra && !isOwn(extra)) for (const name of Object.keys(extra.fields)) drop(name)
  const canBeOff = abilities.thinkingCanBeOff !== false
  if (effort === 'none' && !canBeOff) drop('reasoning')
  const wire = present({
    effort: effort === 'none' && !canBeOff ? undefined : effort,
    summary: summary ?? (shown ? 'auto' : undefined),
    ...ownFields(extra),
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

function wireText(request: ChatRequest, rest: unknown, { abilities, drop }: Writing): Fields | undefined {
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

/** Instructions of a client who has a field for them go back into it. */
function instructionsOf(messages: readonly Message[]): readonly [string | undefined, readonly Message[]] {
  const [first, ...others] = messages
  const part = first?.parts[0]
  return ownEcho(first?.extra).isInstructions === true && part?.kind === 'text'
    ? [part.text, others]
    : [undefined, messages]
}

function wireInput(messages: readonly Message[], skipped: number, writing: Writing, isText: boolean): unknown {
  const ids = callIds()
  const items = withoutPrefill(messages, skipped, writing).flatMap((message, index) =>
    itemsOf(message, `messages[${index + skipped}]`, index + skipped === 0, ids, writing),
  )
  const { content } = items[0] ?? {}
  return isText && items.length === 1 && typeof content === 'string' ? content : items
}

function withoutPrefill(
  messages: readonly Message[],
  skipped: number,
  { abilities, drop }: Writing,
): readonly Message[] {
  const last = messages.at(-1)
  const isPrefill = last?.role === 'assistant' && last.parts.every(({ kind }) => kind !== 'tool-call')
  if (abilities.prefill !== false || !isPrefill) return messages
  drop(`messages[${messages.length - 1 + skipped}]`)
  return messages.slice(0, -1)
}

function itemsOf(message: Message, place: string, isFirst: boolean, ids: CallIds, writing: Writing): readonly Fields[] {
  const { role, name, extra } = message
  dropForeign(extra, place, writing)
  if (name !== undefined) writing.drop(`${place}.name`)
  switch (role) {
    case 'assistant':
      return turnItems(message, place, ids, writing)
    case 'tool':
      return resultItems(message, place, ids, writing)
    case 'user':
      return spokenItem(message, role, place, writing)
    case 'system':
    case 'developer': {
      const isMidway = !isFirst && writing.abilities.systemMidway === false
      return spokenItem(message, isMidway ? 'user' : (writing.abilities.instructions ?? role), place, writing)
    }
  }
}

function spokenItem({ parts, extra }: Message, role: string, place: string, writing: Writing): readonly Fields[] {
  const content = inputContent(parts, place, writing)
  if (content.length === 0 && !isOwn(extra)) return []
  const { id, ...rest } = itemRest(extra) ?? {}
  const named = id !== undefined && !isMadeItemId(id) ? { type: 'message', id } : {}
  return [{ ...named, role, content: plainText(content) ?? content, ...rest }]
}

/** One text that says nothing else is written as a string. */
function plainText(content: readonly Fields[]): string | undefined {
  const [first] = content
  const isPlain = content.length === 1 && first?.type === 'input_text' && Object.keys(first).length === 2
  return isPlain ? (first.text as string) : undefined
}

function resultItems({ parts }: Message, place: string, ids: CallIds, writing: Writing): readonly Fields[] {
  const moved: Part[] = []
  const items = parts.flatMap((part): readonly Fields[] => {
    if (part.kind === 'tool-result') return [resultItem(part, place, ids, moved, writing)]
    moved.push(part)
    return []
  })
  const content = inputContent(moved, place, writing)
  // Pictures that a result cannot hold follow in the user's name, when all results have been told.
  return content.length > 0 ? [...items, { role: 'user', content }] : items
}

function resultItem(result: ToolResult, place: string, ids: CallIds, moved: Part[], writing: Writing): Fields {
  const takesMedia = writing.abilities.mediaInResults !== false
  const held = takesMedia ? result.parts : result.parts.filter(({ kind }) => kind === 'text')
  if (!takesMedia) moved.push(...result.parts.filter(({ kind }) => kind !== 'text'))
  dropForeign(result.extra, place, writing)
  if (result.isError) writing.drop(`${place}.isError`)
  const content = inputContent(held, place, writing)
  const { id, status } = ownEcho(result.extra)
  return {
    type: result.custom ? 'custom_tool_call_output' : 'function_call_output',
    call_id: ids.ofResult(result),
    output: content.length === 0 ? '' : (plainText(content) ?? content),
    ...(id !== undefined && !isMadeItemId(id) && { id }),
    ...(status !== undefined && { status }),
    ...(isOwn(result.extra) && result.name !== undefined && { name: result.name }),
    ...ownFields(result.extra),
  }
}
