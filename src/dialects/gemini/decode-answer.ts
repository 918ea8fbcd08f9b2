import type { ChatAnswer, ChatEvent } from '../../core/chat.ts'
import { assemble } from '../../core/chat-events.ts'
import { GatewayError } from '../../core/error.ts'
import { AnswerReading } from './decode-stream.ts'

/** A whole answer, or the list of pieces that a stream is without server-sent events. */
export function decodeAnswer(body: unknown): ChatAnswer {
  const reading = new AnswerReading()
  const events: ChatEvent[] = []
  for (const one of Array.isArray(body) ? body : [body]) reading.take(one, events)
  if (!reading.hasChoices)
    throw new GatewayError('upstream_invalid', 'The provider answered without a candidate, and without saying why.')
  // Not `push(...)`: what was cited may be more than fits into one call.
  for (const event of reading.end(true)) events.push(event)
  return assemble(events)
}
