/** How many pieces are kept as they came, and from how many bytes on they are large enough to stay so. */
const mostPieces = 256
const largeBytes = 1 << 20

/** A body that comes in pieces. Small ones are joined on the way: a client may send single bytes, and a `Buffer` of one costs hundreds. */
export class Pieces {
  size = 0
  private blocks: Buffer[] = []
  private pieces: Buffer[] = []
  private pieceBytes = 0

  add(piece: Buffer): void {
    this.size += piece.length
    this.pieceBytes += piece.length
    if (this.pieces.push(piece) < mostPieces) return
    if (this.pieceBytes < largeBytes) this.blocks.push(Buffer.concat(this.pieces, this.pieceBytes))
    else this.blocks.push(...this.pieces)
    this.pieces = []
    this.pieceBytes = 0
  }

  /** All of it. A body that came at once is not copied. */
  whole(): Buffer {
    const { blocks, pieces, size } = this
    if (blocks.length === 0 && pieces.length === 1) return pieces[0] as Buffer
    return Buffer.concat([...blocks, ...pieces], size)
  }
}
