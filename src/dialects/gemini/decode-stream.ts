import type { ChatEvent, Part } from '../../core/chat.ts'
import { GatewayError } from '../../core/error.ts'
import type { Step } from '../../core/steps.ts'
import type { Frame } from '../../http/frames.ts'
import { type Fields, fieldsOf, isFields, listOf, stringOf } from '../values.ts'
import { citationsOf } from './citations.ts'
import { partOf } from './decode-part.ts'
import { blockedPrompt, readDisguised } from './errors.ts'
import { finishOf, isReason } from './finish.ts'
import { logprobsOf } from './logprobs.ts'
import { PartialArguments } from './partial-args.ts'
import { usageOf } from './usage.ts'
import { extraOf, manyOf, named, own } from './wire.ts'

export function decodeStream(): Step<Frame, ChatEvent> {
  const reading = new AnswerReading()
  return {
    next: ({ data }) => {
      const chunk = parsed(data)
      const events: ChatEvent[] = []
      for (const one of Array.isArray(chunk) ? chunk : [chunk]) reading.take(one, events)
      return events
    },
    end: () => reading.end(false),
  }
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch (cause) {
    throw new GatewayError('upstream_invalid', `The provider sent an event that is no JSON: ${data.slice(0, 200)}`, {
      cause,
    })
  }
}

const answerFields: ReadonlySet<string> = new Set([
  'candidates',
  'usageMetadata',
  'modelVersion',
  'responseId',
  'createTime',
])
const candidateFields: ReadonlySet<string> = new Set([
  'content',
  'finishReason',
  'finishMessage',
  'index',
  'logprobsResult',
  'groundingMetadata',
  'citationMetadata',
])

/** What is known of a choice that is still being told. */
interface OpenChoice {
  readonly index: number
  /** How many parts have begun. */
  parts: number
  /** The kind of the last part while more of it may come. */
  open: 'text' | 'reasoning' | undefined
  /** All that was said, for citations to find their place in. */
  readonly texts: { readonly part: number; readonly pieces: string[] }[]
  hasCall: boolean
  /** Arguments that come value by value. */
  partial: { readonly part: number; readonly args: PartialArguments } | undefined
  reason: string | number | undefined
  message: unknown
  grounding: Fields | undefined
  citing: Record<string, unknown> | undefined
  /** Sources that were told already. */
  readonly cited: Set<string>
  logprobs: { chosen: unknown[]; top: unknown[] } | undefined
  rest: Fields | undefined
}

/** Reads an answer that comes in one piece or many: a whole one is a stream of one. */
export class AnswerReading {
  private readonly choices = new Map<number, OpenChoice>()
  private hasStarted = false
  private rest: Fields | undefined

  take(written: unknown, events: ChatEvent[]): void {
    if (!isFields(written))
      throw new GatewayError('upstream_invalid', 'The provider sent something that is no JSON object.')
    const wire = named(written)
    if (wire.error !== undefined && wire.error !== null) throw readDisguised(Buffer.from(JSON.stringify(written)))
    const candidates = listOf(wire.candidates)
    if (candidates.length === 0) {
      const blocked = blockedPrompt(wire.promptFeedback)
      if (blocked) throw blocked
    }
    if (!this.hasStarted) events.push(this.start(wire))
    for (const [position, candidate] of candidates.entries()) this.candidate(named(candidate), position, events)
    if (isFields(wire.usageMetadata)) {
      events.push({ kind: 'usage', usage: usageOf(wire.usageMetadata), reported: wire.usageMetadata })
    }
    const rest = extraOf(wire, answerFields)
    if (rest) this.rest = { ...this.rest, ...rest.fields }
  }

  /** Only the end says that nothing more comes: a reason may be told early, and told again. */
  end(mayBeOpen: boolean): readonly ChatEvent[] {
    const events: ChatEvent[] = []
    const isCut = this.choices.size === 0 || this.choices.values().some(({ reason }) => reason === undefined)
    if (isCut && !mayBeOpen)
      throw new GatewayError('upstream_cut', 'The stream of the provider ended before its answer was complete.')
    for (const choice of this.choices.values()) endChoice(choice, events)
    if (this.rest) events.push({ kind: 'extra', extra: { dialect: own, fields: this.rest } })
    return events
  }

  get hasChoices(): boolean {
    return this.choices.size > 0
  }

  private start(wire: Fields): ChatEvent {
    this.hasStarted = true
    const id = stringOf(wire.responseId)
    const model = stringOf(wire.modelVersion)
    const created = typeof wire.createTime === 'string' ? Date.parse(wire.createTime) : Number.NaN
    return {
      kind: 'start',
      ...(id !== undefined && { id }),
      ...(model !== undefined && { model }),
      ...(Number.isFinite(created) && { createdS: Math.floor(created / 1000) }),
      extra: {
        dialect: own,
        fields: {},
        ...(wire.createTime !== undefined && { echo: { createTime: wire.createTime } }),
      },
    }
  }

  private choice(index: number): OpenChoice {
    const known = this.choices.get(index)
    if (known) return known
    const choice: OpenChoice = {
      index,
      parts: 0,
      open: undefined,
      texts: [],
      hasCall: false,
      partial: undefined,
      reason: undefined,
      message: undefined,
      grounding: undefined,
      citing: undefined,
      cited: new Set(),
      logprobs: undefined,
      rest: undefined,
    }
    this.choices.set(index, choice)
    return choice
  }

  private candidate(wire: Fields, position: number, events: ChatEvent[]): void {
    const choice = this.choice(
      typeof wire.index === 'number' && Number.isInteger(wire.index) && wire.index >= 0 ? wire.index : position,
    )
    const content = wire.content
    if (isFields(content)) for (const part of manyOf(content.parts)) takePart(choice, part, events)
    if (isReason(wire.finishReason)) choice.reason = wire.finishReason
    if (wire.finishMessage !== undefined) choice.message = wire.finishMessage
    if (isFields(wire.groundingMetadata)) choice.grounding = { ...choice.grounding, ...named(wire.groundingMetadata) }
    if (isFields(wire.citationMetadata)) takeCiting(choice, named(wire.citationMetadata))
    if (isFields(wire.logprobsResult)) takeLogprobs(choice, named(wire.logprobsResult), events)
    const rest = extraOf(wire, candidateFields)
    if (rest) choice.rest = { ...choice.rest, ...rest.fields }
  }
}

/** Sources are told for what is new in a chunk; some are told again with the next. */
function takeCiting(choice: OpenChoice, more: Fields): void {
  const isFirst = choice.citing === undefined
  choice.citing ??= {}
  for (const [name, value] of Object.entries(more)) {
    const known = Object.hasOwn(choice.citing, name) ? choice.citing[name] : undefined
    if (!Array.isArray(value)) {
      choice.citing[name] = value
      continue
    }
    const list: unknown[] = Array.isArray(known) ? known : []
    for (const one of value) {
      const key = `${name} ${JSON.stringify(one)}`
      if (!isFirst && choice.cited.has(key)) continue
      choice.cited.add(key)
      list.push(one)
    }
    choice.citing[name] = list
  }
}

function takeLogprobs(choice: OpenChoice, result: Fields, events: ChatEvent[]): void {
  choice.logprobs ??= { chosen: [], top: [] }
  for (const one of listOf(result.chosenCandidates)) choice.logprobs.chosen.push(one)
  for (const one of listOf(result.topCandidates)) choice.logprobs.top.push(one)
  const tokens = logprobsOf(result)
  if (tokens.length > 0) events.push({ kind: 'logprobs', choice: choice.index, tokens })
}

function takePart(choice: OpenChoice, written: Fields, events: ChatEvent[]): void {
  if (isMore(choice, written)) {
    grow(choice, written.text as string, events)
    return
  }
  if (isFields(written.functionCall) && takePieces(choice, written, named(written.functionCall), events)) return
  const part = partOf(written)
  // Google shows no thoughts but in other words.
  const value: Part = part.kind === 'reasoning' ? { ...part, form: 'summary' } : part
  const isSpoken = value.kind === 'text' || value.kind === 'reasoning'
  const isPlain = isSpoken && value.seal === undefined && value.extra === undefined
  if (!isPlain) {
    begin(choice, value, events)
    if (value.kind === 'text') choice.texts.push({ part: choice.parts - 1, pieces: [value.text] })
    if (value.kind === 'tool-call') choice.hasCall = true
    events.push({ kind: 'end', choice: choice.index, part: choice.parts - 1 })
    return
  }
  if (value.text === '') return
  if (choice.open === value.kind) {
    grow(choice, value.text, events)
    return
  }
  begin(choice, value, events)
  choice.open = value.kind
  if (value.kind === 'text') choice.texts.push({ part: choice.parts - 1, pieces: [value.text] })
}

/** Nearly every part is more of the text before it and nothing else. */
function isMore({ open }: OpenChoice, written: Fields): boolean {
  if (open !== 'text' || typeof written.text !== 'string' || written.text === '') return false
  for (const name in written) if (name !== 'text') return false
  return true
}

function grow(choice: OpenChoice, text: string, events: ChatEvent[]): void {
  events.push({ kind: 'grow', choice: choice.index, part: choice.parts - 1, text })
  if (choice.open === 'text') choice.texts.at(-1)?.pieces.push(text)
}

function begin(choice: OpenChoice, value: Part, events: ChatEvent[]): void {
  endPieces(choice, events)
  choice.open = undefined
  events.push({ kind: 'begin', choice: choice.index, part: choice.parts++, value })
}

/** Vertex may tell a call's name first, then its arguments value by value, and last that it is over. */
function takePieces(choice: OpenChoice, written: Fields, call: Fields, events: ChatEvent[]): boolean {
  const isPiece =
    call.partialArgs !== undefined || call.willContinue === true || (choice.partial && call.name === undefined)
  if (!isPiece) return false
  if (!choice.partial || call.name !== undefined) {
    begin(choice, partOf(written), events)
    choice.hasCall = true
    choice.partial = { part: choice.parts - 1, args: new PartialArguments() }
  }
  choice.partial.args.add(call.partialArgs)
  if (call.willContinue !== true) endPieces(choice, events)
  return true
}

function endPieces(choice: OpenChoice, events: ChatEvent[]): void {
  const { partial } = choice
  if (!partial) return
  choice.partial = undefined
  const text = partial.args.text()
  if (text !== '') events.push({ kind: 'grow', choice: choice.index, part: partial.part, text })
  events.push({ kind: 'end', choice: choice.index, part: partial.part })
}

function endChoice(choice: OpenChoice, events: ChatEvent[]): void {
  const { index, grounding, citing, reason, logprobs, rest } = choice
  endPieces(choice, events)
  if (grounding || citing) {
    const texts = choice.texts.map(({ part, pieces }) => ({ part, text: pieces.join('') }))
    for (const { part, citation } of citationsOf(texts, fieldsOf(grounding), fieldsOf(citing)))
      events.push({ kind: 'amend', choice: index, part, with: { citation } })
  }
  const fields = {
    ...rest,
    ...(grounding && { groundingMetadata: grounding }),
    ...(citing && { citationMetadata: citing }),
  }
  const echo = logprobs && {
    logprobsResult: {
      chosenCandidates: logprobs.chosen,
      ...(logprobs.top.length > 0 && { topCandidates: logprobs.top }),
    },
  }
  if (echo || Object.keys(fields).length > 0)
    events.push({ kind: 'extra', choice: index, extra: { dialect: own, fields, ...(echo && { echo }) } })
  if (reason !== undefined)
    events.push({ kind: 'finish', choice: index, finish: finishOf(reason, choice.hasCall, choice.message) })
}
