import type { ChatEvent, Extra, Finish, Part, Seal } from '../../core/chat.ts'
import { mergeExtra } from '../../core/chat.ts'
import type { Step } from '../../core/steps.ts'
import type { Usage } from '../../core/usage.ts'
import type { Frame } from '../../http/frames.ts'
import { type Fields, fieldsOf, isFields, present } from '../values.ts'
import { encodeCitation } from './citations.ts'
import { answerBlocks, isOurSeal } from './encode-answer.ts'
import { ownEcho, ownFields } from './extras.ts'
import { encodeFinish } from './finish.ts'
import { redactedOf } from './seals.ts'
import { encodeUsage } from './usage.ts'

/** A part on its way. Blocks come one after another here: what grows before its turn has to wait. */
interface Draft {
  readonly kind: Part['kind']
  /** The announcement of a call, or the whole of what cannot come in pieces. */
  start: Fields | undefined
  /** Deltas that wait for the block's turn. */
  readonly waiting: Fields[]
  readonly redacted: boolean
  isSaid: boolean
  hasEnded: boolean
}

export const encodeStream = (): Step<ChatEvent, Frame> => new StreamEncoder()

class StreamEncoder implements Step<ChatEvent, Frame> {
  private frames: Frame[] = []
  private readonly drafts = new Map<number, Draft>()
  /** The parts whose blocks are yet to end, in their order; the first is open. */
  private readonly queue: Draft[] = []
  private blocks = 0
  private isOpen = false
  private hasStarted = false
  private finish: Finish | undefined
  private hasFinished = false
  private usage: Usage | undefined
  private extra: Extra | undefined

  next(event: ChatEvent): readonly Frame[] {
    this.frames = []
    switch (event.kind) {
      case 'start':
        this.extra = mergeExtra(this.extra, event.extra)
        this.started()
        break
      case 'begin':
        if (event.choice === 0) this.begin(event.part, event.value)
        break
      case 'grow':
        if (event.choice === 0) this.grow(event.part, event.text)
        break
      case 'amend':
        if (event.choice === 0) {
          const { citation, seal, id, name } = event.with
          if (id !== undefined || name !== undefined) this.addName(event.part, present({ toolUseId: id, name }))
          if (citation) this.add(event.part, { citation: encodeCitation(citation) })
          if (seal) this.addSeal(event.part, seal)
        }
        break
      case 'end':
        if (event.choice === 0) this.ended(event.part)
        break
      case 'finish':
        if (event.choice === 0) this.finished(event.finish)
        break
      case 'usage':
        this.usage = event.usage
        break
      case 'extra':
        this.extra = mergeExtra(this.extra, event.extra)
        break
      case 'logprobs':
    }
    return this.frames
  }

  /** Numbers may still change after the last word, so they are told when nothing more can come. */
  end(): readonly Frame[] {
    this.frames = []
    if (this.finish && !this.hasFinished) this.finished(this.finish)
    const echo = ownEcho(this.extra)
    const { additionalModelResponseFields: _, ...own } = ownFields(this.extra)
    const usage = echo.usage ?? (this.usage && encodeUsage(this.usage))
    if (usage || Object.keys(own).length > 0)
      this.write('metadata', { ...own, ...present({ usage }), metrics: echo.metrics ?? { latencyMs: 0 } })
    return this.frames
  }

  private write(event: string, payload: Fields): void {
    this.frames.push({ event, data: JSON.stringify(payload) })
  }

  private started(): void {
    if (this.hasStarted) return
    this.hasStarted = true
    this.write('messageStart', { role: 'assistant' })
  }

  private begin(part: number, value: Part): void {
    this.started()
    // Whatever is not a call has ended when the next part begins; calls may grow in turns.
    for (const draft of this.queue) if (draft.kind !== 'tool-call') draft.hasEnded = true
    const draft = draftOf(value)
    this.drafts.set(part, draft)
    if (!draft.isSaid && draft.waiting.length === 0 && draft.kind !== 'text' && draft.kind !== 'reasoning') return
    this.queue.push(draft)
    this.advance()
  }

  private grow(part: number, text: string): void {
    if (text === '') return
    const delta = deltaOf(this.drafts.get(part)?.kind, text)
    if (delta) this.add(part, delta)
  }

  /** What a call is called may be learnt after it began; it is announced once that is known. */
  private addName(part: number, learnt: Fields): void {
    const draft = this.drafts.get(part)
    if (draft?.kind !== 'tool-call' || (this.isOpen && this.queue[0] === draft)) return
    draft.start = { toolUse: { ...fieldsOf(draft.start?.toolUse), ...learnt } }
    this.advance()
  }

  private addSeal(part: number, seal: Seal): void {
    const draft = this.drafts.get(part)
    if (draft?.kind === 'reasoning' && isOurSeal(seal.by)) this.add(part, sealDelta(seal, draft.redacted))
  }

  private add(part: number, delta: Fields): void {
    let draft = this.drafts.get(part)
    if (!draft) return
    if (draft.hasEnded && !this.queue.includes(draft)) {
      // More of a text whose block was closed for the next one: it goes on in a block of its own.
      if (draft.kind === 'tool-call') return
      draft = { ...draft, waiting: [], hasEnded: false }
      this.drafts.set(part, draft)
      this.queue.push(draft)
    }
    if (this.isOpen && this.queue[0] === draft) this.delta(delta)
    else {
      draft.waiting.push(delta)
      this.advance()
    }
  }

  private ended(part: number): void {
    const draft = this.drafts.get(part)
    if (!draft) return
    draft.hasEnded = true
    this.advance()
  }

  private delta(delta: Fields): void {
    this.write('contentBlockDelta', { contentBlockIndex: this.blocks, delta })
  }

  /** Says what may be said by now: the first block in the queue, and those after it once it has ended. */
  private advance(): void {
    for (let draft = this.queue[0]; draft; draft = this.queue[0]) {
      if (!this.isOpen && !draft.hasEnded && isNameless(draft)) return
      if (!this.isOpen && (draft.start || draft.waiting.length > 0)) {
        this.isOpen = true
        if (draft.start) this.write('contentBlockStart', { contentBlockIndex: this.blocks, start: draft.start })
      }
      for (const delta of draft.waiting) this.delta(delta)
      draft.waiting.length = 0
      if (!draft.hasEnded) return
      if (this.isOpen) this.write('contentBlockStop', { contentBlockIndex: this.blocks++ })
      this.isOpen = false
      this.queue.shift()
    }
  }

  private finished(finish: Finish): void {
    if (this.hasFinished) return
    this.hasFinished = true
    this.started()
    this.finish = finish
    for (const draft of this.queue) draft.hasEnded = true
    this.advance()
    const { additionalModelResponseFields } = ownFields(this.extra)
    this.write('messageStop', present({ stopReason: encodeFinish(finish), additionalModelResponseFields }))
  }
}

const isNameless = ({ kind, start }: Draft): boolean => kind === 'tool-call' && fieldsOf(start?.toolUse).name === ''

/** What a part says when it begins, which may be all of it. */
function draftOf(value: Part): Draft {
  const waiting: Fields[] = []
  let start: Fields | undefined
  switch (value.kind) {
    case 'text':
    case 'refusal':
      for (const citation of 'citations' in value ? (value.citations ?? []) : [])
        waiting.push({ citation: encodeCitation(citation) })
      if (value.text !== '') waiting.push({ text: value.text })
      break
    case 'reasoning':
      if (!value.redacted) waiting.push({ reasoningContent: { text: value.text } })
      if (value.seal && isOurSeal(value.seal.by)) waiting.push(sealDelta(value.seal, value.redacted === true))
      break
    case 'tool-call':
      start = {
        toolUse: { toolUseId: value.id, name: value.name, ...ownFields(value.extra), ...ownEcho(value.extra) },
      }
      if (value.arguments !== '') waiting.push({ toolUse: { input: value.arguments } })
      break
    default:
      for (const block of answerBlocks(value)) start = wholeBlock(block, waiting) ?? start
  }
  const redacted = value.kind === 'reasoning' && value.redacted === true
  return { kind: value.kind, start, waiting, redacted, isSaid: start !== undefined, hasEnded: false }
}

/** A block that came whole, as the wire streams it. */
function wholeBlock({ toolUse, toolResult, image }: Fields, waiting: Fields[]): Fields | undefined {
  if (isFields(toolUse)) {
    const { input, ...start } = toolUse
    waiting.push({ toolUse: { input: typeof input === 'string' ? input : JSON.stringify(input ?? {}) } })
    return { toolUse: start }
  }
  if (isFields(toolResult)) {
    const { content, ...start } = toolResult
    waiting.push({ toolResult: content })
    return { toolResult: start }
  }
  if (isFields(image)) {
    waiting.push({ image: { source: fieldsOf(image.source) } })
    return { image: { format: image.format } }
  }
  return undefined
}

function deltaOf(kind: Part['kind'] | undefined, text: string): Fields | undefined {
  switch (kind) {
    case 'text':
    case 'refusal':
      return { text }
    case 'reasoning':
      return { reasoningContent: { text } }
    case 'tool-call':
      return { toolUse: { input: text } }
    default:
      return undefined
  }
}

const sealDelta = (seal: Seal, redacted: boolean): Fields => ({
  reasoningContent: redacted ? { redactedContent: redactedOf(seal) } : { signature: seal.value },
})
