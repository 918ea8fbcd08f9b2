/**
 * The end of what passes. A short stream is only pointed at. Of one that has many chunks the end is copied: kept by
 * reference, each small chunk would weigh several times its bytes, and live just long enough to be a burden to the collector.
 */
export class Tail {
  /** The beginning is gone. */
  isCut = false
  private readonly mostBytes: number
  private readonly mostChunks: number
  private chunks: Buffer[] = []
  private size = 0
  private copy: Buffer | undefined

  constructor(mostBytes: number, mostChunks: number) {
    this.mostBytes = mostBytes
    this.mostChunks = mostChunks
  }

  add(chunk: Buffer): void {
    if (this.copy) {
      this.append(chunk)
      return
    }
    const { chunks } = this
    chunks.push(chunk)
    this.size += chunk.length
    while (this.size - (chunks[0] as Buffer).length >= this.mostBytes) {
      this.size -= (chunks.shift() as Buffer).length
      this.isCut = true
    }
    if (chunks.length <= this.mostChunks) return
    this.copy = Buffer.allocUnsafeSlow(this.mostBytes)
    this.chunks = []
    this.size = 0
    for (const one of chunks) this.append(one)
  }

  bytes(): Buffer {
    const { chunks, copy } = this
    if (copy) return copy.subarray(0, this.size)
    return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
  }

  /** Keeps at least half of what there is room for, so that it is rarely moved. */
  private append(chunk: Buffer): void {
    const copy = this.copy as Buffer
    const end = chunk.subarray(-copy.length)
    if (this.size + end.length > copy.length) {
      const kept = Math.min(copy.length / 2, copy.length - end.length, this.size)
      copy.copyWithin(0, this.size - kept, this.size)
      this.size = kept
      this.isCut = true
    }
    end.copy(copy, this.size)
    this.size += end.length
  }
}
