import { createHash, type Hash } from 'node:crypto'
import type { ProjectId } from '../core/ids.ts'
import type { BodyAddress, BodyPart } from './schema.ts'

/** A stretch of somebody's bytes: cheaper than a view on them where there are thousands a second. */
export interface Stretch {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

/** A body as it arrives, piece by piece: its beginning is kept, and of what is too long the length and hash of all. */
export class Body {
  /** Where the beginning of it is by now, when it does not fit into memory as a whole. */
  readonly parts: BodyPart[] = []
  /** All bytes that arrived, kept or not. */
  total = 0
  /** How many of the kept ones are here, behind those that are in `parts`. */
  held = 0
  /** Whose blocks may take it while it is still arriving. */
  projectId: ProjectId | undefined
  private readonly pieces: Stretch[] = []
  private kept = 0
  private hash: Hash | undefined
  /** How many of the pieces, from the first on, are copies and not places in a slab. */
  private owned = 0
  private readonly limit: number

  constructor(limit: number, projectId?: ProjectId) {
    this.limit = limit
    this.projectId = projectId
  }

  /** Says how many of the bytes are kept. */
  add(bytes: Buffer, start: number, end: number): number {
    const length = end - start
    this.total += length
    const taken = Math.min(length, this.limit - this.kept)
    if (taken < length) this.startHash()
    this.hash?.update(bytes.subarray(start, end))
    if (taken === 0) return 0
    this.pieces.push({ bytes, start, end: start + taken })
    this.kept += taken
    this.held += taken
    return taken
  }

  /** Copies what is a place in a slab, so that the slab can be let go while the body is still arriving. */
  own(): void {
    const places = this.pieces.splice(this.owned)
    if (places.length === 0) return
    const bytes = joined(places)
    this.pieces.push({ bytes, start: 0, end: bytes.length })
    this.owned = this.pieces.length
  }

  /** What is held is in a block now. When more may come, the hash goes on from here: all of it may be too long. */
  moved(part: BodyPart, goesOn: boolean): void {
    if (goesOn) this.startHash()
    this.parts.push(part)
    this.letGo()
  }

  /** Nothing is held of it any more. */
  letGo(): void {
    this.pieces.length = 0
    this.owned = 0
    this.held = 0
  }

  get stretches(): readonly Stretch[] {
    return this.pieces
  }

  get length(): number {
    return this.kept
  }

  /** What is held of it. */
  bytes(): Buffer {
    return joined(this.pieces)
  }

  /** What is said of the whole when less of it was kept. */
  whole(): Pick<BodyAddress, 'whole'> {
    return this.total > this.kept && this.hash ? { whole: { length: this.total, sha256: this.hash.digest('hex') } } : {}
  }

  private startHash(): void {
    if (this.hash) return
    this.hash = createHash('sha256')
    for (const { bytes, start, end } of this.pieces) this.hash.update(bytes.subarray(start, end))
  }
}

const joined = (pieces: readonly Stretch[]): Buffer =>
  Buffer.concat(pieces.map(({ bytes, start, end }) => bytes.subarray(start, end)))
