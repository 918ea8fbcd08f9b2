import type { ChatEvent } from '../../core/chat.ts'
import { GatewayError } from '../../core/error.ts'
import type { Step } from '../../core/steps.ts'
import type { Frame } from '../../http/frames.ts'
import { type Fields, fieldsOf, listOf, textOf } from '../values.ts'
import { finishOf, logprobsOf, ownOf, reportedOf, startOf, usageOf } from './answer.ts'
import { callOf } from './decode-message.ts'
import { readDisguised } from './errors.ts'

/** One line says a little more of words or thoughts, or a whole call; the last one how it ended. */
export function decodeStream(): Step<Frame, ChatEvent> {
  let hasStarted = false
  let hasFinished = false
  let parts = 0
  let text: number | undefined
  let thoughts: number | undefined
  let hasCalls = false

  const say = (kind: 'text' | 'reasoning', part: number | undefined, said: string, events: ChatEvent[]): number => {
    if (part !== undefined) {
      events.push({ kind: 'grow', choice: 0, part, text: said })
      return part
    }
    events.push({ kind: 'begin', choice: 0, part: parts, value: { kind, text: said } })
    return parts++
  }

  return {
    next({ data }) {
      const line = parsed(data)
      if (line.error !== undefined) throw readDisguised(Buffer.from(data))
      const message = fieldsOf(line.message)
      const events: ChatEvent[] = []
      if (!hasStarted) {
        hasStarted = true
        const { extra } = ownOf({ created_at: line.created_at })
        events.push({ kind: 'start', ...startOf(line), ...(extra && { extra }) })
      }
      const thinking = textOf(message.thinking)
      if (thinking !== '') thoughts = say('reasoning', thoughts, thinking, events)
      const content = textOf(message.content)
      if (content !== '') text = say('text', text, content, events)
      for (const call of listOf(message.tool_calls)) {
        hasCalls = true
        events.push(
          { kind: 'begin', choice: 0, part: parts, value: callOf(call) },
          { kind: 'end', choice: 0, part: parts },
        )
        parts++
      }
      const tokens = logprobsOf(line.logprobs)
      if (tokens.length > 0) events.push({ kind: 'logprobs', choice: 0, tokens })
      if (line.done !== true) return events
      const { extra } = ownOf({ ...line, created_at: undefined })
      if (extra) events.push({ kind: 'extra', extra })
      const finish = finishOf(line, hasCalls)
      if (finish) events.push({ kind: 'finish', choice: 0, finish })
      hasFinished = true
      const usage = usageOf(line)
      if (usage) events.push({ kind: 'usage', usage, reported: reportedOf(line) })
      return events
    },
    end() {
      if (!hasFinished) throw new GatewayError('upstream_cut', "The provider's stream ended before the answer did.")
      return []
    },
  }
}

function parsed(data: string): Fields {
  try {
    return fieldsOf(JSON.parse(data))
  } catch (cause) {
    throw new GatewayError('upstream_invalid', 'The provider sent a line that is not JSON.', { cause })
  }
}
