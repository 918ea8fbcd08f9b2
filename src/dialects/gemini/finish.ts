import type { Finish, FinishReason } from '../../core/chat.ts'
import { rowOf } from '../values.ts'
import { own } from './wire.ts'

const reasons: Readonly<Record<string, FinishReason>> = {
  STOP: 'stop',
  MAX_TOKENS: 'length',
  SAFETY: 'content_filter',
  RECITATION: 'content_filter',
  LANGUAGE: 'content_filter',
  BLOCKLIST: 'content_filter',
  PROHIBITED_CONTENT: 'content_filter',
  SPII: 'content_filter',
  MODEL_ARMOR: 'content_filter',
  IMAGE_SAFETY: 'content_filter',
  IMAGE_PROHIBITED_CONTENT: 'content_filter',
  IMAGE_RECITATION: 'content_filter',
  IMAGE_OTHER: 'content_filter',
  MALFORMED_FUNCTION_CALL: 'malformed',
  UNEXPECTED_TOOL_CALL: 'malformed',
  TOO_MANY_TOOL_CALLS: 'malformed',
  MISSING_THOUGHT_SIGNATURE: 'malformed',
  MALFORMED_RESPONSE: 'malformed',
}

/** Vertex's numbers of the same reasons. */
const numbered = [
  'FINISH_REASON_UNSPECIFIED',
  'STOP',
  'MAX_TOKENS',
  'SAFETY',
  'RECITATION',
  'OTHER',
  'BLOCKLIST',
  'PROHIBITED_CONTENT',
  'SPII',
  'MALFORMED_FUNCTION_CALL',
  'MODEL_ARMOR',
  'IMAGE_SAFETY',
  'IMAGE_PROHIBITED_CONTENT',
  'IMAGE_RECITATION',
  'IMAGE_OTHER',
  'UNEXPECTED_TOOL_CALL',
  'NO_IMAGE',
] as const

const wireReasons: Readonly<Record<FinishReason, string>> = {
  stop: 'STOP',
  stop_sequence: 'STOP',
  length: 'MAX_TOKENS',
  tool_calls: 'STOP',
  content_filter: 'SAFETY',
  pause: 'OTHER',
  malformed: 'MALFORMED_RESPONSE',
  other: 'OTHER',
}

/** Google stops for its calls as for anything else: that there was one has to be seen. */
export function finishOf(written: string | number, hasCall: boolean, message: unknown): Finish {
  const native = typeof written === 'number' ? (numbered[written] ?? String(written)) : written
  const reason = rowOf(reasons, native) ?? 'other'
  const fields = message === undefined ? {} : { finishMessage: message }
  const echo = typeof written === 'number' ? { finishReason: written } : undefined
  return {
    reason: reason === 'stop' && hasCall ? 'tool_calls' : reason,
    native,
    ...((message !== undefined || echo) && { extra: { dialect: own, fields, ...(echo && { echo }) } }),
  }
}

export const isReason = (written: unknown): written is string | number =>
  (typeof written === 'string' && written !== '') || (typeof written === 'number' && written !== 0)

export const wireReasonOf = ({ reason, native }: Finish, answerIsOwn: boolean): string =>
  answerIsOwn && native !== undefined ? native : wireReasons[reason]
