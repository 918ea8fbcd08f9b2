import type { Message, Part, Role, ToolCall } from '../../core/chat.ts'
import { mediaTypeOf, plainBase64 } from '../media.ts'
import { type Fields, fieldsOf, listOf, rowOf, stringOf, textOf } from '../values.ts'
import { extraOf, restOf } from './extras.ts'

const roles: Readonly<Record<string, Role>> = {
  system: 'system',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
}

export const roleOf = (written: unknown): Role | undefined => rowOf(roles, written)

const messageFields = new Set(['role', 'content', 'thinking', 'images', 'tool_calls', 'tool_name', 'tool_call_id'])

export function decodeMessage(wire: Fields, role: Role): Message {
  const parts = role === 'tool' ? [resultOf(wire)] : spokenParts(wire)
  return { role, parts, ...restOf(wire, messageFields) }
}

/** Thoughts, words, pictures, then calls: the format has one place for each. */
export function spokenParts(wire: Fields): Part[] {
  const parts: Part[] = []
  const thinking = stringOf(wire.thinking)
  if (thinking) parts.push({ kind: 'reasoning', text: thinking })
  const content = textOf(wire.content)
  if (content !== '') parts.push({ kind: 'text', text: content })
  for (const image of Array.isArray(wire.images) ? wire.images : [])
    if (typeof image === 'string') parts.push(imageOf(image))
  for (const call of listOf(wire.tool_calls)) parts.push(callOf(call))
  return parts
}

/** A picture is base64 and nothing else; what it is can only be told by its bytes. */
function imageOf(image: string): Part {
  const data = plainBase64(image)
  return { kind: 'image', source: { kind: 'data', mediaType: mediaTypeOf('image/png', data), data } }
}

const callFields = new Set(['id', 'function'])
const functionFields = new Set(['name', 'arguments', 'index'])

export function callOf(wire: Fields): ToolCall {
  const called = fieldsOf(wire.function)
  const own = restOf(called, functionFields).extra
  const { arguments: written, index } = called
  return {
    kind: 'tool-call',
    id: textOf(wire.id),
    name: textOf(called.name),
    arguments:
      typeof written === 'string' ? written : written === undefined || written === null ? '' : JSON.stringify(written),
    ...extraOf(
      { ...restOf(wire, callFields).extra?.fields, ...(own && { function: own.fields }) },
      index === undefined ? {} : { index },
    ),
  }
}

function resultOf(wire: Fields): Part {
  const name = stringOf(wire.tool_name)
  return {
    kind: 'tool-result',
    callId: textOf(wire.tool_call_id),
    ...(name !== undefined && { name }),
    parts: [{ kind: 'text', text: textOf(wire.content) }, ...spokenParts({ images: wire.images })],
  }
}
