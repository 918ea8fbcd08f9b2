import type { Finish, FinishReason } from '../../core/chat.ts'
import { fieldsOf, rowOf, stringOf } from '../values.ts'

const reasons: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop_sequence',
  tool_use: 'tool_calls',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  guardrail_intervened: 'content_filter',
  content_filtered: 'content_filter',
  malformed_model_output: 'malformed',
  malformed_tool_use: 'malformed',
}

const words = {
  stop: 'end_turn',
  stop_sequence: 'stop_sequence',
  tool_calls: 'tool_use',
  length: 'max_tokens',
  content_filter: 'content_filtered',
  pause: 'end_turn',
  malformed: 'malformed_model_output',
  other: 'end_turn',
} satisfies Record<FinishReason, string>

export const finishReasonOf = (written: unknown): FinishReason | undefined =>
  typeof written === 'string' && written !== '' ? (rowOf(reasons, written) ?? 'other') : undefined

/** Which sequence stopped it is told only to those who asked for that field of the model's own answer. */
export function finishOf(written: unknown, additional: unknown): Finish | undefined {
  const reason = finishReasonOf(written)
  if (!reason) return undefined
  const fields = fieldsOf(additional)
  const sequence = stringOf(fields.stop_sequence ?? fieldsOf(fields.delta).stop_sequence)
  return { reason, native: written as string, ...(sequence !== undefined && { stopSequence: sequence }) }
}

/** The provider's own word where it is one of ours. */
export const encodeFinish = ({ reason, native }: Finish): string =>
  native !== undefined && rowOf(reasons, native) === reason ? native : words[reason]
