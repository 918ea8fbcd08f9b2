/** How much room is made for a body before it has begun to arrive: what a client announces need not come. */
const trustedBytes = 1 << 20

/** A body that comes in pieces, each copied to its place: what they came in is let go at once. */
export class Pieces {
  size = 0
  /** What the client said it would be; 0 when it said nothing. */
  private readonly declared: number
  private first: Buffer | undefined
  private buffer: Buffer | undefined

  constructor(declared: number) {
    this.declared = declared
  }

  add(piece: Buffer): void {
    if (this.size === 0) {
      this.first = piece
      this.size = piece.length
      return
    }
    const size = this.size + piece.length
    if (!this.buffer || size > this.buffer.length) this.grow(size)
    piece.copy(this.buffer as Buffer, this.size)
    this.size = size
  }

  /** All of it. A body that came at once is not copied. */
  whole(): Buffer {
    const { first = nothing, buffer, size } = this
    if (!buffer) return first
    const whole = buffer.subarray(0, size)
    // It may be kept for as long as the call lasts, and shall not keep twice its bytes.
    return buffer.length - size > size / 4 ? Buffer.from(whole) : whole
  }

  private grow(needed: number): void {
    const { declared, first, buffer, size } = this
    const wanted = Math.max(needed, 2 * size, Math.min(declared, trustedBytes))
    const grown = Buffer.allocUnsafeSlow(declared >= needed ? Math.min(wanted, declared) : wanted)
    ;(buffer ?? first)?.copy(grown, 0, 0, size)
    this.buffer = grown
    this.first = undefined
  }
}

const nothing = Buffer.alloc(0)
