import type { AnswerFacts } from '../core/answer.ts'
import type { AttemptDetail, AttemptRecord, CallDetail, CallRecord, SpanRecord } from '../core/span.ts'

/** What a whole answer tells that had not told enough as it passed. */
export interface Found extends AnswerFacts {
  readonly unterminated?: true | undefined
  /** True when `usage` is what we make of the texts, since nobody reported it. */
  readonly isEstimated?: true
}

/** A record and the text of its detail, which is stored as it came. */
export interface Sent<R> {
  readonly record: R
  readonly text: string
}

export function attemptWith({ span, detail }: AttemptRecord, found: Found): Sent<AttemptRecord> {
  const { usageReported = detail.usageReported } = found
  const told = { ...detail, ...toldOf(detail, found), usageReported }
  return sent(span, found, told.usage && !found.isEstimated ? { ...told, usageMissing: undefined } : told)
}

/** The call of such an attempt knows no more than the attempt did. */
export const callWith = ({ span, detail }: CallRecord, found: Found): Sent<CallRecord> =>
  found.isEstimated && detail.usage
    ? sent(span, found, { ...detail, ...toldOf(detail, { ...found, usage: detail.usage }) })
    : sent(span, found, { ...detail, ...toldOf(detail, found), ...(found.isEstimated && { usageEstimated: true }) })

type Told = Pick<AttemptDetail | CallDetail, 'usage' | 'finishReason' | 'unterminated' | 'modelAnswered' | 'error'>

/** What the watch at the gateway found stands where the writer, who may have less of the answer, found nothing. */
const toldOf = (detail: Told, { usage, finishReason, unterminated, model, error }: Found): Told => ({
  usage: usage ?? detail.usage,
  finishReason: finishReason ?? detail.finishReason,
  unterminated: unterminated ?? detail.unterminated,
  modelAnswered: model ?? detail.modelAnswered,
  error: error ?? detail.error,
})

const sent = <D>(span: SpanRecord, { error }: Found, detail: D): Sent<{ span: SpanRecord; detail: D }> => ({
  record: { span: error ? { ...span, status: 'error' } : span, detail },
  text: JSON.stringify(detail),
})
