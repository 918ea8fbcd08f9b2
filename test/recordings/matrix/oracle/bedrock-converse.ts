import { type Oracle, type Said, type SaidFinish, uniqueLinks, type WireEvent } from './said.ts'
import { isObj, list, num, obj, str, type Tree } from './tree.ts'

const finishes: Readonly<Record<string, SaidFinish>> = {
  end_turn: 'stop',
  stop_sequence: 'stop_sequence',
  tool_use: 'tool_calls',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  content_filtered: 'content_filter',
  guardrail_intervened: 'content_filter',
  malformed_model_output: 'malformed',
  malformed_tool_use: 'malformed',
}

export const bedrockConverse: Oracle = {
  said(body): Said {
    const content = list(obj(obj(body.output).message).content)
    const usage = obj(body.usage)
    const cached = num(usage.cacheReadInputTokens ?? usage.cacheReadInputTokenCount)
    const written = num(usage.cacheWriteInputTokens ?? usage.cacheWriteInputTokenCount)
    const cited = content.map(({ citationsContent }) => obj(citationsContent))
    return {
      choices: [
        {
          text: content
            .map((block) =>
              isObj(block.citationsContent)
                ? list(block.citationsContent.content)
                    .map(({ text }) => str(text))
                    .join('')
                : str(block.text),
            )
            .join(''),
          refusal: '',
          reasoning: content.map((block) => str(obj(obj(block.reasoningContent).reasoningText).text)).join(''),
          calls: content
            .filter(({ toolUse }) => isObj(toolUse) && toolUse.type !== 'server_tool_use')
            .map(({ toolUse }) => ({ name: str(obj(toolUse).name), args: obj(toolUse).input })),
          finish: body.stopReason ? (finishes[str(body.stopReason)] ?? 'other') : 'none',
          links: uniqueLinks(
            cited
              .flatMap(({ citations }) => list(citations))
              .map(({ location, title, source }) => ({
                url: obj(obj(location).web).url ?? (/^https?:/.test(str(source)) ? source : undefined),
                title,
              })),
          ),
          quotes: cited.flatMap(({ content: passage, citations }) =>
            list(citations)
              .filter(({ location }) => typeof obj(obj(location).web).url === 'string')
              .map(({ location }) => ({
                url: str(obj(obj(location).web).url),
                text: list(passage)
                  .map(({ text }) => str(text))
                  .join(''),
              })),
          ),
          tokens: [],
          media: [],
        },
      ],
      usage: isObj(body.usage)
        ? {
            input: num(usage.inputTokens) + cached + written,
            output: num(usage.outputTokens),
            cached,
            written,
            reasoning: 0,
          }
        : undefined,
    }
  },
  fold(events: readonly WireEvent[]) {
    const blocks = new Map<number, Record<string, unknown>>()
    const inputs = new Map<number, string>()
    const whole: Record<string, unknown> = {}
    let role: unknown
    for (const { event, data } of events) {
      const { p: _padding, ...wire } = obj(data)
      const index = num(wire.contentBlockIndex)
      switch (event) {
        case 'messageStart':
          role = wire.role
          break
        case 'contentBlockStart':
          blocks.set(index, { ...obj(wire.start) })
          break
        case 'contentBlockDelta': {
          const block = blocks.get(index) ?? {}
          blocks.set(index, block)
          grow(block, obj(wire.delta), index, inputs)
          break
        }
        case 'contentBlockStop':
          break
        case 'messageStop':
          Object.assign(whole, wire)
          break
        case 'metadata':
          Object.assign(whole, wire)
          break
        default:
          throw new Error(`The stream says an error: ${event} ${JSON.stringify(wire)}`)
      }
    }
    if (whole.stopReason === undefined) throw new Error('There is no messageStop.')
    for (const [index, text] of inputs) {
      const block = blocks.get(index) as Record<string, unknown>
      block.toolUse = { ...obj(block.toolUse), input: text === '' ? {} : JSON.parse(text) }
    }
    const content = [...blocks].toSorted(([a], [b]) => a - b).map(([, block]) => block)
    return { ...whole, output: { message: { role, content } } }
  },
}

function grow(block: Record<string, unknown>, delta: Tree, index: number, inputs: Map<number, string>): void {
  if (isObj(delta.toolUse)) inputs.set(index, (inputs.get(index) ?? '') + str(delta.toolUse.input))
  else if (isObj(delta.reasoningContent))
    block.reasoningContent = thought(obj(block.reasoningContent), delta.reasoningContent)
  else if (isObj(delta.citation)) {
    const cited = obj(block.citationsContent)
    const text = typeof block.text === 'string' ? [{ text: block.text }] : list(cited.content)
    delete block.text
    block.citationsContent = { content: text, citations: [...list(cited.citations), delta.citation] }
  } else if (typeof delta.text === 'string') {
    if (isObj(block.citationsContent)) {
      const before = list(block.citationsContent.content)
        .map(({ text }) => str(text))
        .join('')
      block.citationsContent = { ...block.citationsContent, content: [{ text: before + delta.text }] }
    } else block.text = str(block.text) + delta.text
  } else if (Array.isArray(delta.toolResult)) {
    const before = obj(block.toolResult)
    block.toolResult = { ...before, content: [...list(before.content), ...delta.toolResult] }
  } else Object.assign(block, delta)
}

function thought(before: Tree, delta: Tree): Tree {
  if (typeof delta.redactedContent === 'string')
    return { redactedContent: str(before.redactedContent) + delta.redactedContent }
  const had = obj(before.reasoningText)
  return {
    reasoningText: {
      ...had,
      text: str(had.text) + str(delta.text),
      ...(delta.signature !== undefined && { signature: str(had.signature) + str(delta.signature) }),
    },
  }
}
