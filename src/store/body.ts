import { createHash, type Hash } from 'node:crypto'
import type { BodyAddress } from './schema.ts'

/** A stretch of somebody's bytes: cheaper than a view on them where there are thousands a second. */
export interface Stretch {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

/** A body as it arrives, piece by piece: its beginning is kept, and of what is too long the length and hash of all. */
export class Body {
  private readonly pieces: Stretch[] = []
  private kept = 0
  private total = 0
  private hash: Hash | undefined
  /** How many of the pieces, from the first on, are copies and not places in a slab. */
  private owned = 0
  private readonly limit: number

  constructor(limit: number) {
    this.limit = limit
  }

  add(bytes: Buffer, start: number, end: number): void {
    const length = end - start
    this.total += length
    const room = this.limit - this.kept
    if (this.hash) this.hash.update(bytes.subarray(start, end))
    else if (length > room) {
      this.hash = createHash('sha256')
      for (const piece of this.pieces) this.hash.update(piece.bytes.subarray(piece.start, piece.end))
      this.hash.update(bytes.subarray(start, end))
    }
    if (room <= 0) return
    const taken = Math.min(length, room)
    this.pieces.push({ bytes, start, end: start + taken })
    this.kept += taken
  }

  /** Copies what is a place in a slab, so that the slab can be let go while the body is still arriving. */
  own(): void {
    const places = this.pieces.splice(this.owned)
    if (places.length === 0) return
    const bytes = joined(places)
    this.pieces.push({ bytes, start: 0, end: bytes.length })
    this.owned = this.pieces.length
  }

  /** Its bytes are somewhere else now. */
  letGo(): void {
    this.pieces.length = 0
    this.owned = 0
  }

  get stretches(): readonly Stretch[] {
    return this.pieces
  }

  get length(): number {
    return this.kept
  }

  bytes(): Buffer {
    return joined(this.pieces)
  }

  /** What is said of the whole when less of it was kept. */
  whole(): Pick<BodyAddress, 'whole'> {
    return this.hash ? { whole: { length: this.total, sha256: this.hash.digest('hex') } } : {}
  }
}

const joined = (pieces: readonly Stretch[]): Buffer =>
  Buffer.concat(pieces.map(({ bytes, start, end }) => bytes.subarray(start, end)))
