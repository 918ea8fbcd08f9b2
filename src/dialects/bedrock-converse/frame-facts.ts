import type { AnswerFacts } from '../../core/answer.ts'
import { exceptionPrefix } from '../../http/aws-frames.ts'
import type { Frame } from '../../http/frames.ts'
import type { FrameFacts } from '../dialect.ts'
import { type Fields, fieldsOf, isFields, jsonOf, present } from '../values.ts'
import { exceptionOf } from './errors.ts'
import { finishReasonOf } from './finish.ts'
import { usageIn } from './usage.ts'

/** Once there is content, only the end of a stream and what goes wrong are of interest. */
export const mayMatter = ({ event }: Frame): boolean =>
  event !== 'contentBlockDelta' && event !== 'contentBlockStart' && event !== 'contentBlockStop'

/** The format does not name the model. */
export function readFrame(frame: Frame): FrameFacts | undefined {
  if (frame.event?.startsWith(exceptionPrefix)) return { error: exceptionOf(frame) }
  const payload = fieldsOf(jsonOf(frame.data))
  switch (frame.event) {
    case 'contentBlockStart':
      return { hasContent: isFields(fieldsOf(payload.start).toolUse) }
    case 'contentBlockDelta':
      return { hasContent: saysSomething(fieldsOf(payload.delta)) }
    case 'messageStop':
      return { finishReason: finishReasonOf(payload.stopReason), isDone: true }
    case 'metadata':
      return { usage: usageIn(payload.usage), usageReported: payload.usage }
    default:
      return undefined
  }
}

const saysSomething = ({ text, reasoningContent, ...others }: Fields): boolean =>
  (typeof text === 'string' && text !== '') ||
  Object.values(fieldsOf(reasoningContent)).some((value) => value !== '') ||
  Object.keys(others).length > 0

export function readWhole(body: unknown): AnswerFacts {
  const { stopReason, usage } = fieldsOf(body)
  const counts = usageIn(usage)
  return present({
    finishReason: finishReasonOf(stopReason),
    usage: counts,
    usageReported: counts ? usage : undefined,
  })
}
