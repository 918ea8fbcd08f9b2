import type { Citation, ReasoningPart } from '../../core/chat.ts'
import type { Frame } from '../../http/frames.ts'
import type { Fields } from '../values.ts'
import { annotationOf } from './citations.ts'
import { outputPart } from './encode-content.ts'
import { isRawThought } from './output-items.ts'
import { type DeltaEvent, lengthOf, type PartDraft, whole } from './stream-draft.ts'

/** The events of a response as they are written, each with its number. */
export class EventLog {
  private frames: Frame[] = []
  private sequence = 0

  /** What was written since the last time. */
  take(): readonly Frame[] {
    const { frames } = this
    this.frames = []
    return frames
  }

  emit(type: string, fields: Fields): void {
    this.frames.push({ event: type, data: JSON.stringify({ type, ...fields, sequence_number: this.sequence++ }) })
  }

  /** An event whose fields are JSON already, from the first brace up to the last. */
  write(type: string, fields: string): void {
    this.frames.push({ event: type, data: `${fields},"sequence_number":${this.sequence++}}` })
  }
}

/** Tells more of a part; texts have the probabilities of their tokens with them. */
export function tellGrowth(log: EventLog, draft: PartDraft, text: string, logprobs: readonly object[]): void {
  const { name, head } = draft.delta as DeltaEvent
  const said = `${head}${JSON.stringify(text)}`
  if (draft.value.kind !== 'text') log.write(name, said)
  else log.write(name, `${said},"logprobs":${logprobs.length === 0 ? '[]' : JSON.stringify(logprobs)}`)
}

export function tellCitation(log: EventLog, draft: PartDraft, citation: Citation): void {
  log.emit('response.output_text.annotation.added', {
    ...draft.place,
    annotation_index: draft.citations++,
    annotation: annotationOf(citation, lengthOf(draft)),
  })
}

/** Thoughts stand in a list that has one more entry only once there are any. */
export function tellThought(log: EventLog, draft: PartDraft, isNative: boolean): void {
  if (draft.isListed || draft.value.kind !== 'reasoning') return
  draft.isListed = true
  const isRaw = isRawThought(draft.value, isNative)
  const part = { type: isRaw ? 'reasoning_text' : 'summary_text', text: '' }
  log.emit(isRaw ? 'response.content_part.added' : 'response.reasoning_summary_part.added', { ...draft.place, part })
}

/** A part of an item has ended, not yet the item. */
export function tellEnd(log: EventLog, draft: PartDraft, isNative: boolean): void {
  const { place } = draft
  const part = whole(draft)
  switch (part.kind) {
    case 'text':
      log.emit('response.output_text.done', { ...place, text: part.text, logprobs: draft.logprobs })
      log.emit('response.content_part.done', { ...place, part: outputPart(part, draft.logprobs) })
      break
    case 'refusal':
      log.emit('response.refusal.done', { ...place, refusal: part.text })
      log.emit('response.content_part.done', { ...place, part: outputPart(part) })
      break
    case 'reasoning':
      if (draft.isListed) tellThoughtEnd(log, part, place, isNative)
      break
    default:
      log.emit('response.content_part.done', { ...place, part: outputPart(part) })
  }
}

function tellThoughtEnd(log: EventLog, part: ReasoningPart, place: Fields, isNative: boolean): void {
  const { text } = part
  if (isRawThought(part, isNative)) {
    log.emit('response.reasoning_text.done', { ...place, text })
    log.emit('response.content_part.done', { ...place, part: { type: 'reasoning_text', text } })
  } else {
    log.emit('response.reasoning_summary_text.done', { ...place, text })
    log.emit('response.reasoning_summary_part.done', { ...place, part: { type: 'summary_text', text } })
  }
}
