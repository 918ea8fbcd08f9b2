import type { Finish, FinishReason } from '../../core/chat.ts'
import { type Fields, isFields, rowOf, stringOf } from '../values.ts'
import { dialectName } from './wire.ts'

/** Why Claude ended, in its words and ours. */
const reasons: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop_sequence',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  pause_turn: 'pause',
  compaction: 'pause',
  refusal: 'content_filter',
}

/** Our words in Claude's; it has none for what is malformed or merely unusual. */
const stopReasons = {
  stop: 'end_turn',
  stop_sequence: 'stop_sequence',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  content_filter: 'refusal',
  pause: 'pause_turn',
  malformed: 'end_turn',
  other: 'end_turn',
} satisfies Record<FinishReason, string>

export const finishReasonOf = (stopReason: unknown): FinishReason | undefined =>
  typeof stopReason === 'string' ? (rowOf(reasons, stopReason) ?? 'other') : undefined

/**
 * How an answer ended: from a whole answer, or from the `delta` of a stream's last events. Some hosts say that it has ended
 * where it waits for its calls.
 */
export function decodeFinish(said: Fields, hasCalls: boolean): Finish | undefined {
  const native = stringOf(said.stop_reason)
  if (native === undefined) return undefined
  const sequence = stringOf(said.stop_sequence)
  const meant = rowOf(reasons, native)
  const isCalling = meant === 'stop' && hasCalls
  const echo = {
    ...((meant === undefined || isCalling) && { stop_reason: native }),
    ...(isFields(said.stop_details) && { stop_details: said.stop_details }),
  }
  return {
    reason: isCalling ? 'tool_calls' : (meant ?? 'other'),
    native,
    ...(sequence !== undefined && { stopSequence: sequence }),
    ...(Object.keys(echo).length > 0 && { extra: { dialect: dialectName, fields: {}, echo } }),
  }
}

interface EncodedFinish {
  readonly stop_reason: string
  readonly stop_sequence: string | null
  readonly stop_details: unknown
}

/** An answer that never said why it ended has simply ended. */
export function encodeFinish(finish: Finish | undefined): EncodedFinish {
  if (!finish) return { stop_reason: 'end_turn', stop_sequence: null, stop_details: null }
  const { reason, native, stopSequence, extra } = finish
  const echo = extra?.dialect === dialectName ? extra.echo : undefined
  // The same word may be another provider's, so that it counts only where it means what was understood.
  const own = native !== undefined && rowOf(reasons, native) === reason ? native : undefined
  return {
    stop_reason: stringOf(echo?.stop_reason) ?? own ?? stopReasons[reason],
    stop_sequence: stopSequence ?? null,
    stop_details: echo?.stop_details ?? null,
  }
}
