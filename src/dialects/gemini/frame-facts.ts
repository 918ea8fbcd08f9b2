import type { AnswerFacts } from '../../core/answer.ts'
import type { FinishReason } from '../../core/chat.ts'
import { GatewayError } from '../../core/error.ts'
import type { Frame } from '../../http/frames.ts'
import type { FrameFacts } from '../dialect.ts'
import { type Fields, isFields, jsonOf, listOf, stringOf } from '../values.ts'
import { blockedPrompt, readDisguised } from './errors.ts'
import { finishOf, isReason } from './finish.ts'
import { usageOf } from './usage.ts'
import { manyOf, named } from './wire.ts'

/** What a chunk has to name to be worth reading once there is content. */
export const mayMatter = ({ data }: Frame): boolean =>
  data.includes('"usageMetadata"') ||
  data.includes('"finishReason"') ||
  data.includes('"functionCall"') ||
  !data.startsWith('{"candidates"')

/** What the chunks before have said that the last one does not repeat: the reason for its end does not tell of a call. */
interface Seen {
  hasCall: boolean
}

export function frameReader(): (frame: Frame) => FrameFacts | undefined {
  const seen: Seen = { hasCall: false }
  return ({ data }) => factsOfFrame(data, seen)
}

function factsOfFrame(data: string, seen: Seen): FrameFacts | undefined {
  const chunk = jsonOf(data)
  if (!isFields(chunk)) {
    return {
      error: new GatewayError('upstream_invalid', `The provider sent an event that is no JSON: ${data.slice(0, 200)}`),
    }
  }
  if (chunk.error !== undefined && chunk.error !== null) return { error: readDisguised(Buffer.from(data)) }
  return factsOf(chunk, seen)
}

export function readWhole(body: unknown): AnswerFacts {
  // A list is a stream without server-sent events.
  let facts: FrameFacts = {}
  const seen: Seen = { hasCall: false }
  for (const one of Array.isArray(body) ? body : [body]) if (isFields(one)) facts = { ...facts, ...factsOf(one, seen) }
  const { model, finishReason, usage, usageReported } = facts
  return {
    ...(model !== undefined && { model }),
    ...(finishReason !== undefined && { finishReason }),
    ...(usage && { usage }),
    ...(usageReported !== undefined && { usageReported }),
  }
}

function factsOf(chunk: Fields, seen: Seen): FrameFacts {
  const wire = named(chunk)
  const model = stringOf(wire.modelVersion)
  const candidates = listOf(wire.candidates).map(named)
  const finishReason = finishIn(candidates, seen) ?? (blockedPrompt(wire.promptFeedback) && ('content_filter' as const))
  const reported = wire.usageMetadata
  return {
    ...(model !== undefined && { model }),
    ...(finishReason && { finishReason }),
    ...(isFields(reported) && { usage: usageOf(reported), usageReported: reported }),
    ...(candidates.some(saysSomething) && { hasContent: true }),
  }
}

/** Of the first choice, which is the only one for nearly every client. */
function finishIn(candidates: readonly Fields[], seen: Seen): FinishReason | undefined {
  const first = candidates.find(({ index }) => index === undefined || index === 0)
  if (!first) return undefined
  seen.hasCall ||= partsOf(first).some(isCall)
  return isReason(first.finishReason) ? finishOf(first.finishReason, seen.hasCall, undefined).reason : undefined
}

const partsOf = ({ content }: Fields): readonly Fields[] => (isFields(content) ? manyOf(content.parts) : [])
const isCall = (part: Fields): boolean => part.functionCall !== undefined

const saysSomething = (candidate: Fields): boolean =>
  isReason(candidate.finishReason) ||
  partsOf(candidate).some((part) => part.text !== '' && Object.keys(part).some((name) => name !== 'thoughtSignature'))
