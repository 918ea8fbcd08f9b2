import type { ChatAnswer, Choice, Part } from '../../core/chat.ts'
import type { AnswerContext } from '../dialect.ts'
import { type Fields, isFields, present } from '../values.ts'
import { groundingOf } from './citations.ts'
import { type PartRules, type WirePart, wireParts } from './encode-part.ts'
import { wireReasonOf } from './finish.ts'
import { logprobsResultOf } from './logprobs.ts'
import { wireUsageOf } from './usage.ts'
import { isOwn, withExtra } from './wire.ts'

export const clientRules: PartRules = {
  forClient: true,
  urls: true,
  resolution: false,
  keepsEmpty: false,
  drop: () => {},
}

export function encodeAnswer(answer: ChatAnswer, context: AnswerContext): unknown {
  const { choices, usage, usageReported, model, id, extra } = answer
  const goesBack = isOwn(extra)
  const body = present({
    candidates: choices.map((choice, index) => candidateOf(choice, index, goesBack)),
    usageMetadata: goesBack && isFields(usageReported) ? usageReported : usage && wireUsageOf(usage),
    modelVersion: model ?? (goesBack ? undefined : context.request.model),
    responseId: context.answerId ?? id ?? (goesBack ? undefined : context.newId()),
  })
  return withExtra(body, extra)
}

function candidateOf({ message, finish, logprobs, extra }: Choice, index: number, goesBack: boolean): Fields {
  const parts = message.parts.flatMap((part) => wireParts(part, clientRules))
  const candidate: Record<string, unknown> = { content: contentOf(parts) }
  if (finish) {
    candidate.finishReason = wireReasonOf(finish, goesBack)
    withExtra(candidate, finish.extra)
  }
  candidate.index = index
  const grounding = isOwn(extra) ? undefined : groundingOf(citedTexts(message.parts))
  if (grounding) candidate.groundingMetadata = grounding
  if (logprobs) candidate.logprobsResult = logprobsResultOf(logprobs)
  return withExtra(candidate, extra)
}

/** An answer of nothing has no list of parts. */
export const contentOf = (parts: readonly WirePart[]): Fields => ({ role: 'model', ...(parts.length > 0 && { parts }) })

const citedTexts = (parts: readonly Part[]): Parameters<typeof groundingOf>[0] =>
  parts.flatMap((part) => (part.kind === 'text' ? [{ text: part.text, citations: part.citations ?? [] }] : []))
