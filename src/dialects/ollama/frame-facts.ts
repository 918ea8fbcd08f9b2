import type { AnswerFacts } from '../../core/answer.ts'
import type { Frame } from '../../http/frames.ts'
import type { FrameFacts } from '../dialect.ts'
import { type Fields, fieldsOf, listOf, present, stringOf } from '../values.ts'
import { finishOf, reportedOf, usageOf } from './answer.ts'
import { readDisguised } from './errors.ts'

/** Once there is content, only the last line and what goes wrong are of interest. */
export const mayMatter = ({ data }: Frame): boolean => !data.includes('"done":false') || data.includes('"error"')

export function readFrame({ data }: Frame): FrameFacts | undefined {
  const line = parsed(data)
  if (!line) return undefined
  if (line.error !== undefined) return { error: readDisguised(Buffer.from(data)) }
  const { content, thinking, tool_calls } = fieldsOf(line.message)
  return {
    ...factsOf(line),
    hasContent: !!content || !!thinking || listOf(tool_calls).length > 0,
    isDone: line.done === true,
  }
}

export function readWhole(body: unknown): AnswerFacts {
  return factsOf(fieldsOf(body))
}

const factsOf = (
  answer: Fields,
): Pick<FrameFacts, 'usageReported'> &
  Omit<AnswerFacts, 'finishReason' | 'error'> & { finishReason?: NonNullable<FrameFacts['finishReason']> } =>
  present({
    model: stringOf(answer.model),
    finishReason: finishOf(answer, listOf(fieldsOf(answer.message).tool_calls).length > 0)?.reason,
    usage: usageOf(answer),
    usageReported: reportedOf(answer),
  })

function parsed(data: string): Fields | undefined {
  try {
    return fieldsOf(JSON.parse(data))
  } catch {
    return undefined
  }
}
