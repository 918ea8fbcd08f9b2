import type { ChatEvent } from '../../core/chat.ts'
import { GatewayError } from '../../core/error.ts'
import type { Step } from '../../core/steps.ts'
import type { Frame } from '../../http/frames.ts'
import { isFields } from '../values.ts'
import { AnswerReader } from './answer-reader.ts'
import { readDisguised } from './errors.ts'
import type { WireAnswer, WireChoice, WireMessage } from './wire.ts'

export function decodeStream(): Step<Frame, ChatEvent> {
  let events: ChatEvent[] = []
  const reader = new AnswerReader((event) => events.push(event))
  let isDone = false
  /** Hosts that never say why an answer ended say at least that it has. */
  const finishAll = (): void => {
    isDone = true
    for (const choice of reader.choices.values()) choice.finish('')
    reader.tellFinishes()
  }
  return {
    next({ event, data }) {
      if (isDoneMark(data)) {
        events = []
        finishAll()
        return events
      }
      const chunk = parsed(data)
      // Groq names the event.
      if (event === 'error') throw readDisguised(Buffer.from(data))
      if (!isFields(chunk)) return []
      events = []
      reader.read(chunk as WireAnswer, delta)
      return events
    },
    end() {
      events = []
      const choices = [...reader.choices.values()]
      // Some hosts leave out the mark at the end: that every choice says why it ended is as good.
      if (!isDone && !(choices.length > 0 && choices.every(({ isFinished }) => isFinished)))
        throw new GatewayError('upstream_cut', 'The stream of the provider broke off before the answer was complete.')
      reader.tellFinishes()
      for (const choice of choices) choice.close()
      return events
    },
  }
}

/** Perplexity has the whole message so far beside the delta. */
const delta = ({ delta, message }: WireChoice): WireMessage | null | undefined => delta ?? message

export const isDoneMark = (data: string): boolean => data.length < 32 && data.trim() === '[DONE]'

function parsed(data: string): unknown {
  if (data.trim() === '') return undefined
  try {
    return JSON.parse(data)
  } catch (cause) {
    throw new GatewayError('upstream_invalid', 'An event in the stream of the provider is not valid JSON.', { cause })
  }
}
