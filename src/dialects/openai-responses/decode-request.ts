import type { ChatRequest, Format, Message, Part, ReasoningWish, Role, Settings, ToolResult } from '../../core/chat.ts'
import type { Asked } from '../dialect.ts'
import { invalid, kindOf } from '../request-body.ts'
import {
  booleanOf,
  type Fields,
  fieldsOf,
  isFields,
  listIn,
  misread,
  numberOf,
  objectIn,
  present,
  rowOf,
  stringOf,
  textOf,
  without,
} from '../values.ts'
import { contentPart } from './content.ts'
import { addItem, messageRest } from './items.ts'
import { extraOf } from './own.ts'
import { choiceOf, toolsOf } from './tools.ts'

/** What is read below. All else is known to this dialect only. */
const known = new Set([
  'model',
  'stream',
  'input',
  'instructions',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'max_output_tokens',
  'temperature',
  'top_p',
  'top_logprobs',
  'include',
  'reasoning',
  'text',
  'metadata',
  'user',
  'safety_identifier',
  'prompt_cache_key',
  'service_tier',
  'store',
  'stream_options',
])
const readers = {
  tool_choice: (value: unknown) => choiceOf(value, []),
  parallel_tool_calls: booleanOf,
  max_output_tokens: numberOf,
  temperature: numberOf,
  top_p: numberOf,
  top_logprobs: numberOf,
  include: listIn,
  reasoning: objectIn,
  text: objectIn,
  metadata: objectIn,
  user: stringOf,
  safety_identifier: stringOf,
  prompt_cache_key: stringOf,
  service_tier: stringOf,
  store: booleanOf,
  stream_options: objectIn,
}
const reasoningKnown = new Set(['effort', 'summary', 'generate_summary'])
const textKnown = new Set(['format', 'verbosity'])

export const logprobsInclude = 'message.output_text.logprobs'

export function decodeRequest(body: unknown, asked: Asked): ChatRequest {
  if (!isFields(body)) throw invalid('body', `The body must be an object, not ${kindOf(body)}.`)
  const tools = toolsOf(body.tools)
  const toolChoice = choiceOf(body.tool_choice, tools)
  const format = formatOf(fieldsOf(body.text).format)
  const reasoning = wishOf(body.reasoning)
  const parallel = booleanOf(body.parallel_tool_calls)
  return {
    model: stringOf(body.model) ?? asked.model,
    stream: booleanOf(body.stream) ?? asked.stream,
    messages: [...instructionsOf(body.instructions), ...messagesOf(body.input)],
    tools,
    ...(toolChoice && { toolChoice }),
    ...(parallel !== undefined && { parallelToolCalls: parallel }),
    settings: settingsOf(body),
    ...(format && { format }),
    ...(reasoning && { reasoning }),
    // There even when it is empty: it says whose request this is.
    extra: { dialect: 'openai-responses', ...leftOf(body) },
  }
}

/** What no other dialect knows, and beside it what the others need not know. */
function leftOf(body: Fields): { readonly fields: Fields; readonly echo: Fields } {
  const { background, truncation, ...fields } = without(body, known)
  const { format, ...text } = fieldsOf(body.text)
  const unknownFormat = isFields(format) && !formatOf(format) ? { format } : {}
  const restOfText = { ...without(text, textKnown), ...unknownFormat }
  return {
    fields: {
      ...fields,
      ...misread(body, readers),
      ...present({
        background: background === false ? undefined : background,
        truncation: truncation === 'disabled' ? undefined : truncation,
        text: Object.keys(restOfText).length > 0 ? restOfText : undefined,
        user: body.safety_identifier ? (body.user ?? undefined) : undefined,
      }),
    },
    echo: present({
      include: Array.isArray(body.include) ? body.include : undefined,
      stream_options: isFields(body.stream_options) ? body.stream_options : undefined,
      tool_choice: isFields(body.tool_choice) ? body.tool_choice : undefined,
      background: background === false ? false : undefined,
      truncation: truncation === 'disabled' ? truncation : undefined,
      userField: body.safety_identifier ? undefined : body.user ? 'user' : undefined,
      isText: typeof body.input === 'string' ? true : undefined,
    }),
  }
}

function settingsOf(body: Fields): Settings {
  const asksLogprobs = Array.isArray(body.include) && body.include.includes(logprobsInclude)
  const metadata = isFields(body.metadata)
    ? Object.fromEntries(Object.entries(body.metadata).map(([name, value]) => [name, textOf(value)]))
    : undefined
  return present({
    maxTokens: numberOf(body.max_output_tokens),
    temperature: numberOf(body.temperature),
    topP: numberOf(body.top_p),
    logprobs: numberOf(body.top_logprobs) ?? (asksLogprobs ? 0 : undefined),
    verbosity: stringOf(fieldsOf(body.text).verbosity),
    user: stringOf(body.safety_identifier) ?? stringOf(body.user),
    metadata,
    serviceTier: stringOf(body.service_tier),
    store: booleanOf(body.store),
    cacheKey: stringOf(body.prompt_cache_key),
  })
}

function formatOf(format: unknown): Format | undefined {
  if (!isFields(format)) return undefined
  switch (format.type) {
    case 'text':
      return { kind: 'text' }
    case 'json_object':
      return { kind: 'json' }
    case 'json_schema':
      return present({
        kind: 'schema' as const,
        name: stringOf(format.name),
        description: stringOf(format.description),
        schema: format.schema,
        strict: booleanOf(format.strict),
      })
    default:
      return undefined
  }
}

function wishOf(reasoning: unknown): ReasoningWish | undefined {
  if (!isFields(reasoning)) return undefined
  const summary = stringOf(reasoning.summary) ?? stringOf(reasoning.generate_summary)
  const told = present({
    effort: stringOf(reasoning.effort),
    summary,
    shown: summary === undefined ? undefined : summary !== 'none',
  })
  return { ...told, ...extraOf(without(reasoning, reasoningKnown)) }
}

function instructionsOf(instructions: unknown): readonly Message[] {
  if (instructions === undefined || instructions === null || instructions === '') return []
  if (Array.isArray(instructions)) return messagesOf(instructions)
  if (typeof instructions !== 'string')
    throw invalid('instructions', `\`instructions\` must be a string, not ${kindOf(instructions)}.`)
  return [{ role: 'system', parts: [{ kind: 'text', text: instructions }], ...extraOf({}, { isInstructions: true }) }]
}

const roles: Readonly<Record<string, Role>> = {
  user: 'user',
  system: 'system',
  developer: 'developer',
  assistant: 'assistant',
}

/** What the assistant thought, said and called without anybody speaking between is one message. */
function messagesOf(input: unknown): readonly Message[] {
  if (input === undefined || input === null) return []
  if (typeof input === 'string') return [{ role: 'user', parts: [{ kind: 'text', text: input }] }]
  if (!Array.isArray(input))
    throw invalid('input', `\`input\` must be a string or a list of items, not ${kindOf(input)}.`)
  const messages: Message[] = []
  let turn: Part[] | undefined
  for (const [index, item] of input.entries()) {
    const place = `input[${index}]`
    if (!isFields(item)) throw invalid(place, `\`${place}\` must be an object, not ${kindOf(item)}.`)
    const message = messageOf(item, place)
    if (message) {
      turn = undefined
      messages.push(message)
      continue
    }
    if (!turn) {
      turn = []
      messages.push({ role: 'assistant', parts: turn })
    }
    addItem(turn, item)
  }
  return messages
}

/** A message of its own; an item of the assistant's turn is none. */
function messageOf(item: Fields, place: string): Message | undefined {
  if (item.type === 'function_call_output' || item.type === 'custom_tool_call_output')
    return { role: 'tool', parts: [resultOf(item)] }
  if (item.type !== 'message' && (item.type !== undefined || item.role === undefined)) return undefined
  const role = rowOf(roles, item.role)
  if (!role)
    throw invalid(
      `${place}.role`,
      `\`${place}.role\` must be user, assistant, system or developer, not ${said(item.role)}.`,
    )
  const { content } = item
  if (content !== undefined && content !== null && typeof content !== 'string' && !Array.isArray(content))
    throw invalid(`${place}.content`, `\`${place}.content\` must be a string or a list, not ${kindOf(content)}.`)
  if (role === 'assistant') return undefined
  const parts =
    typeof content === 'string' ? [contentPart(content)] : (content ?? []).map((part: unknown) => contentPart(part))
  const rest = messageRest(item)
  return { role, parts, ...(Object.keys(rest).length > 0 && extraOf({}, { item: rest })) }
}

const said = (value: unknown): string => (typeof value === 'string' ? `"${value}"` : kindOf(value))

const resultKnown = new Set(['type', 'call_id', 'output', 'id', 'status', 'name'])

function resultOf(item: Fields): ToolResult {
  const { output } = item
  const name = stringOf(item.name)
  const parts = Array.isArray(output) ? output.map((part: unknown) => contentPart(part)) : [contentPart(textOf(output))]
  return {
    kind: 'tool-result',
    callId: textOf(item.call_id),
    ...(name !== undefined && { name }),
    parts,
    ...(item.type === 'custom_tool_call_output' && { custom: true }),
    ...extraOf(without(item, resultKnown), present({ id: stringOf(item.id), status: stringOf(item.status) })),
  }
}
