import type {
  Amendment,
  ChatEvent,
  Extra,
  Finish,
  Part,
  ReasoningPart,
  Seal,
  TokenLogprob,
  ToolCall,
} from '../../core/chat.ts'
import { mergeExtra } from '../../core/chat.ts'
import { amended, grown } from '../../core/chat-events.ts'
import type { Step } from '../../core/steps.ts'
import type { Usage } from '../../core/usage.ts'
import type { Frame } from '../../http/frames.ts'
import type { AnswerContext } from '../dialect.ts'
import type { Fields } from '../values.ts'
import { idBase, repeated, responseId, stateOf } from './encode-answer.ts'
import { outputPart } from './encode-content.ts'
import { EventLog, tellCitation, tellEnd, tellGrowth, tellThought } from './event-log.ts'
import {
  belongsTo,
  callItem,
  carriedSealsOf,
  carrierItem,
  idOf,
  kindOf,
  shown,
  wireItem,
  wireLogprob,
} from './output-items.ts'
import { isOwn, itemId, itemRest } from './own.ts'
import {
  addLogprobs,
  begunArguments,
  citationsOf,
  deltaEvent,
  deltas,
  emptied,
  type ItemDraft,
  isSpoken,
  isTold,
  isToldAtOnce,
  newDraft,
  type PartDraft,
  spokenKind,
  whole,
} from './stream-draft.ts'
import { wireUsage } from './usage.ts'

export function encodeStream(context: AnswerContext): Step<ChatEvent, Frame> {
  const writer = new StreamWriter(context)
  return { next: (event) => writer.next(event), end: () => writer.end() }
}

/**
 * Items may be told in turns here, so nothing waits for its turn: only that an item is done is told in their order, since
 * clients write down what was said in that order.
 */
class StreamWriter {
  private readonly context: AnswerContext
  private start: Extract<ChatEvent, { kind: 'start' }> = { kind: 'start' }
  private isStarted = false
  private isNative = false
  private id = ''
  private base = ''
  private readonly log = new EventLog()
  private readonly parts = new Map<number, PartDraft>()
  /** Parts of sound, of which only the words are shown. */
  private readonly sounds = new Set<number>()
  private readonly items: ItemDraft[] = []
  /** The items that are done, as they were told. */
  private readonly done: string[] = []
  private closed = 0
  /** The text or thought that is being said. */
  private speaking: PartDraft | undefined
  private finish: Finish | undefined
  private usage: Usage | undefined
  private reported: unknown
  private extra: Extra | undefined
  private tokens: TokenLogprob[] = []

  constructor(context: AnswerContext) {
    this.context = context
  }

  next(event: ChatEvent): readonly Frame[] {
    if (event.kind === 'start' || !this.isStarted) this.begin(event)
    if ('choice' in event && event.choice !== undefined && event.choice !== 0) return this.log.take()
    switch (event.kind) {
      case 'start':
        break
      case 'begin':
        this.beginPart(event.part, event.value)
        break
      case 'grow':
        if (!this.sounds.has(event.part)) this.grow(event.part, event.text)
        break
      case 'amend':
        this.amend(event.part, event.with)
        break
      case 'end':
        this.endPart(event.part)
        break
      case 'logprobs':
        this.tokens.push(...event.tokens)
        break
      case 'finish':
        this.finish = event.finish
        this.endAll()
        break
      case 'usage':
        this.usage = event.usage
        this.reported = event.reported ?? this.reported
        break
      case 'extra':
        if (event.choice === undefined) this.extra = mergeExtra(this.extra, event.extra)
        if (event.serviceTier !== undefined) this.start = { serviceTier: event.serviceTier, ...this.start }
    }
    return this.log.take()
  }

  end(): readonly Frame[] {
    if (!this.isStarted) this.begin({ kind: 'start' })
    this.endAll()
    const { status, details } = stateOf(this.finish)
    const type = status === 'completed' ? 'response.completed' : 'response.incomplete'
    const isTheirs = this.isNative && this.reported !== undefined
    const response = this.response(status, details, isTheirs ? this.reported : wireUsage(this.usage), this.extra)
    this.log.write(type, `{"type":"${type}","response":${response}`)
    return this.log.take()
  }

  private begin(event: ChatEvent): void {
    if (event.kind === 'start') {
      this.start = { ...event, ...this.start }
      this.extra = mergeExtra(this.extra, event.extra)
    }
    if (this.isStarted) return
    this.isStarted = true
    this.isNative = isOwn(this.extra)
    this.id = responseId(this.start, this.context)
    this.base = idBase(this.id)
    const response = this.response('in_progress', null, null, undefined)
    for (const type of ['response.created', 'response.in_progress'])
      this.log.write(type, `{"type":"${type}","response":${response}`)
  }

  private response(status: string, details: unknown, usage: unknown, extra: Extra | undefined): string {
    const { model = this.context.request.model, createdS = this.context.createdS, serviceTier } = this.start
    const head = {
      id: this.id,
      object: 'response',
      created_at: createdS,
      status,
      error: null,
      incomplete_details: details,
      model,
    }
    const rest = {
      usage,
      ...repeated(this.context, extra),
      ...(serviceTier !== undefined && { service_tier: serviceTier }),
    }
    return `${JSON.stringify(head).slice(0, -1)},"output":[${this.done.join(',')}],${JSON.stringify(rest).slice(1)}`
  }

  private beginPart(number: number, value: Part): void {
    const part = shown(value)
    if (!part) return
    if (value.kind === 'audio') this.sounds.add(number)
    const draft = newDraft(part)
    this.parts.set(number, draft)
    if (isToldAtOnce(part, this.isNative)) this.open(draft)
  }

  /** Tells of a part, in the item to which it belongs. */
  private open(draft: PartDraft): void {
    const { value } = draft
    const last = this.items.at(-1)
    const first = last?.parts[0]
    const joins = last && first && !last.isEnded && belongsTo(first.value, value)
    if (this.speaking) this.endSpoken(this.speaking)
    this.speaking = undefined
    if (!joins) this.endItems()
    const item = joins ? last : this.newItem(value)
    draft.item = item
    item.parts.push(draft)
    const kind = kindOf(value)
    if (!joins)
      this.log.emit('response.output_item.added', { output_index: item.index, item: this.announced(draft, item) })
    if (kind === 'whole') {
      // What the provider's own tools do is told when it is done.
      if (value.kind !== 'image') return
      item.isEnded = true
      this.close()
    } else if (value.kind === 'tool-call') {
      draft.place = { item_id: item.id, output_index: item.index }
      draft.delta = deltaEvent(value.custom ? deltas.custom : deltas.call, draft.place)
      if (value.arguments !== '') this.write(draft, value.arguments)
    } else this.openSpoken(draft, item)
  }

  private newItem(value: Part): ItemDraft {
    const index = this.items.length
    const item: ItemDraft = { index, id: idOf(value, this.base, index), parts: [], isEnded: false }
    this.items.push(item)
    return item
  }

  /** An item at its beginning. */
  private announced({ value }: PartDraft, { id }: ItemDraft): Fields {
    switch (kindOf(value)) {
      case 'message':
        return { id, type: 'message', role: 'assistant', ...itemRest(value.extra), status: 'in_progress', content: [] }
      case 'reasoning':
        return { id, type: 'reasoning', ...itemRest(value.extra), summary: [] }
      case 'call':
        return { ...callItem(value as ToolCall, id, 'in_progress'), ...begunArguments(value as ToolCall) }
      case 'whole': {
        const item = wireItem([value], id, this.isNative)
        return value.kind === 'image' ? { ...item, status: 'in_progress', result: null } : item
      }
    }
  }

  private openSpoken(draft: PartDraft, item: ItemDraft): void {
    const { value } = draft
    this.speaking = draft
    const kind = spokenKind(value, this.isNative)
    const index = item.parts.filter((part) => part !== draft && spokenKind(part.value, this.isNative) === kind).length
    const content_index = kindOf(value) === 'message' ? item.parts.length - 1 : index
    draft.place = {
      item_id: item.id,
      output_index: item.index,
      ...(kind === 'summary' ? { summary_index: index } : { content_index }),
    }
    draft.delta = deltaEvent(deltas[kind], draft.place)
    if (kindOf(value) === 'message') {
      this.log.emit('response.content_part.added', { ...draft.place, part: outputPart(emptied(value)) })
      for (const citation of citationsOf(value)) tellCitation(this.log, draft, citation)
    }
    const { text } = value as ReasoningPart
    const isKnown = this.isNative && value.kind === 'reasoning' && value.form !== undefined
    if (isKnown) tellThought(this.log, draft, this.isNative)
    if ('text' in value && text !== '') this.write(draft, text)
  }

  private grow(number: number, text: string): void {
    const draft = this.parts.get(number)
    if (!draft || text === '') return
    if (!draft.item) {
      draft.value = grown(draft.value, text)
      this.open(draft)
      return
    }
    if (!draft.delta) return
    if (draft.isEnded) {
      this.goOn(number, draft, text)
      return
    }
    draft.pieces.push(text)
    this.write(draft, text)
  }

  /** What was done is done: more of it is another part. */
  private goOn(number: number, { value }: PartDraft, text: string): void {
    if (value.kind !== 'text' && value.kind !== 'refusal' && value.kind !== 'reasoning') return
    const { kind } = value
    this.beginPart(number, { kind, text })
  }

  private write(draft: PartDraft, text: string): void {
    tellThought(this.log, draft, this.isNative)
    tellGrowth(this.log, draft, text, draft.value.kind === 'text' ? this.takeTokens(draft) : [])
  }

  /** The probabilities that came since the last text are of the one that comes. */
  private takeTokens({ logprobs }: PartDraft): readonly object[] {
    if (this.tokens.length === 0) return []
    const taken = this.tokens.map(wireLogprob)
    this.tokens = []
    logprobs.push(...taken)
    return taken
  }

  private amend(number: number, amendment: Amendment): void {
    const draft = this.parts.get(number)
    if (!draft) return
    if (draft.value.kind === 'text' && amendment.transcript !== undefined) {
      this.grow(number, amendment.transcript)
      return
    }
    const isLate = draft.item !== undefined && draft.item.index < this.closed
    draft.value = amended(draft.value, amendment)
    if (isLate) return
    if (!draft.item) {
      if (isToldAtOnce(draft.value, this.isNative)) this.open(draft)
    } else if (amendment.citation && draft.value.kind === 'text') tellCitation(this.log, draft, amendment.citation)
  }

  private endPart(number: number): void {
    const draft = this.parts.get(number)
    if (!draft?.item) return
    if (isSpoken(draft)) {
      this.endSpoken(draft)
      return
    }
    draft.isEnded = true
    draft.item.isEnded = true
    this.close()
  }

  private endSpoken(draft: PartDraft): void {
    if (draft.isEnded || !draft.item) return
    if (draft.value.kind === 'text') this.takeTokens(draft)
    draft.isEnded = true
    tellEnd(this.log, draft, this.isNative)
  }

  /** Another item begins: what was said has ended. Calls may still grow, and the provider's own tools run. */
  private endItems(): void {
    const last = this.items.at(-1)
    if (last?.parts[0] && isSpoken(last.parts[0])) last.isEnded = true
    this.close()
  }

  private endAll(): void {
    if (this.speaking) this.endSpoken(this.speaking)
    this.speaking = undefined
    // Calls of which nobody said more than that they are there.
    for (const draft of this.parts.values()) if (!draft.item && isTold(draft.value)) this.open(draft)
    if (this.speaking) this.endSpoken(this.speaking)
    this.leaveTokens()
    for (const item of this.items) item.isEnded = true
    this.close()
  }

  /** Tokens that came after the text that they make up go with its item. */
  private leaveTokens(): void {
    const last = this.items.slice(this.closed).findLast(({ parts }) => parts.at(-1)?.value.kind === 'text')
    last?.parts.at(-1)?.logprobs.push(...this.tokens.map(wireLogprob))
    this.tokens = []
  }

  /** Tells that items are done, in their order, as far as they are. */
  private close(): void {
    while (this.closed < this.items.length && this.items[this.closed]?.isEnded)
      this.closeItem(this.items[this.closed++] as ItemDraft)
  }

  private closeItem(item: ItemDraft): void {
    if (item.carrier) {
      this.emitDone(item.index, item.carrier)
      return
    }
    const parts = item.parts.map(whole)
    const [first] = parts
    const place = { item_id: item.id, output_index: item.index }
    const wire = wireItem(parts, item.id, this.isNative, [])
    if (first?.kind === 'tool-call') {
      // A call without arguments is one with none.
      if (first.arguments === '' && wire.arguments) this.write(item.parts[0] as PartDraft, wire.arguments as string)
      if (first.custom) this.log.emit('response.custom_tool_call_input.done', { ...place, input: wire.input })
      else
        this.log.emit('response.function_call_arguments.done', { ...place, name: wire.name, arguments: wire.arguments })
    }
    if (wire.type === 'message') addLogprobs(wire, item.parts)
    this.emitDone(item.index, wire)
    for (const { seal, to } of carriedSealsOf(parts)) this.carry(seal, to)
  }

  private emitDone(index: number, wire: Fields): void {
    const item = JSON.stringify(wire)
    this.done[index] = item
    const type = 'response.output_item.done'
    this.log.write(type, `{"type":"${type}","output_index":${index},"item":${item}`)
  }

  private carry(seal: Seal, to: string): void {
    const index = this.items.length
    const id = itemId('rs', this.base, index)
    const carrier = carrierItem(seal, to, id)
    this.items.push({ index, id, parts: [], isEnded: true, carrier })
    this.log.emit('response.output_item.added', { output_index: index, item: { id, type: 'reasoning', summary: [] } })
  }
}
