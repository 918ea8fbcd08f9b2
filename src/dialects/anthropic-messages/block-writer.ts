import type { Frame } from '../../http/frames.ts'
import { type Fields, isFields, listOf } from '../values.ts'
import type { Block } from './wire.ts'

const none: readonly Frame[] = []

/** Writes the events of a message, which begins with the first of them, and counts its blocks. */
export class BlockWriter {
  private readonly messageStart: () => string
  private hasStarted = false
  private blocks = 0
  private frames: Frame[] = []

  /** `messageStart` is asked for the first event as late as can be, when most is known. */
  constructor(messageStart: () => string) {
    this.messageStart = messageStart
  }

  /** What was written since the last time. */
  taken(): readonly Frame[] {
    if (this.frames.length === 0) return none
    const ready = this.frames
    this.frames = []
    return ready
  }

  tell(event: string, data: string): void {
    if (!this.hasStarted) {
      this.hasStarted = true
      this.frames.push({ event: 'message_start', data: this.messageStart() })
    }
    this.frames.push({ event, data })
  }

  /** Begins a block, and says which it is. */
  start(block: Block): number {
    const index = this.blocks++
    this.tell('content_block_start', JSON.stringify({ type: 'content_block_start', index, content_block: block }))
    return index
  }

  delta(index: number, delta: Fields): void {
    this.tell('content_block_delta', JSON.stringify({ type: 'content_block_delta', index, delta }))
  }

  /** More of a text, of thoughts or of a call's input. Nearly every event of a stream is one. */
  text(index: number, kind: string, text: string): void {
    const delta =
      kind === 'reasoning'
        ? '"thinking_delta","thinking":'
        : kind === 'tool-call'
          ? '"input_json_delta","partial_json":'
          : '"text_delta","text":'
    this.tell(
      'content_block_delta',
      `{"type":"content_block_delta","index":${index},"delta":{"type":${delta}${JSON.stringify(text)}}}`,
    )
  }

  stop(index: number): void {
    this.tell('content_block_stop', `{"type":"content_block_stop","index":${index}}`)
  }

  /** A block that comes at once; what Claude would tell piece by piece of it follows its start. */
  whole(block: Block): void {
    const { text, citations, input, signature, ...rest } = block
    if (block.type === 'text' && typeof text === 'string') {
      const index = this.start({ ...rest, text: '' })
      for (const citation of listOf(citations)) this.delta(index, { type: 'citations_delta', citation })
      if (text !== '') this.text(index, 'text', text)
      this.stop(index)
    } else if (block.type === 'thinking') {
      const index = this.start({ ...rest, signature: '' })
      this.delta(index, { type: 'signature_delta', signature })
      this.stop(index)
    } else if (isFields(input)) {
      const index = this.start({ ...block, input: {} })
      this.text(index, 'tool-call', JSON.stringify(input))
      this.stop(index)
    } else this.stop(this.start(block))
  }
}
