import type { Part, ReasoningPart, Seal, TokenLogprob, ToolCall } from '../../core/chat.ts'
import type { Fields } from '../values.ts'
import { outputPart } from './encode-content.ts'
import { isOwn, itemId, itemKey, itemRest, own, ownEcho, ownFields } from './own.ts'
import { sealText } from './seals.ts'

/** The kinds of items that an answer's parts become. */
export type ItemKind = 'message' | 'reasoning' | 'call' | 'whole'

/** What a part is for clients of this dialect; undefined for what they cannot be shown. */
export function shown(part: Part): Part | undefined {
  switch (part.kind) {
    case 'text':
    case 'refusal':
    case 'reasoning':
    case 'tool-call':
      return part
    case 'server-tool':
    case 'opaque':
      return part.dialect === own ? part : undefined
    case 'image':
      if (part.source.kind === 'data') return part
      return part.source.kind === 'url' ? { kind: 'text', text: `![image](${part.source.url})` } : undefined
    case 'audio':
      return { kind: 'text', text: part.transcript ?? '' }
    default:
      return undefined
  }
}

/** Empty texts and thoughts are no news, unless something hangs on them. */
export const saysSomething = (part: Part): boolean =>
  part.kind === 'text'
    ? part.text !== '' || part.seal !== undefined || (part.citations?.length ?? 0) > 0
    : part.kind === 'reasoning'
      ? part.text !== '' || part.seal !== undefined
      : part.kind !== 'refusal' || part.text !== ''

export function kindOf(part: Part): ItemKind {
  switch (part.kind) {
    case 'text':
    case 'refusal':
      return 'message'
    case 'opaque':
      return itemRest(part.extra) ? 'message' : 'whole'
    case 'reasoning':
      return 'reasoning'
    case 'tool-call':
      return 'call'
    default:
      return 'whole'
  }
}

/** Whether a part belongs to the item that another one began. What other providers say in a row is one message. */
export function belongsTo(first: Part, part: Part): boolean {
  const kind = kindOf(first)
  if (kind !== kindOf(part)) return false
  if (kind === 'message') return itemKey(first.extra) === itemKey(part.extra)
  const { id } = first as ReasoningPart
  return kind === 'reasoning' && id !== undefined && id === (part as ReasoningPart).id
}

const prefixes = { message: 'msg', reasoning: 'rs', call: 'fc', whole: 'ig' } as const

/** The id that the item had, or else one that is the same for the same place in the same answer. */
export function idOf(first: Part, base: string, index: number): string {
  if (isOwn(first.extra)) {
    const known = first.kind === 'reasoning' ? first.id : (itemRest(first.extra)?.id ?? ownEcho(first.extra).id)
    if (typeof known === 'string' && known !== '') return known
  }
  const prefix = first.kind === 'tool-call' && first.custom ? 'ctc' : prefixes[kindOf(first)]
  return itemId(prefix, base, index)
}

/** Thoughts that were shown as they are by a provider of this dialect; all others' are summaries, which every client shows. */
export const isRawThought = ({ form }: ReasoningPart, isNative: boolean): boolean => isNative && form === 'text'

export function wireItem(
  parts: readonly Part[],
  id: string,
  isNative: boolean,
  logprobs: readonly (readonly TokenLogprob[])[] = [],
): Fields {
  const first = parts[0] as Part
  switch (first.kind) {
    case 'reasoning':
      return reasoningItem(parts as readonly ReasoningPart[], id, isNative)
    case 'tool-call':
      return callItem(first, id)
    case 'server-tool':
      return first.value as Fields
    case 'image': {
      const data = first.source.kind === 'data' ? first.source.data : ''
      return { id, type: 'image_generation_call', status: 'completed', ...itemRest(first.extra), result: data }
    }
    case 'opaque':
      if (!itemRest(first.extra)) return first.value as Fields
      break
    default:
  }
  const content = parts.map((part, index) => outputPart(part, (logprobs[index] ?? []).map(wireLogprob)))
  return { id, type: 'message', status: 'completed', role: 'assistant', ...itemRest(first.extra), content }
}

function reasoningItem(parts: readonly ReasoningPart[], id: string, isNative: boolean): Fields {
  const first = parts[0] as ReasoningPart
  const said = parts.filter(({ text, form }) => text !== '' || (isNative && form !== undefined))
  const content = said.filter((part) => isRawThought(part, isNative))
  const summary = said.filter((part) => !isRawThought(part, isNative))
  const sealed = parts.findLast(({ seal }) => seal)
  return {
    id,
    type: 'reasoning',
    ...itemRest(first.extra),
    summary: summary.map(({ text }) => ({ type: 'summary_text', text })),
    ...(content.length > 0 && { content: content.map(({ text }) => ({ type: 'reasoning_text', text })) }),
    ...encryptedContent(sealed ?? first),
  }
}

/** What another provider thought has some even when it is not sealed: it may be wanted back all the same. */
function encryptedContent(thought: ReasoningPart): Fields {
  const { seal } = thought
  if (isOwn(thought.extra)) return seal ? { encrypted_content: sealText({ seal }) } : {}
  return { encrypted_content: sealText({ ...(seal && { seal }), thought }) }
}

export function callItem(call: ToolCall, id: string, status = 'completed'): Fields {
  const written = call.arguments === '' && !isOwn(call.extra) ? '{}' : call.arguments
  const said = call.custom
    ? { id, type: 'custom_tool_call', status, call_id: call.id, name: call.name, input: call.arguments }
    : { id, type: 'function_call', status, arguments: written, call_id: call.id, name: call.name }
  const known = ownEcho(call.extra).status
  return { ...said, ...(known !== undefined && { status: known }), ...ownFields(call.extra) }
}

/** A seal of what is no thought has no place in this dialect but in thoughts of its own, behind what it belongs to. */
export const carrierItem = (seal: Seal, to: string, id: string): Fields => ({
  id,
  type: 'reasoning',
  summary: [],
  encrypted_content: sealText({ seal, to }),
})

export const carriedSealsOf = (parts: readonly Part[]): readonly { readonly seal: Seal; readonly to: string }[] =>
  parts.flatMap((part) => {
    if (part.kind === 'text') return part.seal ? [{ seal: part.seal, to: '' }] : []
    return part.kind === 'tool-call' && part.seal ? [{ seal: part.seal, to: part.id }] : []
  })

export const wireLogprob = ({ token, logprob, bytes, top }: TokenLogprob): object => ({
  token,
  bytes: bytes ?? [...Buffer.from(token, 'utf8')],
  logprob,
  top_logprobs: (top ?? []).map(wireLogprob),
})
