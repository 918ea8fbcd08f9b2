import type { Amendment, Part, Seal, ToolCall } from '../../core/chat.ts'
import { type Fields, fieldsOf, isFields, stringOf, textOf } from '../values.ts'
import { echoing } from './thoughts.ts'
import type { WireToolCall } from './wire.ts'

/** A seal of Gemini on what has not been said yet: a call, by its id, or the text. */
export interface EarlySeal {
  readonly seal: Seal
  readonly shell: Fields
  readonly id: string | undefined
}

/** Where the calls of a choice go. */
interface Parts {
  begin(value: Part): number
  grow(part: number, text: string): void
  amend(part: number, amendment: Amendment): void
  /** The seal that came before the call with this id. */
  sealFor(id: string): EarlySeal | undefined
}

/**
 * The calls of a choice, fragment by fragment. The index says which call a fragment belongs to; where a host leaves it out,
 * or gives every call the same, a new id begins a new call, and so does a name after arguments.
 */
export class CallsReader {
  private readonly out: Parts
  private readonly byId = new Map<string, Call>()
  private readonly latest = new Map<number, Call>()
  /** A call of which nothing is known but its name, which may come in pieces. */
  private announced: Announced | undefined
  count = 0

  constructor(out: Parts) {
    this.out = out
  }

  partOf(id: string): number | undefined {
    this.begin()
    for (const call of this.byId.values()) if (call.id === id) return call.part
    return undefined
  }

  /** `place` is that of the fragment among those of its message. */
  read(wire: WireToolCall, place: number): void {
    const id = textOf(wire.id)
    // Some hosts have an empty one of each kind beside the other.
    const isCustom = isFields(wire.custom) && (!wire.function || textOf(wire.custom.name) !== '')
    const name = textOf(isCustom ? wire.custom?.name : wire.function?.name)
    const written = textOf(isCustom ? wire.custom?.input : wire.function?.arguments)
    const signature = stringOf(fieldsOf(fieldsOf(wire.extra_content).google).thought_signature)
    const seal = signature ? { by: 'gemini', value: signature } : undefined
    const index = typeof wire.index === 'number' ? wire.index : -1
    const known = this.find(index, id, name, place)
    if (!known) {
      const waiting = id === '' ? undefined : this.out.sealFor(id)
      const sealed = seal ?? waiting?.seal
      this.announce(index, id, name, written, {
        ...(isCustom && { custom: true }),
        ...(sealed && { seal: sealed }),
        ...(waiting && { extra: echoing({ sealed: waiting.shell }) }),
      })
      return
    }
    this.continueCall(known, index, id, name, seal)
    this.grow(known, written)
  }

  private find(index: number, id: string, name: string, place: number): Call | undefined {
    const latest = this.latest.get(index)
    if (!latest) return undefined
    if (id !== '') return latest.id === '' || latest.id === id ? latest : this.byId.get(`${index} ${id}`)
    if (name === '') return latest
    if (index < 0) return place > 0 || latest.hasInput ? undefined : latest
    return latest.hasInput && name !== latest.name ? undefined : latest
  }

  /** Ids and names come once, or with every fragment, or late; a name may come in pieces. */
  private continueCall(call: Call, index: number, id: string, name: string, seal: Seal | undefined): void {
    if (id !== '' && call.id === '') {
      call.id = id
      this.byId.set(`${index} ${id}`, call)
      if (call.part >= 0) this.out.amend(call.part, { id })
    }
    if (name !== '' && name !== call.name && !call.hasInput) {
      call.name += name
      if (call.part >= 0) this.out.amend(call.part, { name: call.name })
    }
    if (!seal) return
    this.begin()
    this.out.amend(call.part, { seal })
  }

  private announce(index: number, id: string, name: string, written: string, rest: Partial<ToolCall>): void {
    this.begin()
    const call: Call = { part: -1, id, name, hasInput: written !== '' }
    this.count++
    this.latest.set(index, call)
    if (id !== '') this.byId.set(`${index} ${id}`, call)
    this.announced = { call, written, rest }
    if (written !== '') this.begin()
  }

  /** Tells of the call that was announced, since more of the answer comes. */
  begin(): void {
    const { announced } = this
    if (!announced) return
    this.announced = undefined
    const { call, written, rest } = announced
    call.part = this.out.begin({ kind: 'tool-call', id: call.id, name: call.name, arguments: written, ...rest })
  }

  private grow(call: Call, text: string): void {
    if (text === '') return
    call.hasInput = true
    if (call.part < 0) this.begin()
    this.out.grow(call.part, text)
  }

  /** The form before tools: one call, without an id. */
  readOld({ name, arguments: written }: { readonly name?: unknown; readonly arguments?: unknown }): void {
    const known = this.latest.get(oldCall)
    const text = textOf(written)
    if (known) {
      this.continueCall(known, oldCall, '', textOf(name), undefined)
      this.grow(known, text)
    } else if (textOf(name) !== '' || text !== '')
      this.announce(oldCall, '', textOf(name), text, { extra: echoing({ isOld: true }) })
  }
}

interface Announced {
  readonly call: Call
  readonly written: string
  readonly rest: Partial<ToolCall>
}

interface Call {
  /** Its number among the parts; -1 as long as it was not told. */
  part: number
  id: string
  name: string
  hasInput: boolean
}

/** A place among the indexes of calls that no host writes. */
const oldCall = -2
