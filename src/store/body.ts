import { createHash, type Hash } from 'node:crypto'
import type { BodyAddress } from './schema.ts'

/** A body as it arrives, piece by piece: its beginning is kept, and of what is too long the length and hash of all. */
export class Body {
  private pieces: Buffer[] = []
  private kept = 0
  private total = 0
  private hash: Hash | undefined
  /** How many of the pieces, from the first on, are bytes of their own and not a view on a slab. */
  private owned = 0
  private readonly limit: number
  /** True when it has gone into a block, which from then on looks after its bytes. */
  placed = false

  constructor(limit: number) {
    this.limit = limit
  }

  add(bytes: Buffer): void {
    this.total += bytes.length
    const room = this.limit - this.kept
    if (this.hash) this.hash.update(bytes)
    else if (bytes.length > room) {
      this.hash = createHash('sha256')
      for (const piece of this.pieces) this.hash.update(piece)
      this.hash.update(bytes)
    }
    if (room <= 0) return
    const piece = bytes.subarray(0, room)
    this.pieces.push(piece)
    this.kept += piece.length
  }

  /** Copies what is a view on a slab, so that the slab can be let go while the body is still arriving. */
  own(): void {
    const views = this.pieces.splice(this.owned)
    if (views.length > 0) this.pieces.push(Buffer.concat(views))
    this.owned = this.pieces.length
  }

  get parts(): readonly Buffer[] {
    return this.pieces
  }

  get length(): number {
    return this.kept
  }

  bytes(): Buffer {
    return this.pieces.length === 1 ? (this.pieces[0] as Buffer) : Buffer.concat(this.pieces, this.kept)
  }

  /** What is said of the whole when less of it was kept. */
  whole(): Pick<BodyAddress, 'whole'> {
    return this.hash ? { whole: { length: this.total, sha256: this.hash.digest('hex') } } : {}
  }
}
