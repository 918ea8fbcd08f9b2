/**
 * What a request asks for, in words that belong to no wire format, read by readers that share no code with the dialects.
 */
import { isObj, list, meaning, obj, str } from './tree.ts'

export interface Asked {
  /** All instructions, wherever they stand, in order. */
  readonly system: string
  /** True when some of them stand between what is said. */
  readonly isMidway: boolean
  /** Texts, calls and results in order; texts of one speaker that follow each other are one. */
  readonly said: readonly AskedItem[]
  /** Pictures, sounds and files by the beginning of their data or their address, wherever they stand. */
  readonly media: readonly string[]
  /** Documents that are text. */
  readonly documents: readonly string[]
  readonly tools: readonly AskedTool[]
  readonly choice: string
  readonly format: unknown
  readonly maxTokens?: number | undefined
  readonly temperature?: number | undefined
  readonly topP?: number | undefined
  readonly topK?: number | undefined
  readonly stop?: readonly unknown[] | undefined
}

export type AskedItem =
  | { readonly who: 'user' | 'assistant'; readonly text: string }
  /** `call` counts the calls of the whole conversation from 0. */
  | { readonly call: number; readonly name: string; readonly args: unknown }
  | { readonly resultOf: number; readonly value: unknown }

export interface AskedTool {
  readonly name: string
  readonly description: string
  readonly schema: unknown
}

/** Collects what is said in order; ids of calls become their number, since every host has ids of its own. */
export class Conversation {
  readonly system: string[] = []
  readonly said: AskedItem[] = []
  readonly media: string[] = []
  readonly documents: string[] = []
  isMidway = false
  private readonly calls: { id: string; name: string; isAnswered: boolean }[] = []

  text(who: 'user' | 'assistant', text: unknown): void {
    if (typeof text !== 'string' || text.trim() === '') return
    const last = this.said.at(-1)
    if (last && 'who' in last && last.who === who)
      this.said[this.said.length - 1] = { who, text: last.text + bare(text) }
    else this.said.push({ who, text: bare(text) })
  }

  instruct(text: unknown): void {
    if (typeof text !== 'string' || text.trim() === '') return
    this.system.push(bare(text))
    if (this.said.length > 0) this.isMidway = true
  }

  medium(value: unknown): void {
    const text = str(value).replace(/^data:[^,]*,/i, '')
    if (text === '') return
    const isAddress = /^\w+:/.test(text)
    this.media.push((isAddress ? text : text.replaceAll('-', '+').replaceAll('_', '/')).slice(0, 40))
  }

  /** A file: one that is text counts as its text, however it is wrapped. */
  file(value: unknown): void {
    const data = str(value).replace(/^data:[^,]*,/i, '')
    const text = /^\w+:/.test(data) ? '' : Buffer.from(data, 'base64').toString('utf8')
    const isText = text !== '' && !text.includes('\uFFFD') && !text.includes('\0') && !text.startsWith('%PDF')
    if (isText) this.documents.push(bare(text))
    else this.medium(value)
  }

  document(text: unknown): void {
    if (typeof text === 'string' && text !== '') this.documents.push(bare(text))
  }

  call(id: unknown, name: unknown, args: unknown): void {
    this.said.push({ call: this.calls.length, name: str(name), args: meaning(args) })
    this.calls.push({ id: str(id), name: str(name), isAnswered: false })
  }

  /** By its id, or where there is none by the first call of that name without a result. */
  result(id: unknown, name: unknown, value: unknown): void {
    const byId = str(id) === '' ? -1 : this.calls.findLastIndex((call) => call.id === id)
    const place = byId >= 0 ? byId : this.calls.findIndex((call) => !call.isAnswered && call.name === name)
    const call = this.calls[place]
    if (call) call.isAnswered = true
    this.said.push({ resultOf: place, value: resultOf(value) })
  }

  asked(rest: Omit<Asked, 'system' | 'isMidway' | 'said' | 'media' | 'documents'>): Asked {
    return {
      system: this.system.join(''),
      isMidway: this.isMidway,
      said: this.said,
      media: this.media,
      documents: this.documents,
      ...rest,
    }
  }
}

/** Letters without the spaces between them: hosts differ in how texts are put together. */
export const bare = (text: string): string => text.replace(/\s+/g, '')

function resultOf(value: unknown): unknown {
  const parsed = meaning(value)
  if (typeof parsed === 'string') return bare(parsed)
  if (isObj(parsed)) {
    // Some clients say once more whose result it is.
    if (typeof parsed.name === 'string' && 'content' in parsed && Object.keys(parsed).length === 2)
      return resultOf(Array.isArray(parsed.content) ? textsOf(parsed.content) : parsed.content)
    const [name, ...others] = Object.keys(parsed)
    // An object is wanted where others have text: the text is wrapped.
    if (others.length === 0 && name !== undefined && /^(output|result|error)$/.test(name)) return resultOf(parsed[name])
  }
  return parsed
}

/** Schemas that say the same: names of types in either case, and an object without properties for no schema. */
export function schemaOf(schema: unknown): unknown {
  const plain = lowered(schema)
  if (!isObj(plain)) return undefined
  const { $schema: _dialect, ...rest } = plain
  const isEmpty = Object.keys(obj(rest.properties)).length === 0 && !rest.anyOf && !rest.oneOf && !rest.$ref
  return isEmpty && (rest.type === 'object' || rest.type === undefined) ? undefined : rest
}

function lowered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lowered)
  if (!isObj(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      name === 'type' && typeof member === 'string' ? member.toLowerCase() : lowered(member),
    ]),
  )
}

export const textsOf = (parts: unknown): string =>
  typeof parts === 'string'
    ? parts
    : list(parts)
        .map(({ text }) => str(text))
        .join('')
