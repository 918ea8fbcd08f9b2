import { type Amendment, type ChatEvent, type Extra, type Finish, mergeExtra, type Part } from '../../core/chat.ts'
import { grown } from '../../core/chat-events.ts'
import type { Step } from '../../core/steps.ts'
import type { Usage } from '../../core/usage.ts'
import type { Frame } from '../../http/frames.ts'
import type { AnswerContext } from '../dialect.ts'
import { answerId } from '../ids.ts'
import { BlockWriter } from './block-writer.ts'
import { encodeCitation } from './citations.ts'
import { answerBlocks, callBlock, isExplanation } from './encode-block.ts'
import { encodeFinish } from './finish.ts'
import { sealBlock, signatureOf } from './foreign-thoughts.ts'
import { encodeUsage, says } from './usage.ts'
import { type Block, ownEcho, ownFields } from './wire.ts'

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
  /** The arguments of a call so far, for when others wait for it, and how often they were found not to be whole. */
  args: string[]
  tries: number
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
  private toldUsage: Usage | undefined
  private hasToldFinish = false
  private readonly out = new BlockWriter(() => this.messageStart())

  constructor(context: AnswerContext) {
    this.context = context
  }

  next(event: ChatEvent): readonly Frame[] {
    this.take(event)
    return this.out.taken()
  }

  end(): readonly Frame[] {
    this.closeAll()
    if (!this.hasToldFinish || this.usage !== this.toldUsage) this.tellFinish()
    this.out.tell('message_stop', '{"type":"message_stop"}')
    return this.out.taken()
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
    const draft: Draft = { value, index: -1, state: 'waiting', hasEnded: false, held: [], args: [], tries: 0 }
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
      for (const block of answerBlocks(value)) this.out.whole(block)
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
        if (!transcript) return
        if (draft.state === 'closed') this.late.push({ kind: 'text', text: transcript })
        else this.write(draft, transcript)
        return
      case 'text':
        if (seal && draft.state !== 'closed') draft.value = { ...value, seal }
        if (!citation) return
        if (draft.state === 'closed') this.late.push({ kind: 'text', text: '', citations: [citation] })
        else {
          if (draft.index < 0) this.startBlock(draft)
          this.out.delta(draft.index, { type: 'citations_delta', citation: encodeCitation(citation) })
        }
        return
      case 'reasoning': {
        const sealed = { ...value, ...(id !== undefined && { id }), ...(seal && { seal }) }
        draft.value = sealed
        if (!seal) return
        if (draft.state === 'closed') this.late.push({ ...sealed, text: '' })
        else if (draft.index < 0) this.startBlock(draft)
        else this.out.delta(draft.index, { type: 'signature_delta', signature: signatureOf(sealed) })
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
    for (const part of this.late) for (const block of answerBlocks(part)) this.out.whole(block)
    this.late = []
  }

  private close(draft: Draft): void {
    draft.state = 'closed'
    if (this.open === draft) this.open = undefined
    const { value } = draft
    if (draft.index < 0) {
      if (value.kind === 'text' && value.seal) this.out.whole(sealBlock(value.seal, '='))
      return
    }
    // Thoughts without a seal of Claude's are marked, or a client that later turns to Claude would be refused.
    if (value.kind === 'reasoning' && !value.seal && !value.redacted)
      this.out.delta(draft.index, { type: 'signature_delta', signature: signatureOf(value) })
    this.out.stop(draft.index)
    if (value.kind === 'text' && value.seal) this.out.whole(sealBlock(value.seal, '<'))
  }

  private startBlock(draft: Draft): void {
    const { value } = draft
    if (value.kind === 'tool-call' && value.seal) this.out.whole(sealBlock(value.seal, '>'))
    switch (value.kind) {
      case 'tool-call':
        draft.index = this.out.start(callBlock({ ...value, arguments: '' }, value.id, value.name))
        if (value.arguments !== '') this.write(draft, value.arguments)
        return
      case 'reasoning':
        if (value.redacted && value.seal) {
          draft.index = this.out.start(answerBlocks(value)[0] as Block)
          return
        }
        draft.index = this.out.start({ type: 'thinking', thinking: '', signature: '', ...ownFields(value.extra) })
        if (value.text !== '') this.write(draft, value.text)
        if (value.seal) this.out.delta(draft.index, { type: 'signature_delta', signature: signatureOf(value) })
        return
      case 'text':
        draft.index = this.out.start({ type: 'text', text: '', ...ownFields(value.extra) })
        for (const citation of value.citations ?? [])
          this.out.delta(draft.index, { type: 'citations_delta', citation: encodeCitation(citation) })
        if (value.text !== '') this.write(draft, value.text)
        return
      default: {
        draft.index = this.out.start({ type: 'text', text: '' })
        const text = value.kind === 'audio' ? value.transcript : value.kind === 'refusal' ? value.text : undefined
        if (text) this.write(draft, text)
      }
    }
  }

  private write(draft: Draft, text: string): void {
    if (draft.index < 0) this.startBlock(draft)
    if (draft.value.kind === 'tool-call') draft.args.push(text)
    this.out.text(draft.index, draft.value.kind, text)
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
    this.out.tell(
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

/** How often a call's arguments are looked at, so that a stream of many calls takes no longer than it is long. */
const mostTries = 8

/** A call may grow in turns with others until it is said to have ended, or its arguments are whole. */
function mayClose(draft: Draft): boolean {
  if (draft.value.kind !== 'tool-call' || draft.hasEnded) return true
  if (draft.tries >= mostTries || !draft.args.at(-1)?.trimEnd().endsWith('}')) return false
  try {
    JSON.parse(draft.args.join(''))
    return true
  } catch {
    draft.tries++
    return false
  }
}

function named(value: Extract<Part, { kind: 'tool-call' }>, { id, name, seal }: Amendment): Part {
  return { ...value, ...(id !== undefined && { id }), ...(name !== undefined && { name }), ...(seal && { seal }) }
}
