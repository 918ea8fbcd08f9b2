import type { CacheMark, Message, Part, ToolCall, ToolResult } from '../../core/chat.ts'
import type { Abilities } from '../dialect.ts'
import { textOf } from '../values.ts'
import { returnedCitation } from './citations.ts'
import type { Dropped } from './dropped.ts'
import {
  callBlock,
  callIdOf,
  documentBlock,
  imageBlock,
  keptOf,
  ownBlock,
  textBlock,
  thinkingBlock,
} from './encode-block.ts'
import { type Block, cacheControl, ownFields, sealedBy } from './wire.ts'

export interface WireMessage {
  readonly role: 'user' | 'assistant' | 'system'
  readonly content: Block[]
}

export interface Turns {
  /** Instructions that stand before everything else. */
  readonly system: Block[]
  readonly messages: WireMessage[]
}

interface TurnContext {
  readonly abilities: Abilities
  readonly dropped: Dropped
  /** Whether the client itself spoke this dialect, and is taken at its word where Claude would not refuse. */
  readonly isOwn: boolean
}

/**
 * The messages as Claude's rules have them: turns of one role are one message, and the results of all calls of a turn
 * come directly after it, before anything else. A call that has no result gets one that says so.
 */
export function encodeTurns(messages: readonly Message[], context: TurnContext): Turns {
  const builder = new TurnBuilder(context)
  const numbered = messages.map((message, index) => ({ message, index }))
  let segment: Numbered[] = []
  for (const one of numbered) {
    if (one.message.role === 'assistant') {
      builder.between(segment)
      segment = []
      builder.assistant(one)
    } else segment.push(one)
  }
  builder.between(segment)
  builder.close()
  return builder
}

interface Numbered {
  readonly message: Message
  readonly index: number
}

interface OpenCall {
  readonly original: string
  readonly name: string
  readonly id: string
}

const goOn = 'Please go on.'
const continueAnswer = 'Continue your last message from where it ends, without repeating any of it.'

class TurnBuilder implements Turns {
  readonly system: Block[] = []
  readonly messages: WireMessage[] = []
  private readonly context: TurnContext
  private readonly usedIds = new Set<string>()
  private open: OpenCall[] = []

  constructor(context: TurnContext) {
    this.context = context
  }

  assistant({ message, index }: Numbered): void {
    this.note(message, index)
    this.push('assistant', this.assistantBlocks(message.parts, index), message)
  }

  /** What stands between two turns of the assistant: results first, in whatever order they came. */
  between(segment: readonly Numbered[]): void {
    const results: Block[] = []
    const beside = segment.map(({ message, index }) => {
      const others: Block[] = []
      for (const part of message.parts) if (part.kind === 'tool-result') this.result(part, index, results, others)
      return others
    })
    for (const { id } of this.open)
      results.push({ type: 'tool_result', tool_use_id: id, content: noResult, is_error: true })
    this.open = []
    this.push('user', results)
    for (const [at, { message, index }] of segment.entries()) {
      this.push('user', beside[at] ?? [])
      this.note(message, index)
      if (message.role === 'system' || message.role === 'developer') this.instructions(message, index)
      else this.push('user', this.userBlocks(message.parts, index), message)
    }
  }

  close(): void {
    const { abilities, dropped, isOwn } = this.context
    const { messages } = this
    if (messages.length === 0 || (messages[0]?.role === 'assistant' && !isOwn))
      messages.unshift({ role: 'user', content: [{ type: 'text', text: goOn }] })
    const last = messages.at(-1) as WireMessage
    if (last.role !== 'assistant' || isServed(last.content.at(-1))) return
    if (abilities.prefill === false) {
      dropped.add('prefill')
      this.push('user', [{ type: 'text', text: continueAnswer }])
      return
    }
    // Blanks at the end of a beginning are refused.
    const end = last.content.at(-1)
    if (end?.type === 'text') last.content[last.content.length - 1] = { ...end, text: textOf(end.text).trimEnd() }
  }

  private note({ role, name, extra }: Message, index: number): void {
    const { dropped } = this.context
    // With results it is only the tool's name once more.
    if (name !== undefined && role !== 'tool') dropped.add(`messages[${index}].name`)
    dropped.extra(extra)
  }

  private push(role: WireMessage['role'], blocks: Block[], message?: Message): void {
    if (blocks.length === 0) return
    const last = this.messages.at(-1)
    if (last?.role === role && role !== 'system') last.content.push(...blocks)
    else this.messages.push({ role, content: blocks, ...ownFields(message?.extra) })
  }

  private instructions(message: Message, index: number): void {
    const blocks = this.userBlocks(message.parts, index)
    if (this.messages.length === 0) {
      this.system.push(...blocks)
      return
    }
    if (this.context.abilities.systemMidway === false) {
      const told = blocks.map((block) =>
        block.type === 'text' ? { ...block, text: `<system>\n${block.text}\n</system>` } : block,
      )
      this.push('user', told)
    } else this.push('system', blocks, message)
  }

  private assistantBlocks(parts: readonly Part[], index: number): Block[] {
    const { abilities, dropped } = this.context
    const blocks: Block[] = []
    this.open = []
    for (const part of parts) {
      dropped.extra(part.extra)
      switch (part.kind) {
        case 'text': {
          const returned = part.citations?.map(returnedCitation)
          if (returned?.includes(undefined)) dropped.add(`messages[${index}].citations`)
          addText(
            blocks,
            part,
            returned?.filter((citation) => citation !== undefined),
          )
          break
        }
        case 'refusal':
          addText(blocks, part)
          break
        case 'reasoning':
          if (part.seal && part.seal.by === (abilities.seals ?? sealedBy))
            blocks.push(thinkingBlock(part, part.seal.value))
          else if (abilities.wantsThoughts && part.text !== '') blocks.push(thinkingBlock(part, ''))
          else if (part.text !== '' || part.seal) dropped.add(`messages[${index}].reasoning`)
          break
        case 'tool-call':
          blocks.push(this.call(part))
          break
        case 'audio':
          if (part.transcript) addText(blocks, { text: part.transcript })
          else dropped.add(`messages[${index}].audio`)
          break
        case 'server-tool':
        case 'opaque':
          this.own(part, index, blocks)
          break
        case 'image':
        case 'video':
        case 'document':
          dropped.add(`messages[${index}].${part.kind}`)
          break
        case 'tool-result':
          break
      }
    }
    return blocks
  }

  /** Ids are Claude's to refuse when they come twice, as those of other providers may from turn to turn. */
  private call(call: ToolCall): Block {
    const wanted = call.id === '' ? `toolu_${this.usedIds.size + 1}` : callIdOf(call.id)
    let id = wanted
    for (let again = 2; this.usedIds.has(id); again++) id = `${wanted}_${again}`
    this.usedIds.add(id)
    this.open.push({ original: call.id, name: call.name, id })
    const name = this.context.isOwn ? call.name : allowedCallName(call.name)
    return callBlock(call, id, name)
  }

  private result(result: ToolResult, index: number, results: Block[], others: Block[]): void {
    const { dropped, abilities } = this.context
    dropped.extra(result.extra)
    const at = this.open.findIndex(({ original, name }) =>
      result.callId === '' && result.name !== undefined ? name === result.name : original === result.callId,
    )
    const blocks = this.userBlocks(result.parts, index)
    if (at < 0) {
      others.push(
        { type: 'text', text: `Result of an earlier call${result.name ? ` of ${result.name}` : ''}:` },
        ...blocks,
      )
      return
    }
    const [{ id }] = this.open.splice(at, 1) as [OpenCall]
    const takesMedia = abilities.mediaInResults !== false
    const inside = takesMedia ? blocks : blocks.filter(({ type }) => type === 'text')
    if (!takesMedia) others.push(...blocks.filter(({ type }) => type !== 'text'))
    results.push({
      type: 'tool_result',
      tool_use_id: id,
      ...(inside.length > 0 && { content: inside }),
      ...(result.isError !== undefined && { is_error: result.isError }),
      ...keptOf(result),
    })
  }

  private userBlocks(parts: readonly Part[], index: number): Block[] {
    const { abilities, dropped } = this.context
    const blocks: Block[] = []
    const urls = abilities.urls !== false
    const add = (block: Block | undefined, kind: string): void => {
      if (block) blocks.push(block)
      else dropped.add(`messages[${index}].${kind}`)
    }
    for (const part of parts) {
      if (part.kind === 'tool-result') continue
      dropped.extra(part.extra)
      switch (part.kind) {
        case 'text':
          addText(
            blocks,
            part,
            part.citations?.map(returnedCitation).filter((citation) => citation !== undefined),
          )
          break
        case 'refusal':
          addText(blocks, part)
          break
        case 'image':
          if (part.detail !== undefined && part.detail !== 'auto') dropped.add(`messages[${index}].image.detail`)
          add(imageBlock(part, urls), 'image')
          break
        case 'document':
          add(documentBlock(part, urls), 'document')
          break
        case 'server-tool':
        case 'opaque':
          this.own(part, index, blocks)
          break
        default:
          dropped.add(`messages[${index}].${part.kind}`)
      }
    }
    return blocks
  }

  private own(part: Extract<Part, { kind: 'server-tool' | 'opaque' }>, index: number, blocks: Block[]): void {
    const block = ownBlock(part)
    if (block) blocks.push(block)
    else this.context.dropped.add(`messages[${index}].${part.kind}`)
  }
}

const noResult = 'The tool was not run: the conversation went on without its result.'

/** Names that have been used are only told, so that another letter does no harm. */
const allowedCallName = (name: string): string => name.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, 128) || 'tool'

/** Claude refuses texts that are nothing or blanks. The mark of the cache of such a text goes to what stands before it. */
function addText(
  blocks: Block[],
  part: { readonly text: string; readonly cache?: CacheMark } & Pick<Part, 'extra'>,
  citations: readonly Block[] = [],
): void {
  if (part.text.trim() !== '') {
    blocks.push(textBlock(part, citations))
    return
  }
  const before = blocks.at(-1)
  if (part.cache && before && !isThought(before)) blocks[blocks.length - 1] = { ...before, ...cacheControl(part.cache) }
}

const isThought = ({ type }: Block): boolean => type === 'thinking' || type === 'redacted_thinking'

/** A turn that was interrupted while the provider ran its own tools is sent back as it is, and goes on. */
const isServed = (block: Block | undefined): boolean =>
  block !== undefined && /^(server|mcp)_tool_use$|._tool_result$/.test(textOf(block.type))

/**
 * Whether Claude's turn, which began after what the user last said, has called tools and does not begin with its thoughts:
 * they are not Claude's, or nobody kept them. Words beside results may begin a turn or not; either way it has to be whole.
 */
export const lacksThoughts = (messages: readonly WireMessage[]): boolean =>
  lacksAfter(messages, (content) => content.some((block) => !isResult(block))) ||
  lacksAfter(messages, (content) => !content.some(isResult))

function lacksAfter(messages: readonly WireMessage[], isBeginning: (content: readonly Block[]) => boolean): boolean {
  const said = messages.findLastIndex(({ role, content }) => role !== 'assistant' && isBeginning(content))
  const turn = messages.slice(said + 1).flatMap(({ role, content }) => (role === 'assistant' ? content : []))
  return turn[0] !== undefined && !isThought(turn[0]) && turn.some(({ type }) => type === 'tool_use')
}

const isResult = ({ type }: Block): boolean => type === 'tool_result'
