import type { Message, Part, ToolCall, ToolResult } from '../../core/chat.ts'
import { isMadeCallId } from '../ids.ts'
import { type Fields, isFields } from '../values.ts'
import { type PartRules, type WirePart, wireParts } from './encode-part.ts'
import { echoOf, isOwn, withExtra } from './wire.ts'

export interface Content {
  role: unknown
  parts: WirePart[]
  /** What else the content had. */
  rest?: Record<string, unknown>
}

export interface ContentRules {
  readonly urls: boolean
  readonly resolution: boolean
  /** Whether a result may hold pictures and files. */
  readonly mediaInResults: boolean
  /** Whether pictures may stand beside results in one turn. */
  readonly mediaBesideResults: boolean
  readonly drop: (what: string) => void
}

/** Says a turn of the model without a signature that its calls belong to other conversations, and are to be believed. */
const sentinel = 'skip_thought_signature_validator'

/** A request that was Google's goes back as it came, turn by turn. */
export function ownContents(messages: readonly Message[], rules: ContentRules): Content[] {
  const contents: Content[] = []
  for (const [index, message] of messages.entries()) {
    if (isInstruction(message)) continue
    const parts = message.parts.flatMap((part) =>
      part.kind === 'tool-result'
        ? [responseOf(part, part.name, rules).wire]
        : wireParts(part, { ...partRules(rules, index), keepsEmpty: true }),
    )
    const last = contents.at(-1)
    if (echoOf(message.extra, '#sameTurn') === true && last) last.parts.push(...parts)
    else contents.push({ ...roleOf(message), parts, rest: withExtra({}, message.extra) })
  }
  return contents
}

function roleOf({ role, extra }: Message): { role: unknown } {
  if (role === 'assistant') return { role: 'model' }
  const written = echoOf(extra, '#role')
  return { role: written === undefined ? 'user' : (written ?? undefined) }
}

export const isInstruction = ({ role }: Message): boolean => role === 'system' || role === 'developer'

/**
 * Another dialect's conversation in Google's order: it begins with the user, turns of one side are one, and each turn with
 * calls is answered by one turn with as many results, in the order of the calls.
 */
export function contentsOf(messages: readonly Message[], rules: ContentRules): Content[] {
  const turns = new Turns(rules)
  for (const [index, message] of messages.entries()) {
    if (isInstruction(message)) continue
    if (message.role === 'assistant') turns.model(message, index)
    else turns.user(message, index)
  }
  return turns.end()
}

interface OpenResult {
  readonly result: ToolResult
  readonly index: number
}

class Turns {
  private readonly rules: ContentRules
  private readonly contents: Content[] = []
  /** Calls of the latest turn of the model, and what came back of them. */
  private calls: ToolCall[] = []
  private results: OpenResult[] = []
  /** Every call so far, for results that come late. */
  private readonly names = new Map<string, string>()

  constructor(rules: ContentRules) {
    this.rules = rules
  }

  model({ parts }: Message, index: number): void {
    this.settle()
    const wires = parts.flatMap((part) => wireParts(part, partRules(this.rules, index)))
    if (wires.length === 0) return
    this.add('model', wires)
    for (const part of parts) {
      if (part.kind !== 'tool-call') continue
      this.calls.push(part)
      this.names.set(part.id, part.name)
    }
  }

  user({ parts }: Message, index: number): void {
    const said: Part[] = []
    for (const part of parts) {
      if (part.kind === 'tool-result') this.results.push({ result: part, index })
      else said.push(part)
    }
    if (said.length === 0) return
    this.settle()
    this.say(said.flatMap((part) => wireParts(part, partRules(this.rules, index))))
  }

  end(): Content[] {
    this.settle()
    // Nobody begins but the user, who says something.
    if (this.contents[0]?.role !== 'user') this.contents.unshift({ role: 'user', parts: [{ text: ' ' }] })
    return this.contents
  }

  /** Answers the calls that are open, also those without a result, which Google would refuse. */
  private settle(): void {
    const { calls, results } = this
    if (calls.length === 0 && results.length === 0) return
    this.calls = []
    this.results = []
    const left = new Set(results)
    const byCall = Map.groupBy(results, ({ result }) => result.callId)
    const responses: WirePart[] = []
    const beside: WirePart[] = []
    for (const call of calls) {
      // Of several calls with one id each has its own result.
      const open = byCall.get(call.id)?.shift()
      if (!open) {
        responses.push(unanswered(call))
        continue
      }
      left.delete(open)
      const { wire, media } = responseOf(open.result, call.name, this.rules, open.index)
      responses.push(wire)
      beside.push(...media)
    }
    if (responses.length > 0) this.contents.push({ role: 'user', parts: responses })
    // A result whose call is no longer in the conversation is still worth telling.
    for (const { result, index } of left) {
      const name = result.name ?? this.names.get(result.callId) ?? 'a tool'
      const texts = result.parts.flatMap((part) => wireParts(part, partRules(this.rules, index)))
      beside.push({ text: `Result of ${name}:` }, ...texts)
    }
    if (beside.length > 0) this.say(beside)
  }

  private say(parts: readonly WirePart[]): void {
    if (parts.length === 0) return
    const last = this.contents.at(-1)
    const isApart =
      !this.rules.mediaBesideResults &&
      last?.parts.some((part) => part.functionResponse !== undefined) === true &&
      parts.some((part) => part.text === undefined)
    if (isApart) this.contents.push({ role: 'user', parts: [...parts] })
    else this.add('user', parts)
  }

  private add(role: 'user' | 'model', parts: readonly WirePart[]): void {
    const last = this.contents.at(-1)
    if (last?.role === role) last.parts.push(...parts)
    else this.contents.push({ role, parts: [...parts] })
  }
}

const unanswered = (call: ToolCall): WirePart => ({
  functionResponse: { ...idOf(call.id), name: call.name, response: { error: 'The tool gave no result.' } },
})

const idOf = (id: string): Fields => (id !== '' && !isMadeCallId(id) ? { id } : {})

interface Response {
  readonly wire: WirePart
  /** What has no place in the result and follows it. */
  readonly media: readonly WirePart[]
}

/** A result is an object with texts; pictures and files stand in it where the model knows that, and after it elsewhere. */
function responseOf(result: ToolResult, name: string | undefined, rules: ContentRules, index = 0): Response {
  const texts: string[] = []
  const media: WirePart[] = []
  for (const part of result.parts) {
    if (part.kind === 'text' || part.kind === 'refusal') texts.push(part.text)
    else {
      for (const wire of wireParts(part, partRules(rules, index))) {
        if (typeof wire.text === 'string') texts.push(wire.text)
        else media.push(wire)
      }
    }
  }
  const goesBack = isOwn(result.extra)
  const written = echoOf(result.extra, '#response')
  const id = goesBack ? echoOf(result.extra, '#id') : undefined
  const functionResponse: Record<string, unknown> = {
    ...(typeof id === 'string' ? { id } : id === null ? {} : idOf(result.callId)),
    ...((name ?? result.name) !== undefined && { name: name ?? result.name }),
  }
  if (written !== undefined) functionResponse.response = written
  else if (!goesBack) functionResponse.response = objectOf(texts.join('\n'), result.isError === true)
  const inside = (rules.mediaInResults || goesBack) && media.length > 0
  if (inside) functionResponse.parts = media
  const wire = withExtra({ functionResponse }, result.extra)
  return { wire, media: inside || media.length === 0 ? [] : [{ text: `Result of ${name ?? 'the tool'}:` }, ...media] }
}

/** Words are put into an object; an object goes as it is, unless it has numbers that would lose their last digits. */
function objectOf(text: string, isError: boolean): Fields {
  if (isError) return { error: text }
  if (text.trimStart().startsWith('{') && !/\d{16}/.test(text)) {
    try {
      const value: unknown = JSON.parse(text)
      if (isFields(value)) return value
    } catch {
      // It only looks like an object.
    }
  }
  return { output: text }
}

const partRules = ({ urls, resolution, drop }: ContentRules, index: number): PartRules => ({
  forClient: false,
  urls,
  resolution,
  keepsEmpty: false,
  drop: (what) => drop(`messages[${index}].${what}`),
})

/**
 * Newer models want a signature with the first call of each turn since the user last said something. What is said beside
 * the results of calls may count as that or not, so that the calls before it have one as well.
 */
export function withSentinels(contents: readonly Content[]): void {
  const said = contents.findLastIndex(
    ({ role, parts }) => role === 'user' && parts.every((part) => part.functionResponse === undefined),
  )
  for (const { role, parts } of contents.slice(said + 1)) {
    const call = role === 'model' ? parts.find((part) => part.functionCall !== undefined) : undefined
    if (call && call.thoughtSignature === undefined) call.thoughtSignature = sentinel
  }
}

export const wireContents = (contents: readonly Content[]): readonly Fields[] =>
  contents.map(({ role, parts, rest }) => ({ ...(role !== undefined && { role }), parts, ...rest }))
