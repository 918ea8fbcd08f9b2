import type { ChatRequest, Message, Part, ToolResult } from '../../core/chat.ts'
import type { Abilities, EncodedRequest } from '../dialect.ts'
import { type Placed, pairedMessages, placed } from '../pairs.ts'
import { type Fields, present } from '../values.ts'
import { callIdOf } from './call-ids.ts'
import { dropForeign, inputContent, type Writing } from './encode-content.ts'
import { includes, wireReasoning, wireSettings, wireText } from './encode-settings.ts'
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

export function encodeRequest(request: ChatRequest, abilities: Abilities): EncodedRequest {
  const dropped = new Set<string>()
  const writing: Writing = { abilities, drop: (what) => dropped.add(what) }
  const isNative = isOwn(request.extra)
  const echo = ownEcho(request.extra)
  const tools = wireTools(request.tools, writing.drop)
  const settings = wireSettings(request, isNative, writing)
  const reasoning = wireReasoning(request, writing)
  const choice = request.toolChoice && (echo.tool_choice ?? wireChoice(request.toolChoice, tools))
  const hasTools = tools.length > 0
  const [instructions, messages] = instructionsOf(request.messages)
  const { text, ...fields } = extraFields(request, writing)
  const body = present({
    model: request.model,
    instructions,
    input: isNative ? ownInput(messages, writing, echo.isText === true) : foreignInput(request.messages, writing),
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

/** Instructions of a client who has a field for them go back into it. */
function instructionsOf(messages: readonly Message[]): readonly [string | undefined, readonly Placed[]] {
  const all = placed(messages)
  const first = messages[0]
  const part = first?.parts[0]
  return ownEcho(first?.extra).isInstructions === true && part?.kind === 'text'
    ? [part.text, all.slice(1)]
    : [undefined, all]
}

function ownInput(messages: readonly Placed[], writing: Writing, isText: boolean): unknown {
  const items = inputItems(messages, writing)
  const { content } = items[0] ?? {}
  return isText && items.length === 1 && typeof content === 'string' ? content : items
}

/** A request whose messages say nothing is refused. */
function foreignInput(messages: readonly Message[], writing: Writing): readonly Fields[] {
  const items = inputItems(pairedMessages(messages), writing)
  return items.length > 0 || messages.length === 0 ? items : [{ role: 'user', content: 'Continue.' }]
}

const inputItems = (messages: readonly Placed[], writing: Writing): readonly Fields[] =>
  withoutPrefill(messages, writing).flatMap(({ message, index }) =>
    itemsOf(message, `messages[${index}]`, index === 0, writing),
  )

function withoutPrefill(messages: readonly Placed[], { abilities, drop }: Writing): readonly Placed[] {
  const last = messages.at(-1)
  const isPrefill = last?.message.role === 'assistant' && last.message.parts.every(({ kind }) => kind !== 'tool-call')
  if (abilities.prefill !== false || !isPrefill) return messages
  drop(`messages[${last.index}]`)
  return messages.slice(0, -1)
}

function itemsOf(message: Message, place: string, isFirst: boolean, writing: Writing): readonly Fields[] {
  const { role, name } = message
  dropForeign(message, place, writing)
  // A result's name is its tool's, which its call says too.
  if (name !== undefined && role !== 'tool') writing.drop(`${place}.name`)
  switch (role) {
    case 'assistant':
      return turnItems(message, place, writing)
    case 'tool':
      return resultItems(message, place, writing)
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

function resultItems({ parts }: Message, place: string, writing: Writing): readonly Fields[] {
  const moved: Part[] = []
  const items = parts.flatMap((part): readonly Fields[] => {
    if (part.kind === 'tool-result') return [resultItem(part, place, moved, writing)]
    moved.push(part)
    return []
  })
  const content = inputContent(moved, place, writing)
  // Pictures that a result cannot hold follow in the user's name, when all results have been told.
  return content.length > 0 ? [...items, { role: 'user', content }] : items
}

function resultItem(result: ToolResult, place: string, moved: Part[], writing: Writing): Fields {
  const takesMedia = writing.abilities.mediaInResults !== false
  const held = takesMedia ? result.parts : result.parts.filter(({ kind }) => kind === 'text')
  if (!takesMedia) moved.push(...result.parts.filter(({ kind }) => kind !== 'text'))
  dropForeign(result, place, writing)
  if (result.isError) writing.drop(`${place}.isError`)
  const content = inputContent(held, place, writing)
  const { id, status } = ownEcho(result.extra)
  return {
    type: result.custom ? 'custom_tool_call_output' : 'function_call_output',
    call_id: callIdOf(result.callId, result.extra),
    output: content.length === 0 ? '' : (plainText(content) ?? content),
    ...(id !== undefined && !isMadeItemId(id) && { id }),
    ...(status !== undefined && { status }),
    ...(isOwn(result.extra) && result.name !== undefined && { name: result.name }),
    ...ownFields(result.extra),
  }
}
