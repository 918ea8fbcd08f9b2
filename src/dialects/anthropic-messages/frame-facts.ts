import type { AnswerFacts } from '../../core/answer.ts'
import type { Frame } from '../../http/frames.ts'
import type { FrameFacts } from '../dialect.ts'
import { type Fields, fieldsOf, isFields, jsonOf, present, stringOf } from '../values.ts'
import { errorIn } from './errors.ts'
import { finishReasonOf } from './finish.ts'
import { decodeUsage, mergeCounts } from './usage.ts'

/** Deltas are nearly all of a stream and say nothing but that there is content; asked before one is parsed. */
export const mayMatter = ({ event, data }: Frame): boolean =>
  event === undefined ? !data.includes('"content_block_delta"') : event !== 'content_block_delta'

/**
 * Reads the frames of one stream. Counts at the end do not say for how long the cache keeps what was written to it, which
 * the start did, so that all of them have to be read together.
 */
export function frameReader(): (frame: Frame) => FrameFacts | undefined {
  let counts: Fields | undefined
  const usageFacts = (told: unknown): FrameFacts => {
    if (!isFields(told)) return {}
    counts = mergeCounts(counts, told)
    return { usage: decodeUsage(counts), usageReported: counts }
  }
  return (frame) => readFrame(frame, usageFacts)
}

function readFrame({ event, data }: Frame, usageFacts: (told: unknown) => FrameFacts): FrameFacts | undefined {
  const said = parsed(data)
  if (!said) return undefined
  switch (said.type ?? event) {
    case 'message_start': {
      const message = fieldsOf(said.message)
      return present({ model: stringOf(message.model), ...usageFacts(message.usage) })
    }
    case 'content_block_start':
      return { hasContent: startsContent(fieldsOf(said.content_block)) }
    case 'content_block_delta':
      return { hasContent: hasContent(fieldsOf(said.delta)) }
    case 'message_delta':
      return present({
        finishReason: finishReasonOf(fieldsOf(said.delta).stop_reason),
        ...usageFacts(said.usage),
      })
    case 'message_stop':
      return { isDone: true }
    case 'error':
      return { error: errorIn(said) }
    default:
      return isFields(said.error) ? { error: errorIn(said) } : undefined
  }
}

/** What a whole message says of itself. */
export function readWhole(body: unknown): AnswerFacts {
  if (!isFields(body)) return {}
  if (body.type === 'error' || isFields(body.error)) {
    const { code, message } = errorIn(body)
    return { error: { code, message } }
  }
  return present({
    model: stringOf(body.model),
    finishReason: finishReasonOf(body.stop_reason),
    ...(isFields(body.usage) && { usage: decodeUsage(body.usage), usageReported: body.usage }),
  })
}

const startsContent = ({ type, text, thinking }: Fields): boolean =>
  type === 'text' ? text !== undefined && text !== '' : type === 'thinking' ? !!thinking : type !== undefined

const hasContent = ({ text, thinking, partial_json }: Fields): boolean => !!(text || thinking || partial_json)

const parsed = (data: string): Fields | undefined => {
  const value = jsonOf(data)
  return isFields(value) ? value : undefined
}
