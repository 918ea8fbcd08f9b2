import { type Oracle, type Said, type SaidFinish, uniqueLinks, type WireEvent } from './said.ts'
import { isObj, list, num, obj, str, type Tree } from './tree.ts'

export const openaiResponses: Oracle = {
  said(body): Said {
    const items = list(body.output)
    const of = (...types: string[]) => items.filter(({ type }) => types.includes(str(type)))
    const content = of('message').flatMap((item) => list(item.content))
    const usage = obj(body.usage)
    const calls = of('function_call', 'custom_tool_call').map((item) => ({
      name: str(item.name),
      args: item.type === 'function_call' ? item.arguments : item.input,
    }))
    return {
      choices: [
        {
          text: textOf(content, 'output_text', 'text'),
          refusal: textOf(content, 'refusal', 'refusal'),
          reasoning: of('reasoning')
            .flatMap((item) => [...list(item.summary), ...list(item.content)])
            .map(({ text }) => str(text))
            .join(''),
          calls,
          finish: finishOf(body, calls.length > 0),
          links: uniqueLinks(
            content
              .flatMap(({ annotations }) => list(annotations))
              .filter(({ type }) => type === 'url_citation')
              .map(({ url, title }) => ({ url, title })),
          ),
          quotes: content.flatMap(({ text, annotations }) =>
            list(annotations)
              .filter(({ type, end_index }) => type === 'url_citation' && num(end_index) > 0)
              .map(({ url, start_index, end_index }) => ({
                url: str(url),
                text: str(text).slice(num(start_index), num(end_index)),
              })),
          ),
          tokens: content
            .flatMap(({ logprobs }) => list(logprobs))
            .map(({ token, logprob }) => ({ token: str(token), logprob: num(logprob) })),
          media: of('image_generation_call').map(({ result }) => str(result).slice(0, 40)),
        },
      ],
      usage: isObj(body.usage)
        ? {
            input: num(usage.input_tokens),
            output: num(usage.output_tokens),
            cached: num(obj(usage.input_tokens_details).cached_tokens),
            written: num(obj(usage.input_tokens_details).cache_write_tokens),
            reasoning: num(obj(usage.output_tokens_details).reasoning_tokens),
          }
        : undefined,
    }
  },

  /** The last event has the whole; what the events before it said is held against it. */
  fold(events: readonly WireEvent[]) {
    let whole: Tree | undefined
    let last = -1
    const items = new Map<number, Item>()
    const done = new Map<number, Tree>()
    for (const { event, data } of events) {
      const wire = obj(data)
      if (!isObj(data)) continue
      if (event !== undefined && event !== wire.type)
        throw new Error(`The event ${event} says that it is ${wire.type}.`)
      if (wire.sequence_number !== undefined) {
        if (num(wire.sequence_number) <= last) throw new Error(`sequence_number ${wire.sequence_number} after ${last}.`)
        last = num(wire.sequence_number)
      }
      if (whole) throw new Error(`There is a ${wire.type} after the end.`)
      take(items, wire)
      if (wire.type === 'response.output_item.done') done.set(num(wire.output_index), obj(wire.item))
      if (wire.type === 'error' || wire.type === 'response.failed')
        throw new Error(`The stream says an error: ${JSON.stringify(data)}`)
      if (wire.type === 'response.completed' || wire.type === 'response.incomplete') whole = obj(wire.response)
    }
    if (!whole) throw new Error('There is no response.completed.')
    // What is encrypted is encrypted anew at the end: both are good, and an item is whole when it is done.
    const output = list(whole.output).map((item, place) => done.get(place) ?? item)
    for (const [place, item] of output.entries()) {
      const told = items.get(place)
      if (told) agree(told, item, place)
    }
    return { ...whole, output }
  },
}

const textOf = (content: readonly Tree[], type: string, field: string): string =>
  content
    .filter((part) => part.type === type)
    .map((part) => str(part[field]))
    .join('')

function finishOf(body: Tree, hasCalls: boolean): SaidFinish {
  const reason = obj(body.incomplete_details).reason
  if (body.status === 'incomplete') {
    if (reason === 'max_output_tokens') return 'length'
    return reason === 'content_filter' ? 'content_filter' : 'other'
  }
  if (hasCalls) return 'tool_calls'
  return body.status === 'completed' ? 'stop' : 'other'
}

/** What the deltas of an item say. */
interface Item {
  text: string
  args: string
  summary: string
  hasText: boolean
  hasArgs: boolean
  hasSummary: boolean
  isDone: boolean
}

function take(items: Map<number, Item>, wire: Tree): void {
  if (typeof wire.output_index !== 'number') return
  const item = items.get(wire.output_index) ?? {
    text: '',
    args: '',
    summary: '',
    hasText: false,
    hasArgs: false,
    hasSummary: false,
    isDone: false,
  }
  items.set(wire.output_index, item)
  switch (wire.type) {
    case 'response.output_text.delta':
      item.text += str(wire.delta)
      item.hasText = true
      break
    case 'response.function_call_arguments.delta':
      item.args += str(wire.delta)
      item.hasArgs = true
      break
    case 'response.reasoning_summary_text.delta':
    case 'response.reasoning_text.delta':
      item.summary += str(wire.delta)
      item.hasSummary = true
      break
    case 'response.output_item.done':
      if (item.isDone) throw new Error(`Item ${wire.output_index} is done twice.`)
      item.isDone = true
  }
}

function agree(told: Item, item: Tree, place: number): void {
  const content = list(item.content)
  const [text, thought] = [textOf(content, 'output_text', 'text'), [...list(item.summary), ...content]]
  const summary = thought.map((part) => (part.type === 'output_text' ? '' : str(part.text))).join('')
  if (told.hasText && told.text !== text) throw new Error(`Item ${place}: the deltas say another text than the end.`)
  if (told.hasArgs && told.args !== str(item.arguments))
    throw new Error(`Item ${place}: the deltas say other arguments than the end.`)
  if (told.hasSummary && told.summary !== summary)
    throw new Error(`Item ${place}: the deltas say other thoughts than the end.`)
}
