import type { ChatRequest, Message, Part, ReasoningPart, ToolCall, ToolResult } from '../../core/chat.ts'
import type { Asked } from '../dialect.ts'
import { isMadeCallId, madeCallId } from '../ids.ts'
import { invalid, kindOf } from '../request-body.ts'
import { type Fields, fieldsOf, isFields, listIn, misread, objectIn, stringOf } from '../values.ts'
import { mediaPart, partOf } from './decode-part.ts'
import { decodeSettings } from './decode-settings.ts'
import { decodeTools } from './decode-tools.ts'
import { extraOf, manyOf, named, own } from './wire.ts'

const known: ReadonlySet<string> = new Set([
  'contents',
  'systemInstruction',
  'tools',
  'toolConfig',
  'generationConfig',
  'serviceTier',
  'model',
])

const readers = {
  generationConfig: objectIn,
  tools: (value: unknown) => listIn(value) ?? objectIn(value),
  toolConfig: objectIn,
  serviceTier: stringOf,
}

const contentFields: ReadonlySet<string> = new Set(['role', 'parts'])

export function decodeRequest(body: unknown, { model, stream }: Asked): ChatRequest {
  if (!isFields(body))
    throw invalid('contents', `The body must be a JSON object with \`contents\`, not ${kindOf(body)}.`)
  const wire = named(body)
  const { settings, format, reasoning, fields, echo } = decodeSettings(wire)
  const { tools, toolChoice, fields: toolFields, echo: toolEcho } = decodeTools(wire)
  const rest = extraOf(wire, known)
  return {
    model,
    stream,
    messages: [...instructions(wire.systemInstruction), ...decodeContents(wire.contents)],
    tools,
    ...(toolChoice && { toolChoice }),
    settings,
    ...(format && { format }),
    ...(reasoning && { reasoning }),
    extra: {
      dialect: own,
      fields: { ...rest?.fields, ...misread(wire, readers), ...fields, ...toolFields },
      echo: { ...echo, ...toolEcho },
    },
  }
}

function instructions(value: unknown): Message[] {
  if (value === undefined || value === null) return []
  if (typeof value === 'string') return [{ role: 'system', parts: [{ kind: 'text', text: value }] }]
  if (!isFields(value))
    throw invalid('systemInstruction', `\`systemInstruction\` must be an object with \`parts\`, not ${kindOf(value)}.`)
  const content = named(value)
  const role = stringOf(content.role)
  const extra = extraOf(content, contentFields, role === undefined ? undefined : { role })
  const parts = partsOf(content.parts, 'systemInstruction').map(partOf)
  return [{ role: 'system', parts, ...(extra && { extra }) }]
}

function decodeContents(value: unknown): Message[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value) && !isFields(value))
    throw invalid(
      'contents',
      `\`contents\` must be a list of objects with \`role\` and \`parts\`, not ${kindOf(value)}.`,
    )
  const calls = new OpenCalls()
  const messages: Message[] = []
  for (const [index, one] of (Array.isArray(value) ? value : [value]).entries()) {
    const place = `contents[${index}]`
    if (!isFields(one))
      throw invalid(place, `\`${place}\` must be an object with \`role\` and \`parts\`, not ${kindOf(one)}.`)
    const content = named(one)
    const parts = partsOf(content.parts, place)
    if (content.role === 'model' || content.role === 'assistant') messages.push(modelTurn(content, parts, calls, index))
    else for (const message of userTurn(content, parts, calls, index)) messages.push(message)
  }
  return messages
}

function partsOf(value: unknown, place: string): readonly Fields[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value) && !isFields(value))
    throw invalid(`${place}.parts`, `\`${place}.parts\` must be a list of objects, not ${kindOf(value)}.`)
  if (Array.isArray(value)) {
    const wrong = value.findIndex((one) => !isFields(one))
    if (wrong >= 0) {
      const part = `${place}.parts[${wrong}]`
      throw invalid(part, `\`${part}\` must be an object, not ${kindOf(value[wrong])}.`)
    }
  }
  return manyOf(value)
}

function modelTurn(content: Fields, wires: readonly Fields[], calls: OpenCalls, turn: number): Message {
  calls.begin(turn)
  const extra = extraOf(content, contentFields)
  const parts = wholeThoughts(wires.map(partOf)).map((part) => (part.kind === 'tool-call' ? calls.opened(part) : part))
  return { role: 'assistant', parts, ...(extra && { extra }) }
}

/**
 * Thoughts that another provider sealed were told piece by piece, and the seal came with the last. Together they are the
 * thought that was sealed.
 */
function wholeThoughts(parts: readonly Part[]): readonly Part[] {
  if (!parts.some(isForeignThought)) return parts
  const whole: Part[] = []
  for (const part of parts) {
    if (!isForeignThought(part)) {
      whole.push(part)
      continue
    }
    let text = part.text
    for (let last = whole.at(-1); last?.kind === 'reasoning' && !last.seal; last = whole.at(-1)) {
      text = last.text + text
      whole.pop()
    }
    whole.push({ ...part, text })
  }
  return whole
}

const isForeignThought = (part: Part): part is ReasoningPart =>
  part.kind === 'reasoning' && part.seal !== undefined && part.seal.by !== own

/** Results stand among what the user says, and become messages of their own. */
function userTurn(content: Fields, wires: readonly Fields[], calls: OpenCalls, turn: number): Message[] {
  const messages: { role: 'user' | 'tool'; parts: Part[] }[] = []
  for (const written of wires) {
    const wire = named(written)
    const response = isFields(wire.functionResponse) ? named(wire.functionResponse) : undefined
    const role = response ? 'tool' : 'user'
    let last = messages.at(-1)
    if (last?.role !== role) {
      last = { role, parts: [] }
      messages.push(last)
    }
    last.parts.push(response ? resultOf(wire, response, calls, turn) : partOf(written))
  }
  if (messages.length === 0) messages.push({ role: 'user', parts: [] })
  const role = content.role === 'user' ? undefined : { role: content.role ?? null }
  return messages.map((message, index): Message => {
    const echo = { ...(index > 0 && { '#sameTurn': true }), ...(index === 0 && role && { '#role': role.role }) }
    const extra = extraOf(index === 0 ? content : {}, contentFields, Object.keys(echo).length > 0 ? echo : undefined)
    return { ...message, ...(extra && { extra }) }
  })
}

const responseFields: ReadonlySet<string> = new Set(['functionResponse'])
const responseInside: ReadonlySet<string> = new Set(['id', 'name', 'response', 'parts'])

function resultOf(wire: Fields, response: Fields, calls: OpenCalls, turn: number): ToolResult {
  const name = stringOf(response.name)
  const written = stringOf(response.id)
  const callId = calls.answered(name, written, turn)
  const inside = extraOf(response, responseInside)
  const fields =
    inside &&
    Object.fromEntries(Object.entries(inside.fields).map(([key, value]) => [`functionResponse.${key}`, value]))
  const isError =
    isFields(response.response) && Object.keys(response.response).length === 1 && response.response.error !== undefined
  const outside = extraOf(wire, responseFields)
  return {
    kind: 'tool-result',
    callId,
    ...(name !== undefined && { name }),
    parts: [...textsOf(response.response, name), ...manyOf(response.parts).map(resultPart)],
    ...(isError && { isError }),
    extra: {
      dialect: own,
      fields: { ...outside?.fields, ...fields },
      echo: {
        ...(response.response !== undefined && { '#response': response.response }),
        '#id': written ?? null,
      },
    },
  }
}

const resultPart = (written: Fields): Part =>
  mediaPart(named(written)) ?? { kind: 'opaque', dialect: own, value: written }

/** The words of a result that is nothing else; any other object as it was written. */
function textsOf(response: unknown, name: string | undefined): Part[] {
  if (response === undefined || response === null) return []
  const words = wordsIn(fieldsOf(response), name) ?? [JSON.stringify(response)]
  return words.map((text) => ({ kind: 'text', text }))
}

/** Google's forms of a plain text: alone under one of three names, or as the content beside the function's name. */
function wordsIn(fields: Fields, name: string | undefined): readonly string[] | undefined {
  const names = Object.keys(fields)
  const isNamed = names.length === 2 && fields.name === name && fields.content !== undefined
  const [only] = names
  const isPlain = names.length === 1 && (only === 'output' || only === 'result' || only === 'error')
  const value = isNamed ? fields.content : isPlain ? fields[only] : undefined
  if (typeof value === 'string') return [value]
  if (!isNamed || !Array.isArray(value)) return undefined
  const texts = value.map((one) => (isFields(one) && Object.keys(one).length === 1 ? one.text : undefined))
  return texts.every((text) => typeof text === 'string') ? texts : undefined
}

/**
 * Calls of the latest turn that have no result yet. Nearly all of them have no id: then the name and the order say which
 * result is whose, and an id is made for those who need one, always the same for the same place.
 */
class OpenCalls {
  private turn = 0
  private made = 0
  private calls: { readonly name: string; readonly id: string }[] = []

  begin(turn: number): void {
    this.turn = turn
    this.made = 0
    this.calls = []
  }

  opened(call: ToolCall): ToolCall {
    const id = call.id === '' ? madeCallId(`${this.turn}x${this.made++}`) : call.id
    this.calls.push({ name: call.name, id })
    return id === call.id ? call : { ...call, id }
  }

  answered(name: string | undefined, id: string | undefined, turn: number): string {
    const exact = id === undefined ? -1 : this.calls.findIndex((call) => call.id === id)
    const place =
      exact >= 0
        ? exact
        : this.calls.findIndex((call) => call.name === name && (id === undefined || isMadeCallId(call.id)))
    if (place >= 0) return (this.calls.splice(place, 1)[0] as { id: string }).id
    return id ?? madeCallId(`${turn}r${this.made++}`)
  }
}
