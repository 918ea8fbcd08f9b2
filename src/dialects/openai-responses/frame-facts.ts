import type { AnswerFacts } from '../../core/answer.ts'
import type { GatewayError } from '../../core/error.ts'
import type { Frame } from '../../http/frames.ts'
import type { FrameFacts } from '../dialect.ts'
import { type Fields, fieldsOf, isFields, jsonOf, stringOf } from '../values.ts'
import { spanErrorOf } from '../watch.ts'
import { finishOf } from './decode-answer.ts'
import { failureOf } from './errors.ts'
import { isCall, itemsOf } from './items.ts'
import { usageOf } from './usage.ts'

/** The end of a stream, an error, or the beginning: what comes between is content or nothing. */
const mattering = /^(response\.(created|completed|incomplete|failed|cancelled)|error)$/
const typeAtStart = /"type"\s*:\s*"([^"]*)"/

/** The event's name, or its type where a host leaves the name out: it is among the first fields. */
const nameOf = ({ event, data }: Frame): string | undefined => event ?? typeAtStart.exec(data.slice(0, 200))?.[1]

/** Whether a frame may say more than that there is content. One without a name is looked at, whatever it is. */
export function mayMatter(frame: Frame): boolean {
  const name = nameOf(frame)
  return name === undefined || !name.startsWith('response.') || mattering.test(name)
}

export function readFrame(frame: Frame): FrameFacts | undefined {
  const name = nameOf(frame)
  if (name?.startsWith('response.') && !mattering.test(name)) return { hasContent: isContent(name, frame.data) }
  const event = parsed(frame.data)
  if (!event) return undefined
  if (event.type === 'error' || (event.type === undefined && isError(event.error)))
    return { error: failureOf(event.error ?? event) }
  const response = fieldsOf(event.response)
  const model = stringOf(response.model)
  if (event.type === 'response.created') return { model }
  if (typeof event.type !== 'string' || !mattering.test(event.type))
    return { hasContent: isContent(name ?? '', frame.data) }
  return { ...factsOf(response, event.type), isDone: true, hasContent: true }
}

/** A new item is content when it is a call: its name is there from the beginning. */
const isContent = (name: string, data: string): boolean =>
  name.endsWith('.delta') ||
  name.endsWith('.done') ||
  (name === 'response.output_item.added' && data.includes('_call"'))

const isError = (error: unknown): boolean => isFields(error) || (typeof error === 'string' && error !== '')

function factsOf(response: Fields, type: string): FrameFacts {
  const usage = usageOf(response.usage)
  const error = errorOf(response, type === 'response.failed')
  const finish = finishOf(response, itemsOf(response).some(isCall))
  return {
    model: stringOf(response.model),
    ...(usage && { usage, usageReported: response.usage }),
    ...(error ? { error } : { finishReason: finish?.reason }),
  }
}

function errorOf(response: Fields, hasFailed: boolean): GatewayError | undefined {
  if (isError(response.error)) return failureOf(response.error)
  return hasFailed || response.status === 'failed' ? failureOf({}) : undefined
}

/** What a whole response says of itself. */
export function readWhole(body: unknown): AnswerFacts {
  const { model, finishReason, error, usage, usageReported } = factsOf(fieldsOf(body), 'response.completed')
  return {
    ...(model && { model }),
    ...(finishReason && { finishReason }),
    ...(usage && { usage, usageReported }),
    ...(error && { error: spanErrorOf(error) }),
  }
}

const parsed = (data: string): Fields | undefined => {
  const value = jsonOf(data)
  return isFields(value) ? value : undefined
}
