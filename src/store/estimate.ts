import type { ChatAnswer, ChatEvent } from '../core/chat.ts'
import { assemble } from '../core/chat-events.ts'
import { answerText, requestText } from '../core/chat-text.ts'
import type { AttemptDetail } from '../core/span.ts'
import type { Usage } from '../core/usage.ts'
import type { Dialect } from '../dialects/dialect.ts'
import { dialectNamed } from '../dialects/index.ts'
import { countTokens } from './tokens.ts'

/**
 * What a call has used of which nobody reported it, by its texts: what was sent counts whole, what was answered as far as
 * it came. Pictures and sound cannot be counted. Undefined when the texts cannot be read.
 */
export function estimatedUsage(
  { dialect, callDialect, model, streaming }: AttemptDetail,
  request: Buffer,
  answer: Buffer | undefined,
): Usage | undefined {
  const asked = dialectNamed(callDialect ?? dialect)
  const answering = dialectNamed(dialect)
  if (!asked || !answering) return undefined
  const chat = asked.decodeRequest(JSON.parse(request.toString('utf8')), { model, stream: streaming })
  const said = answer && answerOf(answering, answer, streaming)
  const { thoughts, said: spoken } = said ? answerText(said) : { thoughts: '', said: '' }
  const reasoning = countTokens(thoughts)
  return {
    inputUncached: countTokens(requestText(chat)),
    outputText: countTokens(spoken),
    ...(reasoning > 0 && { reasoning }),
  }
}

function answerOf(dialect: Dialect, bytes: Buffer, streaming: boolean): ChatAnswer {
  if (!streaming) return dialect.decodeAnswer(JSON.parse(bytes.toString('utf8')))
  const events: ChatEvent[] = []
  const decoder = dialect.decodeStream()
  const frames = dialect.framing.split()
  try {
    for (const frame of frames.next(bytes)) events.push(...decoder.next(frame))
    for (const frame of frames.end()) events.push(...decoder.next(frame))
  } catch {
    // What broke off was said up to there.
  }
  return assemble(events)
}
