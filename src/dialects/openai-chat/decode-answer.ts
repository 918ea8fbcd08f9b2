import type { ChatAnswer } from '../../core/chat.ts'
import { Assembly } from '../../core/chat-events.ts'
import { GatewayError } from '../../core/error.ts'
import { isFields } from '../values.ts'
import { AnswerReader } from './answer-reader.ts'
import type { WireAnswer, WireChoice, WireMessage } from './wire.ts'

/** A whole answer is read as a stream of one chunk: so both come to the same. */
export function decodeAnswer(body: unknown): ChatAnswer {
  if (!isFields(body)) throw invalid
  const assembly = new Assembly()
  const reader = new AnswerReader((event) => assembly.add(event))
  reader.read(body as WireAnswer, message)
  if (!Array.isArray(body.choices)) throw invalid
  for (const [place, choice] of body.choices.entries()) {
    // Snowflake has an empty reason: the answer has ended all the same.
    if (isFields(choice) && choice.finish_reason === '') reader.choice(placeOf(choice, place)).finish('')
  }
  reader.tellFinishes()
  for (const choice of reader.choices.values()) choice.close()
  return assembly.answer()
}

const message = ({ message, delta }: WireChoice): WireMessage | null | undefined => message ?? delta

const placeOf = ({ index }: { readonly index?: unknown }, place: number): number =>
  typeof index === 'number' && index >= 0 ? index : place

const invalid = new GatewayError('upstream_invalid', 'The answer of the provider is no chat completion.')
