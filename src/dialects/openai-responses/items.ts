import type { ImagePart, Part, ReasoningPart, TextPart, ToolCall } from '../../core/chat.ts'
import { mediaTypeOf } from '../media.ts'
import { type Fields, fieldsOf, isFields, listOf, rowOf, stringOf, textOf, without } from '../values.ts'
import { contentPart } from './content.ts'
import { extraOf, own } from './own.ts'
import { type CarriedSeal, carriedSeal } from './seals.ts'

/** What the provider's tools are called, by the items in which they speak. */
const servedItems: Readonly<Record<string, string>> = {
  web_search_call: 'web_search',
  code_interpreter_call: 'code_execution',
  mcp_list_tools: 'mcp',
  mcp_approval_request: 'mcp',
  mcp_approval_response: 'mcp',
}

/** Places of parts within an item, for streams that name them: content in even places, summaries in odd ones. */
export const contentSlot = (index: number): number => index * 2
export const summarySlot = (index: number): number => index * 2 + 1
export const isSameList = (a: number, b: number): boolean => a % 2 === b % 2
/** The one part of an item that has neither content nor summary. */
export const loneSlot = -1

export interface Slotted {
  readonly slot: number
  readonly part: Part
}

const messageKnown = new Set(['type', 'role', 'content', 'status'])
const reasoningKnown = new Set(['type', 'id', 'summary', 'content', 'encrypted_content', 'status'])
const callKnown = new Set(['type', 'id', 'call_id', 'name', 'arguments', 'input', 'status'])
const imageKnown = new Set(['result'])

/** An item of an answer, or of an assistant's turn in a request. */
export const partsOf = (item: Fields): readonly Part[] => slottedParts(item).map(({ part }) => part)

export function slottedParts(item: Fields): readonly Slotted[] {
  switch (item.type) {
    case undefined:
    case 'message':
      return messageParts(item)
    case 'reasoning':
      return reasoningParts(item)
    case 'function_call':
    case 'custom_tool_call':
      return [{ slot: loneSlot, part: callOf(item) }]
    case 'image_generation_call':
      return [{ slot: loneSlot, part: typeof item.result === 'string' ? imageOf(item, item.result) : servedOf(item) }]
    default:
      return [{ slot: loneSlot, part: servedOf(item) }]
  }
}

/** A state is only kept where it is another than an item has in the end. */
const stateOf = ({ status }: Fields): Fields =>
  typeof status === 'string' && status !== 'completed' && status !== 'in_progress' ? { status } : {}

/** What a message says of itself. Each of its parts remembers it. */
export const messageRest = (item: Fields): Fields => ({ ...without(item, messageKnown), ...stateOf(item) })

function messageParts(item: Fields): readonly Slotted[] {
  const echo = { item: messageRest(item) }
  const content = typeof item.content === 'string' ? [item.content] : Array.isArray(item.content) ? item.content : []
  return content.map((wire: unknown, index) => ({ slot: contentSlot(index), part: contentPart(wire, echo) }))
}

function reasoningParts(item: Fields): readonly Slotted[] {
  const parts = [
    ...listOf(item.summary).map((wire, index) => ({
      slot: summarySlot(index),
      part: thought(item, { text: textOf(wire.text), form: 'summary' }),
    })),
    ...listOf(item.content).map((wire, index) => ({
      slot: contentSlot(index),
      part: thought(item, { text: textOf(wire.text), form: 'text' }),
    })),
  ]
  if (parts.length === 0) parts.push({ slot: loneSlot, part: thought(item, { text: '' }) })
  const carried = sealOf(item)
  if (!carried) return parts
  const sealed = carried.seal && { seal: carried.seal }
  // One seal is of all of the item: it stands where the item ends.
  return parts.map(({ slot, part }, index) => {
    const isLast = index === parts.length - 1
    return {
      slot,
      part: { ...(carried.thought ? foreign(part, carried.thought, isLast) : part), ...(isLast && sealed) },
    }
  })
}

/** A thought of another provider, which only travelled in this dialect. */
function foreign(
  { extra: _extra, form, ...part }: ReasoningPart,
  { id, ...said }: Pick<ReasoningPart, 'id' | 'form' | 'redacted'>,
  isLast: boolean,
): ReasoningPart {
  return { ...part, ...(id !== undefined && { id }), ...(isLast ? said : form && { form }) }
}

/** The seal of an item of reasoning, its own or one that travels in it. */
export const sealOf = ({ encrypted_content }: Fields): CarriedSeal | undefined =>
  typeof encrypted_content === 'string' && encrypted_content !== '' ? carriedSeal(encrypted_content) : undefined

/** Not all hosts give thoughts a state, so here even the usual one is kept. */
export const reasoningRest = (item: Fields): Fields => ({
  ...without(item, reasoningKnown),
  ...(item.status === 'completed' ? { status: item.status } : stateOf(item)),
})

/** Even when there is nothing else to say of it, it is known whose thought it is. */
export function thought(item: Fields, said: Pick<ReasoningPart, 'text' | 'form'>): ReasoningPart {
  const id = stringOf(item.id)
  return { kind: 'reasoning', ...said, ...(id !== undefined && { id }), ...extraOf({}, { item: reasoningRest(item) }) }
}

/** Whether the item is only there for the seal of what stands before it. */
export const isCarrier = (item: Fields): boolean => item.type === 'reasoning' && sealOf(item)?.to !== undefined

/** How far back a seal's owner is looked for: it stands right before it. */
const nearby = 64

/** Gives the seal to what it belongs to: the call with its id, or the last text. */
export function attach(parts: Part[], carried: CarriedSeal): void {
  const at = sealedPlace(parts, carried.to ?? '')
  if (at >= 0 && carried.seal) parts[at] = { ...(parts[at] as TextPart | ToolCall), seal: carried.seal }
}

export function sealedPlace(parts: readonly Part[], to: string): number {
  for (let at = parts.length - 1; at >= Math.max(0, parts.length - nearby); at--) {
    const part = parts[at] as Part
    if (to === '' ? part.kind === 'text' : part.kind === 'tool-call' && part.id === to) return at
  }
  return -1
}

export const callRest = (item: Fields): ReturnType<typeof extraOf> =>
  extraOf(without(item, callKnown), { ...(typeof item.id === 'string' && { id: item.id }), ...stateOf(item) })

export function callOf(item: Fields): ToolCall {
  const isCustom = item.type === 'custom_tool_call'
  return {
    kind: 'tool-call',
    id: textOf(item.call_id),
    name: textOf(item.name),
    arguments: textOf(isCustom ? item.input : item.arguments),
    ...(isCustom && { custom: true }),
    ...callRest(item),
  }
}

function imageOf(item: Fields, data: string): ImagePart {
  const declared = typeof item.output_format === 'string' ? `image/${item.output_format}` : 'image/png'
  return {
    kind: 'image',
    source: { kind: 'data', mediaType: mediaTypeOf(declared, data), data },
    ...extraOf({}, { item: without(item, imageKnown) }),
  }
}

/** Whether an item is one of which a client is told and no more. What draws pictures is one only until it has. */
export const isServed = ({ type }: Fields): boolean =>
  type !== undefined &&
  type !== 'message' &&
  type !== 'reasoning' &&
  type !== 'image_generation_call' &&
  !isCallType(type)

const isCallType = (type: unknown): boolean => type === 'function_call' || type === 'custom_tool_call'

/** A tool that the provider runs; what is no tool is known to this dialect alone. */
export function servedOf(item: Fields): Part {
  const type = textOf(item.type)
  const name = rowOf(servedItems, type) ?? /^(.+?)_(call|call_output|output)$/.exec(type)?.[1]
  if (name === undefined) return { kind: 'opaque', dialect: own, value: item, ...extraOf({}, { isItem: true }) }
  const id = stringOf(item.id) ?? stringOf(item.call_id)
  const isResult = type.endsWith('_output') || type === 'mcp_approval_response'
  return {
    kind: 'server-tool',
    phase: isResult ? 'result' : 'call',
    name,
    dialect: own,
    value: item,
    ...(id !== undefined && { id }),
  }
}

/** Adds what an item says to what was said before it. */
export function addItem(parts: Part[], item: Fields): void {
  const carried = isCarrier(item) && sealOf(item)
  if (carried) attach(parts, carried)
  else parts.push(...partsOf(item))
}

export const isCall = ({ type }: Fields): boolean => isCallType(type)

export const itemsOf = (response: unknown): readonly Fields[] => {
  const { output } = fieldsOf(response)
  return Array.isArray(output) ? output.filter(isFields) : []
}
