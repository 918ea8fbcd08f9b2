import type { Slabs } from './slabs.ts'

/** How much of an answer is held before it is copied: a record for each of its many small chunks would cost more. */
const heldBytes = 4096

/** Records a body as it passes: all of it or, when the disk cannot follow, its beginning; never one with a hole. */
export class Capture {
  /** All bytes that passed, recorded or not. */
  bytes = 0
  private held: Buffer[] = []
  private size = 0
  private hasGap = false
  private readonly slabs: Slabs
  private readonly call: number
  private readonly slot: number
  private readonly records: boolean

  /** Without `records` it only counts. */
  constructor(slabs: Slabs, call: number, slot: number, records = true) {
    this.slabs = slabs
    this.call = call
    this.slot = slot
    this.records = records
  }

  add(chunk: Buffer): void {
    this.bytes += chunk.length
    if (!this.records) return
    if (this.size === 0 && chunk.length < heldBytes) this.slabs.await(this)
    this.held.push(chunk)
    this.size += chunk.length
    if (this.size >= heldBytes) this.release()
  }

  /** Copies what is held. */
  release(): void {
    if (this.size === 0) return
    const { slabs, held, size } = this
    this.held = []
    this.size = 0
    if (!this.hasGap && slabs.takesBodies()) {
      slabs.body(this.call, this.slot, held, size)
      return
    }
    if (!this.hasGap) slabs.lose('bodies', 1)
    slabs.lose('bodyBytes', size)
    this.hasGap = true
  }
}
