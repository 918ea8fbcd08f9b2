import type { Message, Part, ToolCall, ToolResult } from '../../core/chat.ts'
import { isMadeCallId } from '../ids.ts'
import { type Fields, fieldsOf, isFields, present } from '../values.ts'
import { ownEcho, ownFields, sayForeign } from './extras.ts'

type Drop = (what: string) => void

/** The messages on the wire, where each result of a tool is one of its own. */
export function encodeMessages(messages: readonly Message[], drop: Drop): Fields[] {
  const wire: Fields[] = []
  const names = new Map<string, string>()
  for (const [index, message] of messages.entries()) {
    const place = `messages[${index}]`
    sayForeign(message.extra, drop)
    if (message.name !== undefined) drop(`${place}.name`)
    for (const part of message.parts) if (part.kind === 'tool-call') names.set(part.id, part.name)
    const results = message.parts.filter((part): part is ToolResult => part.kind === 'tool-result')
    for (const result of results) wire.push(encodeResult(result, names, place, drop))
    const others = message.parts.filter(({ kind }) => kind !== 'tool-result')
    if (others.length === 0 && results.length > 0) continue
    const role = message.role === 'developer' ? 'system' : message.role === 'tool' ? 'user' : message.role
    wire.push({ ...ownFields(message.extra), role, ...encodeParts(others, place, drop) })
  }
  return wire
}

/** Words in one string, pictures beside it, thoughts in clear, calls at the end. */
export function encodeParts(parts: readonly Part[], place: string, drop: Drop): Fields {
  const words: string[] = []
  const thoughts: string[] = []
  const images: string[] = []
  const calls: Fields[] = []
  for (const part of parts) {
    sayForeign(part.extra, drop)
    switch (part.kind) {
      case 'text':
      case 'refusal':
        if (part.text !== '') words.push(part.text)
        break
      case 'reasoning':
        if (part.text !== '') thoughts.push(part.text)
        break
      case 'image':
        if (part.source.kind === 'data') images.push(part.source.data)
        else drop(`${place}.image`)
        break
      case 'document':
        if (part.source.kind === 'text') words.push(part.source.text)
        else if (part.source.kind === 'parts') words.push(String(encodeParts(part.source.parts, place, drop).content))
        else drop(`${place}.document`)
        break
      case 'tool-call':
        calls.push(encodeCall(part))
        break
      default:
        drop(`${place}.${part.kind}`)
    }
    if (part.cache) drop('cache')
  }
  return {
    content: words.join('\n'),
    ...(thoughts.length > 0 && { thinking: thoughts.join('\n') }),
    ...(images.length > 0 && { images }),
    ...(calls.length > 0 && { tool_calls: calls }),
  }
}

/** An id that we made means nothing to the model, and one that is empty nothing to anybody. */
const isTheirs = (id: string): boolean => id !== '' && !isMadeCallId(id)

export function encodeCall({ id, name, arguments: written, extra }: ToolCall): Fields {
  const { function: own, ...fields } = ownFields(extra)
  const { index } = ownEcho(extra)
  return {
    ...(isTheirs(id) && { id }),
    ...fields,
    function: present({ ...fieldsOf(own), index, name, arguments: argumentsOf(written) }),
  }
}

/** Arguments have to be an object here. What is none is wrapped, so that the model sees what it wrote. */
function argumentsOf(written: string): Fields {
  if (written.trim() === '') return {}
  try {
    const value: unknown = JSON.parse(written)
    return isFields(value) ? value : { input: value }
  } catch {
    return { input: written }
  }
}

function encodeResult(
  { callId, name = undefined, parts, extra }: ToolResult,
  names: ReadonlyMap<string, string>,
  place: string,
  drop: Drop,
): Fields {
  sayForeign(extra, drop)
  return {
    role: 'tool',
    ...encodeParts(parts, place, drop),
    ...present({
      tool_name: name ?? (callId === '' ? undefined : names.get(callId)),
      tool_call_id: isTheirs(callId) ? callId : undefined,
    }),
  }
}
