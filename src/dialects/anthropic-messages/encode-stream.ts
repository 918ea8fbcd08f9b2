import type { Amendment, ChatEvent, Extra, Finish, Part } from '../../core/chat.ts'
import { mergeExtra } from '../../core/chat.ts'
import { grown } from '../../core/chat-events.ts'
import type { Step } from '../../core/steps.ts'
import type { Usage } from '../../core/usage.ts'
import type { Frame } from '../../http/frames.ts'
import type { AnswerContext } from '../dialect.ts'
import { answerId } from '../ids.ts'
import { type Fields, isFields, listOf } from '../values.ts'
import { encodeCitation } from './citations.ts'
import { answerBlocks, callBlock, isExplanation } from './encode-block.ts'
import { encodeFinish } from './finish.ts'
import { sealBlock, signatureOf } from './foreign-thoughts.ts'
import { encodeUsage, says } from './usage.ts'
import { ownEcho, ownFields } from './wire.ts'

export const encodeStream = (context: AnswerContext): Step<ChatEvent, Frame> => new StreamEncoder(context)

/** A part on its way to the client. Clients want block after block, so that one may have to wait for another. */
interface Draft {
  value: Part
  /** The block's index once it has begun; -1 before. */
  index: number
  state: 'waiting' | 'open' | 'closed'
  hasEnded: boolean
  /** What came while it waited: texts, and what was learnt of it. */
  held: (string | Amendment)[]
  /** The arguments so far, of a call that others wait for. */
  args: string[]
}

/** Only the first choice is shown: a message has no others. */
class StreamEncoder implements Step<ChatEvent, Frame> {
  private readonly context: AnswerContext
  private start: Extract<ChatEvent, { kind: 'start' }> = { kind: 'start' }
  private usage: Usage | undefined
  private extra: Extra | undefined
  private finish: Finish | undefined
  private readonly drafts = new Map<number, Draft>()
  private open: Draft | undefined
  private waiting: Draft[] = []
  /** What was learnt of a block after it had ended, which goes to the client in blocks at the end. */
  private late: Part[] = []
  private blocks = 0
  private hasStarted = false
  private toldUsage: Usage | undefined
  private hasToldFinish = false
  private frames: Frame[] = []

  constructor(context: AnswerContext) {
    this.context = context
  }

  next(event: ChatEvent): readonly Frame[] {
    this.take(event)
    if (this.frames.length === 0) return none
    const ready = this.frames
    this.frames = []
    return ready
  }

  end(): readonly Frame[] {
    this.closeAll()
    if (!this.hasToldFinish || this.usage !== this.toldUsage) this.tellFinish()
    this.tell('message_stop', '{"type":"message_stop"}')
    return this.frames
  }

  private take(event: ChatEvent): void {
    // Once the message has said why it ended, nothing more of it can be shown.
    if (this.hasToldFinish && event.kind !== 'usage') return
    switch (event.kind) {
      case 'grow': {
        const draft = event.choice === 0 ? this.drafts.get(event.part) : undefined
        // Sound grows too, but only what was said is shown.
        if (draft && event.text !== '' && draft.value.kind !== 'audio') this.grow(draft, event.text, event.part)
        return
      }
      case 'begin':
        if (event.choice === 0) this.begin(event.part, event.value)
        return
      case 'end': {
        const draft = event.choice === 0 ? this.drafts.get(event.part) : undefined
        if (draft) this.endOf(draft)
        return
      }
      case 'amend': {
        const draft = event.choice === 0 ? this.drafts.get(event.part) : undefined
        if (draft) this.amend(draft, event.with)
        return
      }
      case 'start':
        this.start = { ...event, ...this.start }
        return
      case 'usage':
        this.usage = event.usage
        if (this.finish) this.tellFinish()
        return
      case 'extra':
        if (event.choice === undefined) this.extra = mergeExtra(this.extra, event.extra)
        return
      case 'finish':
        if (event.choice !== 0 || this.finish) return
        this.finish = event.finish
        this.closeAll()
        return
      case 'logprobs':
        return
    }
  }

  private begin(part: number, value: Part): void {
    const draft: Draft = { value, index: -1, state: 'waiting', hasEnded: false, held: [], args: [] }
    this.drafts.set(part, draft)
    this.waiting.push(draft)
    this.advance()
  }

  /** Opens what waits, as long as nothing before it may still grow and it has a name. */
  private advance(): void {
    for (let next = this.waiting[0]; next; next = this.waiting[0]) {
      if (this.open) {
        if (!mayClose(this.open)) return
        this.close(this.open)
      }
      if (next.value.kind === 'tool-call' && next.value.name === '' && !next.hasEnded) return
      this.waiting.shift()
      this.openUp(next)
    }
  }

  private openUp(draft: Draft): void {
    draft.state = 'open'
    this.open = draft
    const { held, value } = draft
    draft.held = []
    if (!isStreamed(value)) {
      for (const block of answerBlocks(value)) this.whole(block)
      this.close(draft)
      return
    }
    if (value.kind === 'tool-call') this.startBlock(draft)
    else if (hasContent(value)) this.startBlock(draft)
    for (const one of held) {
      if (typeof one === 'string') this.write(draft, one)
      else this.amendNow(draft, one)
    }
    if (draft.hasEnded) this.close(draft)
  }

  private grow(draft: Draft, text: string, part: number): void {
    if (draft.state === 'open') {
      if (draft.value.kind === 'tool-call') draft.args.push(text)
      this.write(draft, text)
      return
    }
    if (draft.state === 'waiting') {
      if (isStreamed(draft.value)) draft.held.push(text)
      else draft.value = grown(draft.value, text)
      return
    }
    // The block is closed. A text goes on in another block; a call was whole.
    const { value } = draft
    if (value.kind === 'text' || value.kind === 'refusal' || value.kind === 'reasoning')
      this.begin(part, value.kind === 'reasoning' ? { kind: 'reasoning', text } : { kind: value.kind, text })
  }

  private amend(draft: Draft, amendment: Amendment): void {
    if (draft.state === 'waiting') {
      // A call that waits may still learn its name and id.
      if (draft.value.kind === 'tool-call') {
        draft.value = named(draft.value, amendment)
        this.advance()
      } else draft.held.push(amendment)
      return
    }
    this.amendNow(draft, amendment)
  }

  private amendNow(draft: Draft, { citation, seal, id, transcript }: Amendment): void {
    const { value } = draft
    switch (value.kind) {
      case 'audio':
        if (transcript) this.write(draft, transcript)
        return
      case 'text':
        if (seal && draft.state !== 'closed') draft.value = { ...value, seal }
        if (!citation) return
        if (draft.state === 'closed') this.late.push({ kind: 'text', text: '', citations: [citation] })
        else {
          if (draft.index < 0) this.startBlock(draft)
          this.delta(draft.index, { type: 'citations_delta', citation: encodeCitation(citation) })
        }
        return
      case 'reasoning': {
        const sealed = { ...value, ...(id !== undefined && { id }), ...(seal && { seal }) }
        draft.value = sealed
        if (!seal) return
        if (draft.state === 'closed') this.late.push({ ...sealed, text: '' })
        else if (draft.index < 0) this.startBlock(draft)
        else this.delta(draft.index, { type: 'signature_delta', signature: signatureOf(sealed) })
      }
    }
  }

  private endOf(draft: Draft): void {
    draft.hasEnded = true
    if (draft.state === 'open') {
      this.close(draft)
      this.advance()
    }
  }

  private closeAll(): void {
    if (this.open) this.close(this.open)
    while (this.waiting.length > 0) {
      this.openUp(this.waiting.shift() as Draft)
      if (this.open) this.close(this.open)
    }
    for (const part of this.late) for (const block of answerBlocks(part)) this.whole(block)
    this.late = []
  }

  private close(draft: Draft): void {
    draft.state = 'closed'
    if (this.open === draft) this.open = undefined
    const { value } = draft
    if (draft.index < 0) {
      if (value.kind === 'text' && value.seal) this.whole(sealBlock(value.seal, '='))
      return
    }
    // Thoughts without a seal of Claude's are marked, or a client that later turns to Claude would be refused.
    if (value.kind === 'reasoning' && !value.seal && !value.redacted)
      this.delta(draft.index, { type: 'signature_delta', signature: signatureOf(value) })
    this.stopBlock(draft.index)
    if (value.kind === 'text' && value.seal) this.whole(sealBlock(value.seal, '<'))
  }

  private startBlock(draft: Draft): void {
    const { value } = draft
    if (value.kind === 'tool-call' && value.seal) this.whole(sealBlock(value.seal, '>'))
    draft.index = this.blocks
    switch (value.kind) {
      case 'tool-call': {
        this.startOf(callBlock({ ...value, arguments: '' }, value.id, value.name))
        if (value.arguments !== '') {
          draft.args.push(value.arguments)
          this.write(draft, value.arguments)
        }
        return
      }
      case 'reasoning':
        if (value.redacted && value.seal) {
          this.startOf(answerBlocks(value)[0] as Fields)
          return
        }
        this.startOf({ type: 'thinking', thinking: '', signature: '', ...ownFields(value.extra) })
        if (value.text !== '') this.write(draft, value.text)
        if (value.seal) this.delta(draft.index, { type: 'signature_delta', signature: signatureOf(value) })
        return
      case 'text':
        this.startOf({ type: 'text', text: '', ...ownFields(value.extra) })
        for (const citation of value.citations ?? [])
          this.delta(draft.index, { type: 'citations_delta', citation: encodeCitation(citation) })
        if (value.text !== '') this.write(draft, value.text)
        return
      default: {
        this.startOf({ type: 'text', text: '' })
        const text = value.kind === 'audio' ? value.transcript : value.kind === 'refusal' ? value.text : undefined
        if (text) this.write(draft, text)
      }
    }
  }

  /** More of a block's text. Nearly every event of a stream comes through here. */
  private write(draft: Draft, text: string): void {
    if (draft.index < 0) this.startBlock(draft)
    const { kind } = draft.value
    const delta =
      kind === 'reasoning'
        ? '"thinking_delta","thinking":'
        : kind === 'tool-call'
          ? '"input_json_delta","partial_json":'
          : '"text_delta","text":'
    this.tell(
      'content_block_delta',
      `{"type":"content_block_delta","index":${draft.index},"delta":{"type":${delta}${JSON.stringify(text)}}}`,
    )
  }

  private delta(index: number, delta: Fields): void {
    this.tell('content_block_delta', JSON.stringify({ type: 'content_block_delta', index, delta }))
  }

  /** A block that comes at once; the input of a call of the provider's own tools follows its start, as Claude has it. */
  private whole(block: Fields): void {
    const index = this.blocks
    if (block.type === 'text' && typeof block.text === 'string') {
      const { citations, ...rest } = block
      this.startOf({ ...rest, text: '' })
      for (const citation of listOf(citations)) this.delta(index, { type: 'citations_delta', citation })
      if (block.text !== '') this.delta(index, { type: 'text_delta', text: block.text })
    } else if (block.type === 'thinking') {
      this.startOf({ ...block, signature: '' })
      this.delta(index, { type: 'signature_delta', signature: block.signature })
    } else if (isFields(block.input)) {
      this.startOf({ ...block, input: {} })
      this.delta(index, { type: 'input_json_delta', partial_json: JSON.stringify(block.input) })
    } else this.startOf(block)
    this.stopBlock(index)
  }

  private startOf(block: Fields): void {
    const index = this.blocks++
    this.tell('content_block_start', JSON.stringify({ type: 'content_block_start', index, content_block: block }))
  }

  private stopBlock(index: number): void {
    this.tell('content_block_stop', `{"type":"content_block_stop","index":${index}}`)
  }

  private tell(event: string, data: string): void {
    if (!this.hasStarted) {
      this.hasStarted = true
      this.frames.push({ event: 'message_start', data: this.messageStart() })
    }
    this.frames.push({ event, data })
  }

  private messageStart(): string {
    const { id, model, serviceTier, extra } = this.start
    const { request, answerId: given, newId } = this.context
    return JSON.stringify({
      type: 'message_start',
      message: {
        id: given ?? answerId('msg_', id, newId),
        type: 'message',
        role: 'assistant',
        model: model ?? request.model,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        ...ownFields(extra),
        usage: encodeUsage(this.usage, ownEcho(extra).usage, serviceTier),
      },
    })
  }

  /** The last counts are totals and replace those of the start, as far as they are known. */
  private tellFinish(): void {
    this.hasToldFinish = true
    this.toldUsage = this.usage
    const { container, ...fields } = ownFields(this.extra)
    const delta = encodeFinish(this.finish)
    const atStart = ownEcho(this.start.extra).usage
    const own = ownEcho(this.extra).usage ?? (says(atStart, this.usage) ? atStart : undefined)
    const usage = encodeUsage(this.usage, own)
    this.tell(
      'message_delta',
      JSON.stringify({
        type: 'message_delta',
        delta: container === undefined ? delta : { ...delta, container },
        usage,
        ...fields,
      }),
    )
  }
}

const none: readonly Frame[] = []

/** Parts that grow as they come; the others are shown once, whole. */
const isStreamed = (value: Part): boolean =>
  value.kind === 'text' ||
  value.kind === 'reasoning' ||
  value.kind === 'tool-call' ||
  value.kind === 'audio' ||
  (value.kind === 'refusal' && !isExplanation(value))

const hasContent = (value: Part): boolean =>
  ((value.kind === 'text' || value.kind === 'reasoning' || value.kind === 'refusal') && value.text !== '') ||
  (value.kind === 'text' && value.citations !== undefined) ||
  (value.kind === 'reasoning' && value.seal !== undefined) ||
  (value.kind === 'audio' && value.transcript !== undefined)

/** A call may grow in turns with others until it is said to have ended, or its arguments are whole. */
function mayClose({ value, hasEnded, args }: Draft): boolean {
  if (value.kind !== 'tool-call' || hasEnded) return true
  const text = args.join('')
  if (!text.trimEnd().endsWith('}')) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function named(value: Extract<Part, { kind: 'tool-call' }>, { id, name, seal }: Amendment): Part {
  return { ...value, ...(id !== undefined && { id }), ...(name !== undefined && { name }), ...(seal && { seal }) }
}
