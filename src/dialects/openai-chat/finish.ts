import type { Finish, FinishReason } from '../../core/chat.ts'
import { rowOf } from '../values.ts'

/** The dialect's name, as it stands in what only it knows. */
export const own = 'openai-chat'

/** OpenAI's own words first, then those of compatible hosts. */
const finishReasons: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool_calls',
  function_call: 'tool_calls',
  content_filter: 'content_filter',
  eos: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop_sequence',
  max_tokens: 'length',
  model_length: 'length',
  tool_call: 'tool_calls',
  sensitive: 'content_filter',
}

/** What the provider wrote as its reason; an empty one is none. */
export const finishReasonOf = (written: string | null | undefined): FinishReason | undefined =>
  written ? (rowOf(finishReasons, written) ?? 'other') : undefined

/** OpenAI says `stop` where a tool was named that had to be called; whoever speaks to us is to see that it was. */
export function finishOf(written: string, hasCalls: boolean): Finish {
  const reason = finishReasonOf(written) ?? 'stop'
  return { reason: reason === 'stop' && hasCalls ? 'tool_calls' : reason, ...(written !== '' && { native: written }) }
}

/** Clients switch on these words and know no others. */
const words = {
  stop: 'stop',
  stop_sequence: 'stop',
  length: 'length',
  tool_calls: 'tool_calls',
  content_filter: 'content_filter',
  pause: 'stop',
  malformed: 'stop',
  other: 'stop',
} satisfies Record<FinishReason, string>

/** `isOwn` says that the answer came in this dialect: then its own word goes on. */
export function finishWord(finish: Finish | undefined, hasCalls: boolean, isOwn: boolean): string {
  if (isOwn && finish?.native !== undefined) return finish.native
  const word = words[finish?.reason ?? 'stop']
  return word === 'stop' && hasCalls ? 'tool_calls' : word
}
