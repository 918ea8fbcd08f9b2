import type { ChatAnswer, Finish, Part } from '../../core/chat.ts'
import { GatewayError } from '../../core/error.ts'
import { answerIn, isAnswerTool } from '../anthropic-messages/answer-tool.ts'
import { type Fields, fieldsOf, isFields, listOf, present, stringOf, without } from '../values.ts'
import { decodeBlocks } from './decode-parts.ts'
import { readDisguised } from './errors.ts'
import { extraOf } from './extras.ts'
import { finishOf } from './finish.ts'
import { usageIn } from './usage.ts'

const readFields = new Set(['output', 'stopReason', 'usage', 'metrics', 'serviceTier'])

export function decodeAnswer(body: unknown): ChatAnswer {
  const answer = fieldsOf(body)
  const { message } = fieldsOf(answer.output)
  if (!isFields(message)) throw noAnswer(body)
  const said = decodeBlocks(listOf(message.content), 'assistant').filter(isSomething)
  const parts = said.map(unwrapped)
  const isAnswered = parts.some((part, index) => part !== said[index])
  const hasCalls = parts.some(({ kind }) => kind === 'tool-call')
  const finish = finishOf(answer.stopReason, answer.additionalModelResponseFields)
  const usage = usageIn(answer.usage)
  return {
    ...present({ serviceTier: stringOf(fieldsOf(answer.serviceTier).type) }),
    choices: [
      {
        message: { role: 'assistant', parts },
        ...(finish && { finish: settledFinish(finish, hasCalls, isAnswered) }),
      },
    ],
    ...(usage && { usage, usageReported: answer.usage }),
    ...ownOf(without(answer, readFields), answer),
  }
}

function noAnswer(body: unknown): GatewayError {
  const { message, Message, __type } = fieldsOf(body)
  if (message !== undefined || Message !== undefined || __type !== undefined)
    return readDisguised(Buffer.from(JSON.stringify(body)))
  return new GatewayError('upstream_invalid', 'What the provider sent is no answer: it has no message.')
}

/** What goes back to a client who speaks the same: numbers as they were reported, and how long it took. */
export const ownOf = (fields: Fields, { usage, metrics }: Fields): ReturnType<typeof extraOf> =>
  extraOf(
    fields,
    present({ usage: isFields(usage) ? usage : undefined, metrics: isFields(metrics) ? metrics : undefined }),
  )

/** Models begin blocks in which they then say nothing. */
const isSomething = (part: Part): boolean =>
  part.kind !== 'text' || part.text !== '' || (part.citations?.length ?? 0) > 0

/** The answer in its schema, from the call in which the model was made to give it. */
const unwrapped = (part: Part): Part =>
  part.kind === 'tool-call' && isAnswerTool(part.name)
    ? { kind: 'text', text: answerIn(part.name, inputOf(part.arguments)) }
    : part

/** What was written as a call's input; as text if it is no JSON. */
export function inputOf(written: string): unknown {
  try {
    return written === '' ? {} : JSON.parse(written)
  } catch {
    return written
  }
}

/**
 * An answer by way of a tool that we made has simply ended, for a client that knows of no such tool. Some models say that
 * they have ended where they wait for their calls.
 */
export function settledFinish(finish: Finish, hasCalls: boolean, isAnswered: boolean): Finish {
  if (hasCalls) return finish.reason === 'stop' ? { ...finish, reason: 'tool_calls' } : finish
  return isAnswered && finish.reason === 'tool_calls' ? { reason: 'stop' } : finish
}
