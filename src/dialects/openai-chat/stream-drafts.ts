import type { Part } from '../../core/chat.ts'
import type { Fields } from '../values.ts'

/** What has been told of a choice. */
export interface ChoiceDraft {
  readonly parts: Map<number, PartDraft>
  /** Of all text so far, in UTF-16 units. */
  length: number
  calls: number
  images: number
  details: number
  hasRefused: boolean
  isFinished: boolean
  /** What else of the message was told. */
  rest: Fields
}

/** What has been told of a part. */
export interface PartDraft {
  value: Part
  /** Thoughts that are needed once more with their seal; arguments of a call that cannot be shown yet. */
  readonly pieces: string[]
  /** Where in the choice's text it begins and ends. */
  readonly offset: number
  end: number
  /** A call's place among the calls. */
  index: number
  isWaiting: boolean
  hasInput: boolean
  /** Whether thoughts go on as entries of `reasoning_details`. */
  isDetailed: boolean
}

export const partDraft = (value: Part, offset: number): PartDraft => ({
  value,
  pieces: [],
  offset,
  end: offset,
  index: 0,
  isWaiting: false,
  hasInput: false,
  isDetailed: false,
})

export const choiceDraft = (): ChoiceDraft => ({
  parts: new Map(),
  length: 0,
  calls: 0,
  images: 0,
  details: 0,
  hasRefused: false,
  isFinished: false,
  rest: {},
})
