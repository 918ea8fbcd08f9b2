import type { AnswerFacts } from '../../core/answer.ts'
import type { Frame } from '../../http/frames.ts'
import type { FrameFacts } from '../dialect.ts'
import { isFields } from '../values.ts'
import { spanErrorOf } from '../watch.ts'
import { isDoneMark } from './decode-stream.ts'
import { readDisguised } from './errors.ts'
import { finishReasonOf } from './finish.ts'
import { usageOf } from './usage.ts'
import { usageIn, type WireAnswer, type WireChoice, type WireMessage } from './wire.ts'

/** What one event of a stream says that is needed at once; nothing where it cannot be read. */
export function readFrame({ event, data }: Frame): FrameFacts | undefined {
  if (isDoneMark(data)) return { isDone: true }
  const chunk = parsed(data)
  if (!chunk) return undefined
  const choices = choicesIn(chunk)
  const hasError = event === 'error' || (chunk.error !== undefined && chunk.error !== null)
  const reported = usageIn(chunk)
  return {
    model: modelIn(chunk),
    finishReason: finishIn(choices),
    ...(isFields(reported) && { usage: usageOf(reported), usageReported: reported }),
    ...(hasError && { error: readDisguised(Buffer.from(data)) }),
    hasContent: choices.some(saysSomething),
  }
}

/** The same of a whole answer. */
export function readWhole(body: unknown): AnswerFacts {
  if (!isFields(body)) return {}
  const answer = body as WireAnswer
  const model = modelIn(answer)
  const finishReason = finishIn(choicesIn(answer))
  const reported = usageIn(answer)
  const hasError = answer.error !== undefined && answer.error !== null
  return {
    ...(model !== undefined && { model }),
    ...(finishReason !== undefined && { finishReason }),
    ...(isFields(reported) && { usage: usageOf(reported), usageReported: reported }),
    ...(hasError && { error: spanErrorOf(readDisguised(Buffer.from(JSON.stringify(body)))) }),
  }
}

const modelIn = ({ model }: WireAnswer): string | undefined =>
  typeof model === 'string' && model !== '' ? model : undefined

/** The reason of the first choice, which is the only one for nearly every client. */
const finishIn = (choices: readonly WireChoice[]) => {
  const first = choices.find(({ index = 0 }) => index === 0)?.finish_reason
  return typeof first === 'string' ? finishReasonOf(first) : undefined
}

const choicesIn = ({ choices }: WireAnswer): readonly WireChoice[] =>
  Array.isArray(choices) ? choices.filter(isFields) : []

/** A role alone is no content; neither is an empty text. */
function saysSomething({ delta, message }: WireChoice): boolean {
  const said: WireMessage | null | undefined = delta ?? message
  if (!isFields(said)) return false
  return contents.some((name) => {
    const value = said[name]
    return Array.isArray(value) || typeof value === 'string' ? value.length > 0 : isFields(value)
  })
}

const contents = [
  'content',
  'reasoning_content',
  'reasoning',
  'reasoning_details',
  'refusal',
  'tool_calls',
  'function_call',
  'executed_tools',
  'images',
  'audio',
] as const

function parsed(data: string): WireAnswer | undefined {
  try {
    const chunk: unknown = JSON.parse(data)
    return isFields(chunk) ? (chunk as WireAnswer) : undefined
  } catch {
    return undefined
  }
}
