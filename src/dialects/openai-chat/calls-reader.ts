import type { Amendment, Part, Seal } from '../../core/chat.ts'
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
 * or gives every call the same, a new id begins a new call.
 */
export class CallsReader {
  private readonly out: Parts
  private readonly calls: Call[] = []
  private readonly latest = new Map<number, Call>()

  constructor(out: Parts) {
    this.out = out
  }

  get count(): number {
    return this.calls.length
  }

  partOf(id: string): number | undefined {
    return this.calls.find((call) => call.id === id)?.part
  }

  read(wire: WireToolCall): void {
    const id = textOf(wire.id)
    // Some hosts have an empty one of each kind beside the other.
    const isCustom = isFields(wire.custom) && (!wire.function || textOf(wire.custom.name) !== '')
    const name = textOf(isCustom ? wire.custom?.name : wire.function?.name)
    const written = textOf(isCustom ? wire.custom?.input : wire.function?.arguments)
    const signature = stringOf(fieldsOf(fieldsOf(wire.extra_content).google).thought_signature)
    const seal = signature ? { by: 'gemini', value: signature } : undefined
    const index = typeof wire.index === 'number' ? wire.index : -1
    const known = this.latest.get(index)
    if (!known || (id !== '' && known.id !== '' && known.id !== id)) {
      const waiting = id === '' ? undefined : this.out.sealFor(id)
      const sealed = seal ?? waiting?.seal
      const part = this.out.begin({
        kind: 'tool-call',
        id,
        name,
        arguments: written,
        ...(isCustom && { custom: true }),
        ...(sealed && { seal: sealed }),
        ...(waiting && { extra: echoing({ sealed: waiting.shell }) }),
      })
      this.remember(index, { part, id, name, hasInput: written !== '' })
      return
    }
    this.continueCall(known, id, name, seal)
    if (written !== '') {
      known.hasInput = true
      this.out.grow(known.part, written)
    }
  }

  /** Ids and names come once, or with every fragment, or late; a name may come in pieces. */
  private continueCall(call: Call, id: string, name: string, seal: Seal | undefined): void {
    if (id !== '' && call.id === '') {
      call.id = id
      this.out.amend(call.part, { id })
    }
    if (name !== '' && name !== call.name && !call.hasInput) {
      call.name += name
      this.out.amend(call.part, { name: call.name })
    }
    if (seal) this.out.amend(call.part, { seal })
  }

  private remember(index: number, call: Call): void {
    this.calls.push(call)
    this.latest.set(index, call)
  }

  /** The form before tools: one call, without an id. */
  readOld({ name, arguments: written }: { readonly name?: unknown; readonly arguments?: unknown }): void {
    const known = this.latest.get(oldCall)
    const text = textOf(written)
    if (!known) {
      if (textOf(name) === '' && text === '') return
      const value = { kind: 'tool-call', id: '', name: textOf(name), arguments: text } as const
      const part = this.out.begin({ ...value, extra: echoing({ isOld: true }) })
      this.remember(oldCall, { part, id: '', name: textOf(name), hasInput: text !== '' })
      return
    }
    this.continueCall(known, '', textOf(name), undefined)
    if (text !== '') this.out.grow(known.part, text)
  }
}

interface Call {
  readonly part: number
  id: string
  name: string
  hasInput: boolean
}

/** A place among the indexes of calls that no host writes. */
const oldCall = -2
