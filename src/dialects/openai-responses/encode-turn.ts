import type { Message, Part, ReasoningPart, ToolCall } from '../../core/chat.ts'
import { type Fields, fieldsOf } from '../values.ts'
import { callIdOf } from './call-ids.ts'
import { dropForeign, outputPart, type Writing } from './encode-content.ts'
import { isMadeItemId, isOwn, itemKey, itemRest, own, ownEcho, ownFields } from './own.ts'

/** Items of an assistant's turn that belongs to a request, each in its place: thoughts stand before what they led to. */
export function turnItems({ parts }: Message, place: string, writing: Writing): readonly Fields[] {
  const items: Fields[] = []
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at] as Part
    const together = [part]
    while (at + 1 < parts.length && isSameItem(part, parts[at + 1] as Part)) together.push(parts[++at] as Part)
    items.push(...itemsOf(together, place, writing))
  }
  return items
}

const isSaid = ({ kind }: Part): boolean => kind === 'text' || kind === 'refusal' || kind === 'opaque'

function isSameItem(a: Part, b: Part): boolean {
  if (a.kind === 'reasoning' && b.kind === 'reasoning' && a.id !== undefined) return a.id === b.id
  const key = itemKey(a.extra)
  return key !== undefined && key === itemKey(b.extra) && (a.kind === b.kind || (isSaid(a) && isSaid(b)))
}

function itemsOf(parts: readonly Part[], place: string, writing: Writing): readonly Fields[] {
  const part = parts[0] as Part
  const rest = itemRest(part.extra)
  for (const one of parts) dropForeign(one, place, writing)
  switch (part.kind) {
    case 'text':
    case 'refusal':
      return rest ? [ownMessage(parts, rest)] : spoken(part)
    case 'reasoning':
      return reasoningItem(parts as readonly ReasoningPart[], place, writing)
    case 'tool-call':
      return [callItem(part)]
    case 'server-tool':
      if (part.dialect === own) return [part.value as Fields]
      break
    case 'opaque':
      if (part.dialect === own) return [rest ? ownMessage(parts, rest) : (part.value as Fields)]
      break
    case 'image':
      if (rest && part.source.kind === 'data') return [{ ...rest, result: part.source.data }]
      break
    case 'audio':
      // The sound cannot be sent, its words can.
      if (part.transcript) return [{ role: 'assistant', content: part.transcript }]
      break
    default:
  }
  writing.drop(`${place}.${part.kind}`)
  return []
}

/** The short form has no id, which nobody but OpenAI can give. */
const spoken = (part: Extract<Part, { kind: 'text' | 'refusal' }>): readonly Fields[] =>
  part.text === ''
    ? []
    : [{ role: 'assistant', content: part.kind === 'text' ? part.text : [{ type: 'refusal', refusal: part.text }] }]

const withoutMadeId = ({ id, ...rest }: Fields): Fields =>
  id === undefined || isMadeItemId(id) ? rest : { id, ...rest }

function ownMessage(parts: readonly Part[], rest: Fields): Fields {
  const said = withoutMadeId(rest)
  const content = parts.map((part) => {
    const { logprobs: _, ...wire } = fieldsOf(outputPart(part))
    return wire
  })
  return { type: 'message', role: 'assistant', ...(said.id !== undefined && { status: 'completed' }), ...said, content }
}

/** Thoughts are only taken back from whom they are: sealed by the target itself, or in clear by a target that wants them. */
function reasoningItem(
  parts: readonly ReasoningPart[],
  place: string,
  { abilities, drop }: Writing,
): readonly Fields[] {
  const first = parts[0] as ReasoningPart
  const seal = parts.findLast((part) => part.seal)?.seal
  const rest = withoutMadeId({ ...(first.id !== undefined && { id: first.id }), ...itemRest(first.extra) })
  // "Reasoning input items can only be provided to a reasoning … model."
  if (abilities.reasoning === 'none') {
    drop(`${place}.reasoning`)
    return []
  }
  const isOurs = seal
    ? seal.by === (abilities.seals ?? 'openai')
    : (isOwn(first.extra) || /^rs_/.test(first.id ?? '')) && !isMadeItemId(first.id)
  if (!isOurs && !(abilities.wantsThoughts && parts.some(({ text }) => text !== ''))) {
    drop(`${place}.reasoning`)
    return []
  }
  const content = parts.filter(({ form }) => form === 'text' || (!isOurs && form === undefined)).filter(hasText)
  const summary = parts.filter(({ form }) => form !== 'text' && (isOurs || form !== undefined)).filter(hasText)
  return [
    {
      type: 'reasoning',
      ...rest,
      summary: summary.map(({ text }) => ({ type: 'summary_text', text })),
      ...(content.length > 0 && { content: content.map(({ text }) => ({ type: 'reasoning_text', text })) }),
      ...(isOurs && seal && { encrypted_content: seal.value }),
    },
  ]
}

/** An empty one is only sent where it was one before. */
const hasText = ({ text, form, extra }: ReasoningPart): boolean => text !== '' || (form !== undefined && isOwn(extra))

function callItem(part: ToolCall): Fields {
  const { id, status } = ownEcho(part.extra)
  const said = part.custom
    ? { type: 'custom_tool_call', call_id: callIdOf(part.id, part.extra), name: part.name, input: part.arguments }
    : {
        type: 'function_call',
        call_id: callIdOf(part.id, part.extra),
        name: part.name,
        arguments: part.arguments === '' && !isOwn(part.extra) ? '{}' : part.arguments,
      }
  return {
    ...said,
    ...(id !== undefined && !isMadeItemId(id) && { id }),
    ...(status !== undefined && { status }),
    ...ownFields(part.extra),
  }
}
