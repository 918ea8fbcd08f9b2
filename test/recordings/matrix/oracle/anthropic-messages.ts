import { type Oracle, type Said, type SaidFinish, uniqueLinks, type WireEvent } from './said.ts'
import { isObj, list, num, obj, str, type Tree } from './tree.ts'

const finishes: Readonly<Record<string, SaidFinish>> = {
  end_turn: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  stop_sequence: 'stop_sequence',
  tool_use: 'tool_calls',
  refusal: 'content_filter',
  pause_turn: 'pause',
}

export const anthropicMessages: Oracle = {
  said(body): Said {
    const content = list(body.content)
    const of = (type: string) => content.filter((block) => block.type === type)
    const usage = obj(body.usage)
    const [read, written] = [num(usage.cache_read_input_tokens), num(usage.cache_creation_input_tokens)]
    return {
      choices: [
        {
          text: of('text')
            .map(({ text }) => str(text))
            .join(''),
          refusal: str(obj(body.stop_details).explanation),
          reasoning: of('thinking')
            .map(({ thinking }) => str(thinking))
            .join(''),
          calls: of('tool_use').map(({ name, input }) => ({ name: str(name), args: input })),
          finish: body.stop_reason ? (finishes[str(body.stop_reason)] ?? 'other') : 'none',
          links: uniqueLinks(
            of('text')
              .flatMap(({ citations }) => list(citations))
              .map(({ url, title }) => ({ url, title })),
          ),
          quotes: of('text').flatMap(({ text, citations }) =>
            list(citations)
              .filter(({ url }) => typeof url === 'string')
              .map(({ url }) => ({ url: str(url), text: str(text) })),
          ),
          tokens: [],
          media: [],
        },
      ],
      usage: isObj(body.usage)
        ? {
            input: num(usage.input_tokens) + read + written,
            output: num(usage.output_tokens),
            cached: read,
            written,
            reasoning: num(obj(usage.output_tokens_details).thinking_tokens),
          }
        : undefined,
    }
  },
  fold(events: readonly WireEvent[]) {
    let message: Record<string, unknown> | undefined
    const blocks: Record<string, unknown>[] = []
    const places = new Map<unknown, number>()
    const inputs = new Map<number, string>()
    let open: unknown
    let isOver = false
    for (const { data } of events) {
      const event = obj(data)
      if (isOver && event.type !== 'ping') throw new Error(`There is a ${str(event.type)} after message_stop.`)
      switch (event.type) {
        case 'message_start':
          if (message) throw new Error('The message starts twice.')
          message = { ...obj(event.message) }
          break
        case 'content_block_start':
          if (!message) throw new Error('A block starts before the message.')
          if (open !== undefined) throw new Error(`Block ${event.index} starts while block ${open} is open.`)
          open = event.index
          places.set(event.index, blocks.length)
          blocks.push({ ...obj(event.content_block) })
          break
        case 'content_block_delta': {
          if (open !== event.index) throw new Error(`A delta is for block ${event.index} while ${open} is open.`)
          const place = places.get(event.index) as number
          grow(blocks[place] as Record<string, unknown>, obj(event.delta), place, inputs)
          break
        }
        case 'content_block_stop':
          if (open !== event.index) throw new Error(`Block ${event.index} stops while ${open} is open.`)
          open = undefined
          break
        case 'message_delta':
          Object.assign(
            message as Record<string, unknown>,
            known(obj(event.delta)),
            event.context_management ? { context_management: event.context_management } : {},
          )
          Object.assign(message as Record<string, unknown>, {
            usage: { ...obj(message?.usage), ...known(obj(event.usage)) },
          })
          break
        case 'message_stop':
          isOver = true
          break
        case 'error':
          throw new Error(`The stream says an error: ${JSON.stringify(event.error)}`)
      }
    }
    if (!message) throw new Error('The message never started.')
    if (!isOver) throw new Error('There is no message_stop.')
    for (const [place, text] of inputs) {
      if (text !== '') (blocks[place] as Record<string, unknown>).input = JSON.parse(text)
    }
    return { ...message, content: blocks }
  },
}

const known = (fields: Tree): Tree => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))

function grow(block: Record<string, unknown>, delta: Tree, place: number, inputs: Map<number, string>): void {
  switch (delta.type) {
    case 'text_delta':
      block.text = str(block.text) + str(delta.text)
      break
    case 'thinking_delta':
      block.thinking = str(block.thinking) + str(delta.thinking)
      break
    case 'signature_delta':
      block.signature = str(block.signature) + str(delta.signature)
      break
    case 'citations_delta':
      block.citations = [...list(block.citations), delta.citation]
      break
    case 'input_json_delta':
      inputs.set(place, (inputs.get(place) ?? '') + str(delta.partial_json))
      break
    default:
      Object.assign(block, { [`unknown ${delta.type}`]: delta })
  }
}
