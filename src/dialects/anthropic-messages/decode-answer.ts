import type { ChatAnswer, Part } from '../../core/chat.ts'
import { GatewayError } from '../../core/error.ts'
import { type Fields, isFields, present, stringOf, textOf, without } from '../values.ts'
import { answerIn, isAnswerTool } from './answer-tool.ts'
import { decodeBlock } from './decode-block.ts'
import { errorIn } from './errors.ts'
import { decodeFinish } from './finish.ts'
import { rejoined } from './foreign-thoughts.ts'
import { decodeUsage } from './usage.ts'
import { dialectName, extraOf } from './wire.ts'

export function decodeAnswer(body: unknown): ChatAnswer {
  if (!isFields(body)) throw new GatewayError('upstream_invalid', 'What the provider sent is no message.')
  if (body.type === 'error' || isFields(body.error)) throw errorIn(body)
  if (!Array.isArray(body.content))
    throw new GatewayError('upstream_invalid', 'The message of the provider has no `content`.')

  const blocks = body.content.filter(isFields)
  const finish = unwrappedFinish(body, blocks)
  const parts = rejoined(blocks.map(decodeAnswerBlock))
  const explained = explanationOf(body.stop_details)
  return {
    ...startOf(body),
    choices: [
      {
        message: { role: 'assistant', parts: explained ? [...parts, explained] : parts },
        ...(finish && { finish }),
      },
    ],
    ...(isFields(body.usage) && { usage: decodeUsage(body.usage), usageReported: body.usage }),
  }
}

function decodeAnswerBlock(block: Fields): Part {
  if (block.type !== 'tool_use' || !isAnswerTool(textOf(block.name))) return decodeBlock(block)
  return { kind: 'text', text: answerIn(textOf(block.name), block.input) }
}

/** An answer by way of a tool that we made is an answer and no call. */
function unwrappedFinish(body: Fields, blocks: readonly Fields[]) {
  const calls = blocks.filter(({ type }) => type === 'tool_use')
  const hasOtherCall = calls.some(({ name }) => !isAnswerTool(textOf(name)))
  const isAnswer = calls.length > 0 && !hasOtherCall && body.stop_reason === 'tool_use'
  return isAnswer ? ({ reason: 'stop' } as const) : decodeFinish(body, hasOtherCall)
}

const messageFields = new Set([
  'id',
  'type',
  'role',
  'model',
  'content',
  'stop_reason',
  'stop_sequence',
  'stop_details',
  'usage',
])

/** What a message says of itself, at the start of a stream or whole. */
export const startOf = (message: Fields) =>
  present({
    id: stringOf(message.id),
    model: stringOf(message.model),
    serviceTier: tierOf(message.usage),
    ...extraOf(without(message, messageFields), isFields(message.usage) ? { usage: message.usage } : {}),
  })

function tierOf(usage: unknown): string | undefined {
  const tier = isFields(usage) ? stringOf(usage.service_tier) : undefined
  return tier === 'standard' ? 'default' : tier
}

/** Why Claude refused, in words for the reader where it says so. */
export function explanationOf(details: unknown): Part | undefined {
  const text = isFields(details) ? stringOf(details.explanation) : undefined
  if (!text) return undefined
  return { kind: 'refusal', text, extra: { dialect: dialectName, fields: {}, echo: { from: 'stop_details' } } }
}
