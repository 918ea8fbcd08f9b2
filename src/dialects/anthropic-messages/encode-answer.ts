import type { ChatAnswer } from '../../core/chat.ts'
import type { AnswerContext } from '../dialect.ts'
import { answerId } from '../ids.ts'
import { answerBlocks } from './encode-block.ts'
import { encodeFinish } from './finish.ts'
import { encodeUsage } from './usage.ts'
import { ownEcho, ownFields } from './wire.ts'

/** A message has one answer: of several choices it shows the first. */
export function encodeAnswer(answer: ChatAnswer, { request, answerId: given, newId }: AnswerContext): unknown {
  const [choice] = answer.choices
  return {
    id: given ?? answerId('msg_', answer.id, newId),
    type: 'message',
    role: 'assistant',
    model: answer.model ?? request.model,
    content: choice?.message.parts.flatMap(answerBlocks) ?? [],
    ...encodeFinish(choice?.finish),
    usage: encodeUsage(answer.usage, ownEcho(answer.extra).usage, answer.serviceTier),
    ...ownFields(answer.extra),
  }
}
