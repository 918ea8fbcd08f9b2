import type { Citation, Part, ToolCall } from '../../core/chat.ts'
import { grown } from '../../core/chat-events.ts'
import type { Fields } from '../values.ts'
import { isRawThought, kindOf, saysSomething } from './output-items.ts'

export interface ItemDraft {
  readonly index: number
  readonly id: string
  readonly parts: PartDraft[]
  /** Nothing is added to it any more. */
  isEnded: boolean
  /** What it is, when it is there for another item's seal and no part of the answer. */
  readonly carrier?: Fields
}

export interface PartDraft {
  value: Part
  /** What it grew by, joined once. */
  readonly pieces: string[]
  /** Undefined until the client has heard of it. */
  item: ItemDraft | undefined
  isEnded: boolean
  /** Its place in the item. */
  place: Fields
  /** The event that tells its growth, up to the text and behind it. */
  delta: DeltaEvent | undefined
  /** Of thoughts: whether the list in which they stand has begun. */
  isListed: boolean
  citations: number
  logprobs: object[]
}

export interface DeltaEvent {
  readonly name: string
  readonly head: string
}

type Spoken = 'text' | 'refusal' | 'summary' | 'thought'

/** The events in which parts grow. */
export const deltas = {
  text: 'response.output_text.delta',
  refusal: 'response.refusal.delta',
  summary: 'response.reasoning_summary_text.delta',
  thought: 'response.reasoning_text.delta',
  call: 'response.function_call_arguments.delta',
  custom: 'response.custom_tool_call_input.delta',
} as const

export const newDraft = (value: Part): PartDraft => ({
  value,
  pieces: [],
  item: undefined,
  isEnded: false,
  place: {},
  delta: undefined,
  isListed: false,
  citations: 0,
  logprobs: [],
})

export const deltaEvent = (name: string, place: Fields): DeltaEvent => ({
  name,
  head: `${JSON.stringify({ type: name, ...place }).slice(0, -1)},"delta":`,
})

export const spokenKind = (value: Part, isNative: boolean): Spoken =>
  value.kind === 'reasoning'
    ? isRawThought(value, isNative)
      ? 'thought'
      : 'summary'
    : value.kind === 'refusal'
      ? 'refusal'
      : 'text'

export const whole = ({ value, pieces }: PartDraft): Part =>
  pieces.length === 0 ? value : grown(value, pieces.join(''))

export const isSpoken = ({ value }: PartDraft): boolean => kindOf(value) === 'message' || kindOf(value) === 'reasoning'

/** How long its text is by now. */
export const lengthOf = ({ value, pieces }: PartDraft): number =>
  pieces.reduce((sum, piece) => sum + piece.length, 'text' in value ? value.text.length : 0)

export const emptied = (value: Part): Part =>
  value.kind === 'text'
    ? { ...value, text: '', citations: [] }
    : value.kind === 'refusal'
      ? { ...value, text: '' }
      : value

/** Clients put deltas behind what is there at the beginning. */
export const begunArguments = ({ custom }: ToolCall): Fields => (custom ? { input: '' } : { arguments: '' })

export const citationsOf = (value: Part): readonly Citation[] => (value.kind === 'text' ? (value.citations ?? []) : [])

/** Whether there is enough of a part to tell of it: a call needs its name, what is said something that is said. */
export const isTold = (value: Part): boolean => value.kind === 'tool-call' || saysSomething(value)
export const isToldAtOnce = (value: Part, isNative: boolean): boolean =>
  isNative || (value.kind === 'tool-call' ? value.id !== '' && value.name !== '' : saysSomething(value))

export function addLogprobs({ content }: Fields, drafts: readonly PartDraft[]): void {
  for (const [index, { logprobs }] of drafts.entries()) {
    const part = (content as { logprobs?: unknown }[])[index]
    if (part && logprobs.length > 0) part.logprobs = logprobs
  }
}
