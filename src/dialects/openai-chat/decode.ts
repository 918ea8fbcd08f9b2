import type {
  ChatAnswer,
  ChatEvent,
  ChatRequest,
  Choice,
  FinishReason,
  Message,
  Part,
  Role,
  Tool,
} from '../../core/chat.ts'
import type { Step } from '../../core/steps.ts'
import type { Frame } from '../../http/sse.ts'
import { usageOf } from './usage.ts'
import { usageIn, type WireAnswer, type WireMessage, type WirePart, type WireRequest, type WireTool } from './wire.ts'

const finishReasons: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  eos: 'stop',
  length: 'length',
  model_length: 'length',
  tool_calls: 'tool_calls',
  function_call: 'tool_calls',
  content_filter: 'content_filter',
}

/** What the provider wrote as its reason; an empty one is none. */
export const finishReasonOf = (written: string | null | undefined): FinishReason | undefined =>
  written ? (rowOf(finishReasons, written) ?? 'other') : undefined

export function decodeRequest(body: unknown): ChatRequest {
  const request = body as WireRequest
  return {
    model: String(request.model ?? ''),
    stream: request.stream === true,
    messages: listOf(request.messages).map(messageOf),
    tools: [
      ...listOf(request.tools).map(toolOf),
      ...listOf(request.functions).map((wire) => toolOf({ function: wire })),
    ],
  }
}

export function decodeAnswer(body: unknown): ChatAnswer {
  const answer = body as WireAnswer
  const reported = usageIn(answer)
  return {
    ...startOf(answer),
    choices: listOf(answer.choices).map((choice): Choice => {
      const finish = finishReasonOf(choice.finish_reason)
      return { message: messageOf({ role: 'assistant', ...choice.message }), ...(finish && { finish }) }
    }),
    ...(reported && { usage: usageOf(reported) }),
  }
}

export function decodeStream(): Step<Frame, ChatEvent> {
  let started = false
  const calls = new Map<number, CallIndex>()
  return {
    next({ data }) {
      if (data.trim() === '[DONE]') return []
      const chunk = JSON.parse(data) as WireAnswer | null
      if (!isObject(chunk)) return []
      const events: ChatEvent[] = []
      // Azure's first chunk has neither id nor model: the first that has them starts the answer.
      if (!started && (chunk.id || chunk.model)) {
        started = true
        events.push({ kind: 'start', ...startOf(chunk) })
      }
      for (const choice of listOf(chunk.choices)) {
        const index = choice.index ?? 0
        const delta = choice.delta ?? choice.message
        if (delta) {
          const known = calls.get(index) ?? callIndex()
          calls.set(index, known)
          events.push(...deltasOf(index, delta, known))
        }
        const reason = finishReasonOf(choice.finish_reason)
        if (reason) events.push({ kind: 'finish', choice: index, reason })
      }
      const reported = usageIn(chunk)
      if (reported) events.push({ kind: 'usage', usage: usageOf(reported) })
      return events
    },
    end: () => [],
  }
}

function deltasOf(choice: number, delta: WireMessage, calls: CallIndex): ChatEvent[] {
  const events: ChatEvent[] = []
  for (const part of [...spokenParts(delta)]) {
    if (part.kind === 'text' || part.kind === 'refusal' || part.kind === 'reasoning') {
      if (part.text !== '') events.push({ kind: part.kind, choice, text: part.text })
    }
  }
  for (const call of listOf(delta.tool_calls)) {
    const id = textOf(call.id)
    const name = textOf(call.function?.name ?? call.custom?.name)
    events.push({
      kind: 'tool-call',
      choice,
      call: calls.of(call.index, id),
      ...(id && { id }),
      ...(name && { name }),
      arguments: textOf(call.function?.arguments ?? call.custom?.input),
    })
  }
  const legacy = delta.function_call
  if (legacy) {
    events.push({
      kind: 'tool-call',
      choice,
      call: 0,
      ...(legacy.name && { name: textOf(legacy.name) }),
      arguments: textOf(legacy.arguments),
    })
  }
  return events
}

interface CallIndex {
  of(index: number | undefined, id: string | null | undefined): number
}

/**
 * Which call of a choice a fragment belongs to. The index says it; where a host leaves it out, or gives every call the
 * same, a new id begins a new call.
 */
function callIndex(): CallIndex {
  const ids: (string | undefined)[] = []
  const latest = new Map<number, number>()
  return {
    of(index, id) {
      const key = index ?? -1
      const known = latest.get(key)
      const isNew = known === undefined || (!!id && ids[known] !== undefined && ids[known] !== id)
      const place = isNew ? ids.length : known
      if (isNew) ids.push(id || undefined)
      else if (id) ids[place] ??= id
      latest.set(key, place)
      return place
    },
  }
}

const startOf = ({ id, model }: WireAnswer): { id?: string; model?: string } => ({
  ...(id && { id: textOf(id) }),
  ...(model && { model: textOf(model) }),
})

const roles: Readonly<Record<string, Role>> = {
  system: 'system',
  developer: 'developer',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
  function: 'tool',
}

function messageOf(wire: WireMessage): Message {
  const role = rowOf(roles, wire.role) ?? 'user'
  const spoken = [...spokenParts(wire)]
  const parts =
    role === 'tool'
      ? [{ kind: 'tool-result' as const, callId: textOf(wire.tool_call_id ?? wire.name), parts: spoken }]
      : [...spoken, ...callParts(wire)]
  return { role, ...(wire.name && { name: textOf(wire.name) }), parts }
}

function* spokenParts(wire: WireMessage): Generator<Part> {
  const reasoning = wire.reasoning_content || wire.reasoning
  if (typeof reasoning === 'string' && reasoning !== '') yield { kind: 'reasoning', text: reasoning }
  if (typeof wire.content === 'string') {
    if (wire.content !== '') yield { kind: 'text', text: wire.content }
  } else if (Array.isArray(wire.content)) {
    for (const part of wire.content) yield partOf(part)
  }
  if (wire.refusal) yield { kind: 'refusal', text: textOf(wire.refusal) }
}

function* callParts(wire: WireMessage): Generator<Part> {
  for (const call of listOf(wire.tool_calls)) {
    yield {
      kind: 'tool-call',
      id: textOf(call.id),
      name: textOf(call.function?.name ?? call.custom?.name),
      arguments: textOf(call.function?.arguments ?? call.custom?.input),
    }
  }
  if (wire.function_call) {
    const { name, arguments: written } = wire.function_call
    yield { kind: 'tool-call', id: '', name: textOf(name), arguments: textOf(written) }
  }
}

function partOf(wire: WirePart | string | null): Part {
  if (!isObject(wire)) return { kind: 'text', text: textOf(wire) }
  switch (wire.type) {
    case 'text':
      return { kind: 'text', text: textOf(wire.text) }
    case 'refusal':
      return { kind: 'refusal', text: textOf(wire.refusal) }
    case 'thinking':
      return { kind: 'reasoning', text: thoughtOf(wire.thinking) }
    case 'image_url': {
      const image = typeof wire.image_url === 'string' ? { url: wire.image_url } : wire.image_url
      return { kind: 'image', url: textOf(image?.url), ...(image?.detail && { detail: textOf(image.detail) }) }
    }
    case 'input_audio':
      return { kind: 'audio', data: textOf(wire.input_audio?.data), format: textOf(wire.input_audio?.format) }
    case 'file': {
      const { file_data, file_id, filename } = wire.file ?? {}
      return {
        kind: 'document',
        ...(file_data && { data: textOf(file_data) }),
        ...(file_id && { fileId: textOf(file_id) }),
        ...(filename && { filename: textOf(filename) }),
      }
    }
    default:
      return { kind: 'opaque', dialect: 'openai-chat', value: wire }
  }
}

const thoughtOf = (thinking: WirePart['thinking']): string =>
  typeof thinking === 'string'
    ? thinking
    : listOf(thinking)
        .map(({ text }) => textOf(text))
        .join('')

function toolOf(wire: WireTool): Tool {
  const { name, description } = wire.function ?? wire.custom ?? {}
  const schema = wire.function?.parameters
  return {
    name: textOf(name),
    ...(description && { description: textOf(description) }),
    ...(schema !== undefined && { schema }),
  }
}

/** The objects of a list, where the wire may have `null`, nothing or something else for both. */
function listOf<T>(value: readonly T[] | null | undefined): readonly T[] {
  const items: readonly T[] = Array.isArray(value) ? value : []
  return items.every((item) => isObject(item)) ? items : items.filter((item) => isObject(item))
}

const isObject = <T>(value: T): value is T & object => typeof value === 'object' && value !== null

/** Text where the wire may have anything: what is none of it is shown as it was written. */
const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value)

/** A row of a table by a word from outside, which may also be `constructor`. */
const rowOf = <T>(table: Readonly<Record<string, T>>, word: unknown): T | undefined =>
  typeof word === 'string' && Object.hasOwn(table, word) ? table[word] : undefined
