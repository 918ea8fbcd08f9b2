import { isDeepStrictEqual } from 'node:util'
import type { ChatEvent, Extra, Part } from '../../core/chat.ts'
import { GatewayError } from '../../core/error.ts'
import type { Step } from '../../core/steps.ts'
import type { Frame } from '../../http/frames.ts'
import { type Fields, fieldsOf, isFields, numberOf, stringOf, textOf } from '../values.ts'
import { citationOf } from './citations.ts'
import { contentPart } from './content.ts'
import { answerExtra, finishOf, logprobsOf, refuseFailed, startOf } from './decode-answer.ts'
import { failureOf } from './errors.ts'
import {
  callOf,
  contentSlot,
  isCall,
  isCarrier,
  isSameList,
  isServed,
  itemsOf,
  loneSlot,
  messageRest,
  sealOf,
  servedOf,
  slottedParts,
  summarySlot,
  thought,
} from './items.ts'
import { own } from './own.ts'
import { usageOf } from './usage.ts'

export function decodeStream(): Step<Frame, ChatEvent> {
  const reader = new StreamReader()
  return { next: (frame) => reader.next(frame), end: () => reader.end() }
}

/** A part as far as it has been told. */
interface PartDraft {
  readonly part: number
  readonly kind: Part['kind']
  text: string
  citations: number
  logprobs: number
  readonly hasSeal: boolean
  /** Of what only this dialect knows. */
  readonly value: unknown
  extra: Extra | undefined
  isEnded: boolean
}

interface ItemDraft {
  /** As it was when it began. */
  readonly item: Fields
  readonly parts: Map<number, PartDraft>
  isDone: boolean
}

/** Where in an item the parts of an event stand. */
const slotOf = (event: Fields): number =>
  event.summary_index === undefined
    ? event.content_index === undefined
      ? loneSlot
      : contentSlot(numberOf(event.content_index) ?? 0)
    : summarySlot(numberOf(event.summary_index) ?? 0)

class StreamReader {
  private readonly items = new Map<unknown, ItemDraft>()
  /** The calls and texts that were told, for a seal that comes after them. */
  private readonly calls = new Map<string, number>()
  private lastText: number | undefined
  private count = 0
  private hasCalls = false
  private isStarted = false
  private isOver = false
  private out: ChatEvent[] = []

  next({ data }: Frame): readonly ChatEvent[] {
    if (this.isOver || data.trim() === '[DONE]') return []
    this.out = []
    const event = parsed(data)
    if (event) this.read(event)
    return this.out
  }

  end(): readonly ChatEvent[] {
    if (!this.isOver)
      throw new GatewayError('upstream_cut', 'The provider ended the stream before its response was complete.')
    return []
  }

  private read(event: Fields): void {
    switch (event.type) {
      case 'response.output_text.delta':
      case 'response.refusal.delta':
      case 'response.reasoning_text.delta':
      case 'response.reasoning_summary_text.delta':
      case 'response.function_call_arguments.delta':
      case 'response.custom_tool_call_input.delta':
        this.grow(event)
        break
      case 'response.created':
      case 'response.in_progress':
      case 'response.queued':
        this.start(fieldsOf(event.response))
        break
      case 'response.output_item.added':
        if (isFields(event.item)) this.begin(event.output_index, event.item)
        break
      case 'response.content_part.added':
      case 'response.reasoning_part.added':
      case 'response.reasoning_summary_part.added':
        this.draft(event, fieldsOf(event.part))
        break
      case 'response.output_text.annotation.added':
        this.cite(event)
        break
      case 'response.output_text.done':
      case 'response.reasoning_text.done':
      case 'response.reasoning_summary_text.done':
        this.complete(event, event.text)
        break
      case 'response.refusal.done':
        this.complete(event, event.refusal)
        break
      case 'response.function_call_arguments.done':
        this.complete(event, event.arguments)
        break
      case 'response.custom_tool_call_input.done':
        this.complete(event, event.input)
        break
      case 'response.output_item.done':
        if (isFields(event.item)) this.finishItem(event.output_index, event.item)
        break
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed':
      case 'response.cancelled':
        this.finish(fieldsOf(event.response), event)
        break
      case 'error':
        throw failureOf(event.error ?? event)
      default:
        // Hosts in front of others tell an error without a type.
        if (event.type === undefined && event.error !== undefined) throw failureOf(event.error)
    }
  }

  private start(response: Fields): void {
    if (this.isStarted) return
    this.isStarted = true
    this.out.push({ kind: 'start', ...startOf(response), extra: { dialect: own, fields: {} } })
  }

  private announce(index: unknown, item: Fields): ItemDraft {
    const known = this.items.get(index)
    if (known) return known
    this.start({})
    const draft: ItemDraft = { item, parts: new Map(), isDone: false }
    this.items.set(index, draft)
    return draft
  }

  private begin(index: unknown, item: Fields): ItemDraft {
    if (this.items.has(index)) return this.announce(index, item)
    const draft = this.announce(index, item)
    // Its arguments come in deltas, or at its end for those who write them here.
    if (isCall(item)) this.beginPart(draft, loneSlot, { ...callOf(item), arguments: '' })
    else if (isServed(item)) this.beginPart(draft, loneSlot, servedOf(item))
    return draft
  }

  private beginPart(item: ItemDraft, slot: number, value: Part): PartDraft {
    const text = 'text' in value ? value.text : value.kind === 'tool-call' ? value.arguments : ''
    const draft: PartDraft = {
      part: this.count++,
      kind: value.kind,
      text,
      citations: (value.kind === 'text' && value.citations?.length) || 0,
      logprobs: 0,
      value: 'value' in value ? value.value : undefined,
      hasSeal: value.kind === 'reasoning' && value.seal !== undefined,
      extra: value.extra,
      isEnded: false,
    }
    item.parts.set(slot, draft)
    if (value.kind === 'tool-call') {
      this.hasCalls = true
      this.calls.set(value.id, draft.part)
    } else if (value.kind === 'text') this.lastText = draft.part
    this.out.push({ kind: 'begin', choice: 0, part: draft.part, value })
    return draft
  }

  /** The part that an event is about. Some hosts leave the events out that begin items or parts. */
  private draft(event: Fields, wire?: Fields): PartDraft | undefined {
    const item = this.items.get(event.output_index) ?? this.announce(event.output_index, unannounced(event))
    const slot = slotOf(event)
    return item.parts.get(slot) ?? this.announced(item, event, slot, wire)
  }

  private announced(item: ItemDraft, event: Fields, slot: number, wire?: Fields): PartDraft | undefined {
    if (item.isDone) return undefined
    if (item.item.type === 'reasoning') {
      const form = event.summary_index === undefined ? 'text' : 'summary'
      return this.beginPart(item, slot, thought(item.item, { text: textOf(wire?.text), form }))
    }
    if (item.item.type !== 'message') return undefined
    const type = event.type === 'response.refusal.delta' ? 'refusal' : 'output_text'
    const value = contentPart(wire ?? { type }, { item: messageRest(item.item) })
    // What it is cannot be known before it is whole.
    return value.kind === 'opaque' ? undefined : this.beginPart(item, slot, value)
  }

  private grow(event: Fields): void {
    const { delta } = event
    const draft = this.draft(event)
    if (!draft || draft.isEnded) return
    const { logprobs } = event
    if (Array.isArray(logprobs) && logprobs.length > 0) this.addLogprobs(draft, logprobs)
    if (typeof delta !== 'string' || delta === '') return
    draft.text += delta
    this.out.push({ kind: 'grow', choice: 0, part: draft.part, text: delta })
  }

  private addLogprobs(draft: PartDraft, logprobs: readonly unknown[]): void {
    draft.logprobs += logprobs.length
    this.out.push({ kind: 'logprobs', choice: 0, tokens: logprobsOf(logprobs) })
  }

  private cite(event: Fields): void {
    const draft = this.draft(event)
    if (draft?.kind !== 'text' || !isFields(event.annotation)) return
    draft.citations++
    this.out.push({ kind: 'amend', choice: 0, part: draft.part, with: { citation: citationOf(event.annotation) } })
  }

  /** The whole text, of which some or all may have come before. */
  private complete(event: Fields, whole: unknown): void {
    const draft = this.draft(event)
    if (!draft) return
    if (typeof whole === 'string') this.fill(draft, whole)
    const { logprobs } = event
    if (Array.isArray(logprobs) && logprobs.length > draft.logprobs)
      this.addLogprobs(draft, logprobs.slice(draft.logprobs))
  }

  private fill(draft: PartDraft, whole: string): void {
    if (whole.length <= draft.text.length || !whole.startsWith(draft.text)) return
    this.out.push({ kind: 'grow', choice: 0, part: draft.part, text: whole.slice(draft.text.length) })
    draft.text = whole
  }

  /** The item as it is in the end says all that its deltas left out. */
  private finishItem(index: unknown, item: Fields): void {
    const carried = isCarrier(item) ? sealOf(item) : undefined
    const draft = this.items.get(index) ?? this.begin(index, item)
    if (draft.isDone) return
    draft.isDone = true
    if (carried) {
      const part = carried.to ? this.calls.get(carried.to) : this.lastText
      if (part !== undefined && carried.seal)
        this.out.push({ kind: 'amend', choice: 0, part, with: { seal: carried.seal } })
      return
    }
    const slotted = slottedParts(item)
    const slots = new Set(slotted.map(({ slot }) => slot))
    for (const { slot, part } of slotted) {
      const told = draft.parts.get(slot) ?? toldElsewhere(draft.parts, slot, slots)
      this.finishPart(told ?? this.beginPart(draft, slot, part), part, item, slot)
    }
    for (const told of draft.parts.values()) this.endPart(told)
  }

  private finishPart(draft: PartDraft, part: Part, item: Fields, slot: number): void {
    const { out } = this
    if ('text' in part) this.fill(draft, part.text)
    if (part.kind === 'tool-call') this.fill(draft, part.arguments)
    if (part.kind === 'text' && part.citations) {
      for (const citation of part.citations.slice(draft.citations))
        out.push({ kind: 'amend', choice: 0, part: draft.part, with: { citation } })
    }
    if (part.kind === 'text') this.finishLogprobs(draft, item, slot)
    if ('value' in part && !isDeepStrictEqual(part.value, draft.value))
      out.push({ kind: 'amend', choice: 0, part: draft.part, with: { value: part.value } })
    const seal = part.kind === 'reasoning' ? part.seal : undefined
    const isNewSeal = seal !== undefined && !draft.hasSeal
    const extra = part.extra && !isDeepStrictEqual(part.extra, draft.extra) ? part.extra : undefined
    if (isNewSeal || extra) {
      const id = isNewSeal && part.kind === 'reasoning' ? part.id : undefined
      const amendment = { ...(isNewSeal && { seal }), ...(id !== undefined && { id }), ...(extra && { extra }) }
      out.push({ kind: 'amend', choice: 0, part: draft.part, with: amendment })
    }
    this.endPart(draft)
  }

  private finishLogprobs(draft: PartDraft, { content }: Fields, slot: number): void {
    const { logprobs } = fieldsOf(Array.isArray(content) ? content[slot / 2] : undefined)
    if (Array.isArray(logprobs) && logprobs.length > draft.logprobs)
      this.addLogprobs(draft, logprobs.slice(draft.logprobs))
  }

  private endPart(draft: PartDraft): void {
    if (draft.isEnded) return
    draft.isEnded = true
    this.out.push({ kind: 'end', choice: 0, part: draft.part })
  }

  private finish(response: Fields, event: Fields): void {
    this.start(response)
    if (event.type === 'response.failed') throw failureOf(response.error ?? event.error ?? {})
    refuseFailed(response)
    for (const [index, item] of itemsOf(response).entries()) {
      if (!this.items.get(index)?.isDone) this.finishItem(index, item)
    }
    const usage = usageOf(response.usage)
    const serviceTier = stringOf(response.service_tier)
    const status = response.status ?? (event.type === 'response.incomplete' ? 'incomplete' : 'completed')
    const finish = finishOf({ ...response, status }, this.hasCalls)
    // Which tier it was is known at the end: what the response said at its beginning was only what was asked for.
    const tier = serviceTier === undefined ? {} : { serviceTier }
    this.out.push({ kind: 'extra', extra: answerExtra(response), ...tier })
    if (usage) this.out.push({ kind: 'usage', usage, reported: response.usage })
    if (finish) this.out.push({ kind: 'finish', choice: 0, finish })
    this.isOver = true
  }
}

/**
 * A part that was told in a place that the item does not have in the end: some hosts count a message's content on from the
 * thoughts before it. What an item has beside its parts, such as a seal, goes with the last of them.
 */
function toldElsewhere(
  parts: ReadonlyMap<number, PartDraft>,
  slot: number,
  slots: ReadonlySet<number>,
): PartDraft | undefined {
  if (slot === loneSlot) return [...parts.values()].at(-1)
  for (const [place, part] of parts) {
    if (!slots.has(place) && !part.isEnded && isSameList(place, slot)) return part
  }
  return undefined
}

/** What an item must be, by an event that is about it. */
function unannounced({ type, item_id }: Fields): Fields {
  const id = typeof item_id === 'string' ? { id: item_id } : {}
  const isThought = typeof type === 'string' && type.startsWith('response.reasoning')
  const isSaid =
    type === 'response.output_text.delta' || type === 'response.refusal.delta' || type === 'response.content_part.added'
  return isThought ? { type: 'reasoning', ...id } : isSaid ? { type: 'message', ...id } : { type: 'unknown' }
}

function parsed(data: string): Fields | undefined {
  try {
    const event: unknown = JSON.parse(data)
    return isFields(event) ? event : undefined
  } catch (cause) {
    throw new GatewayError('upstream_invalid', 'The provider sent an event that is no JSON.', { cause })
  }
}
