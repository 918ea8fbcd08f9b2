/** The rules of each door's stream that its clients rely on, besides what the readers need to put it together. */
import type { Door } from './formats.ts'
import type { WireEvent } from './oracle/said.ts'
import { isObj, list, num, obj, type Tree } from './oracle/tree.ts'

export function grammarFaults(door: Door, events: readonly WireEvent[], text: string): readonly string[] {
  return rules[door](
    events.map(({ data }) => obj(data)),
    text,
    events,
  )
}

type Rule = (data: readonly Tree[], text: string, events: readonly WireEvent[]) => readonly string[]

const rules: Readonly<Record<Door, Rule>> = {
  'openai-chat'(chunks, text) {
    const faults: string[] = []
    if (!text.endsWith('data: [DONE]\n\n')) faults.push('it does not end with [DONE]')
    if (new Set(chunks.map(({ id }) => id)).size > 1) faults.push('the chunks have different ids')
    if (chunks.some(({ object }) => object !== 'chat.completion.chunk')) faults.push('a chunk is no chunk')
    if (chunks.some(({ model, created }) => typeof model !== 'string' || typeof created !== 'number'))
      faults.push('a chunk lacks model or created')
    const states = new Map<number, { calls: number; isOver: boolean }>()
    for (const choice of chunks.flatMap(({ choices }) => list(choices))) {
      const index = num(choice.index)
      const delta = obj(choice.delta)
      const state = states.get(index)
      if (!state && delta.role !== 'assistant') faults.push('the first delta of a choice has no role')
      const known = state ?? { calls: 0, isOver: false }
      states.set(index, known)
      if (known.isOver && Object.keys(delta).length > 0) faults.push('there is more after the finish')
      for (const call of list(delta.tool_calls)) {
        if (num(call.index) > known.calls) faults.push(`call ${call.index} comes before call ${known.calls}`)
        if (num(call.index) === known.calls) {
          known.calls++
          if (!call.id || !obj(call.function ?? call.custom).name) faults.push('a call begins without id or name')
        } else if (call.id) faults.push('a call has its id twice')
      }
      if (choice.finish_reason) {
        if (known.isOver) faults.push('a choice finishes twice')
        known.isOver = true
      }
    }
    if ([...states.values()].some(({ isOver }) => !isOver)) faults.push('a choice does not finish')
    if (states.size === 0) faults.push('there is no choice')
    return faults
  },
  'openai-responses'(data, _text, events) {
    const faults: string[] = []
    if (events.some(({ event }) => event === undefined)) faults.push('an event has no name')
    if (data[0]?.type !== 'response.created') faults.push('it does not begin with response.created')
    const numbers = data.map(({ sequence_number }) => sequence_number)
    if (numbers.some((value, place) => value !== place)) faults.push('sequence_number does not count from 0')
    const added = data.filter(({ type }) => type === 'response.output_item.added')
    const done = data.filter(({ type }) => type === 'response.output_item.done')
    const places = added.map(({ output_index }) => output_index)
    if (places.some((value, place) => value !== place)) faults.push(`items are added as ${places.join(', ')}`)
    if (done.length !== added.length) faults.push(`${added.length} items are added and ${done.length} done`)
    const output = list(obj(data.at(-1)?.response).output)
    if (output.length !== added.length) faults.push(`the end has ${output.length} items of ${added.length}`)
    for (const item of done) {
      const last = output[num(item.output_index)]
      if (JSON.stringify(last) !== JSON.stringify(item.item))
        faults.push(`item ${item.output_index} differs at the end`)
    }
    return faults
  },
  'anthropic-messages'(data, _text, events) {
    const faults: string[] = []
    if (events.some(({ event }, place) => event !== data[place]?.type)) faults.push('an event is not named by its type')
    if (data[0]?.type !== 'message_start') faults.push('it does not begin with message_start')
    const { message } = obj(data[0])
    if (!isObj(obj(message).usage)) faults.push('message_start has no usage')
    if (list(obj(message).content).length > 0) faults.push('message_start has content')
    const starts = data.filter(({ type }) => type === 'content_block_start')
    const stops = data.filter(({ type }) => type === 'content_block_stop')
    if (starts.some(({ index }, place) => index !== place)) faults.push('the blocks do not count from 0')
    if (stops.length !== starts.length) faults.push(`${starts.length} blocks start and ${stops.length} stop`)
    if (data.at(-1)?.type !== 'message_stop') faults.push('it does not end with message_stop')
    const deltas = data.filter(({ type }) => type === 'message_delta')
    // A second one tells counts that came after the first, as Anthropic's own streams do.
    if (deltas.length === 0) faults.push('there is no message_delta')
    if (deltas.some(({ usage }) => !isObj(usage))) faults.push('a message_delta has no usage')
    if (deltas.slice(1).some(({ delta }) => obj(delta).stop_reason !== obj(deltas[0]?.delta).stop_reason))
      faults.push('a later message_delta has another stop_reason')
    return faults
  },
  gemini(chunks, text) {
    const faults: string[] = []
    if (/^(event|id|retry):/m.test(text)) faults.push('it has more than data')
    const last = chunks.findLast(({ candidates }) => list(candidates).length > 0)
    if (list(last?.candidates).every(({ finishReason }) => !finishReason))
      faults.push('the last candidate has no finishReason')
    return faults
  },
}
