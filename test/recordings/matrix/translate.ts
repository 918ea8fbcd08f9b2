/** The steps of a translation as the gateway puts them together, without sockets. */
import type { ChatAnswer, ChatEvent, ChatRequest, Message } from '../../../src/core/chat.ts'
import { runStep } from '../../../src/core/steps.ts'
import type { AnswerContext, Dialect } from '../../../src/dialects/dialect.ts'
import { madeCallId } from '../../../src/dialects/ids.ts'
import type { Frame } from '../../../src/http/frames.ts'
import { responseBytes } from '../../support/recordings.ts'
import type { Chat } from './formats.ts'

/** The frames of a recorded stream as the provider's dialect cuts them. */
export const framesOf = ({ exchange, speaker }: Pick<Chat, 'exchange' | 'speaker'>): readonly Frame[] =>
  runStep(speaker.framing.split(), [responseBytes(exchange)])

export const decodedStream = (chat: Chat): readonly ChatEvent[] => runStep(chat.speaker.decodeStream(), framesOf(chat))

/** The request that was recorded, as its dialect understands it, or one that asks for everything. */
export function requestOf({ exchange, speaker }: Chat): ChatRequest {
  const bare: ChatRequest = {
    model: exchange.model ?? 'a-model',
    stream: exchange.streaming,
    messages: [{ role: 'user', parts: [{ kind: 'text', text: 'Hello' }] }],
    tools: [],
    settings: {},
  }
  const body = exchange.request.body
  const asked = { model: bare.model, stream: exchange.streaming }
  const request = body === null ? bare : decodedOr(speaker, body, asked, bare)
  return { ...request, settings: { ...request.settings, includeUsage: true } }
}

function decodedOr(
  speaker: Dialect,
  body: unknown,
  asked: { model: string; stream: boolean },
  bare: ChatRequest,
): ChatRequest {
  try {
    return speaker.decodeRequest(body, asked)
  } catch {
    // A request that its provider refused, too: what was answered is another test.
    return bare
  }
}

export function contextOf(request: ChatRequest): AnswerContext {
  let ids = 0
  return { request, createdS: 1_790_000_000, newId: () => `made${(ids++).toString().padStart(8, '0')}` }
}

/** Calls without an id get one, as the gateway does it between two dialects. */
export function withCallIds(answer: ChatAnswer): ChatAnswer {
  let made = 0
  const named = (message: Message): Message => ({
    ...message,
    parts: message.parts.map((part) =>
      part.kind === 'tool-call' && part.id === '' ? { ...part, id: madeCallId(`test${made++}`) } : part,
    ),
  })
  return { ...answer, choices: answer.choices.map((choice) => ({ ...choice, message: named(choice.message) })) }
}

export function eventsWithCallIds(events: readonly ChatEvent[]): readonly ChatEvent[] {
  let made = 0
  return events.map((event) =>
    event.kind === 'begin' && event.value.kind === 'tool-call' && event.value.id === ''
      ? { ...event, value: { ...event.value, id: madeCallId(`test${made++}`) } }
      : event,
  )
}
