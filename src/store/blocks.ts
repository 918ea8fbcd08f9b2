import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { ProjectId } from '../core/ids.ts'
import type { BodyAddress } from './schema.ts'

/** A block is closed when it has so many bytes, or so many at a flush: turns of one conversation then compress well. */
const fullBytes = 256 * 1024
const enoughBytes = 64 * 1024

export interface ReadyBlock {
  readonly id: number
  readonly projectId: ProjectId
  readonly size: number
  readonly data: Buffer
}

interface OpenBlock {
  readonly id: number
  readonly projectId: ProjectId
  pieces: Buffer[]
  size: number
}

/** Gathers bodies into blocks. A small block is stored with each flush anew until it has grown enough. */
export class Blocks {
  private readonly open = new Map<ProjectId, OpenBlock>()
  private full: OpenBlock[] = []
  private nextId: number

  constructor(firstId: number) {
    this.nextId = firstId
  }

  add(projectId: ProjectId, pieces: readonly Buffer[], length: number): Pick<BodyAddress, 'block' | 'offset' | 'length'> {
    let block = this.open.get(projectId)
    if (!block) {
      block = { id: this.nextId++, projectId, pieces: [], size: 0 }
      this.open.set(projectId, block)
    }
    const address = { block: block.id, offset: block.size, length }
    block.pieces.push(...pieces)
    block.size += length
    if (block.size >= fullBytes) this.close(block)
    return address
  }

  /** What has to be stored now. What is returned is forgotten by `stored`, so that a failed flush can be tried again. */
  ready(): ReadyBlock[] {
    for (const block of this.open.values()) if (block.size >= enoughBytes) this.close(block)
    return [...this.full, ...this.open.values()].filter((block) => block.pieces.length > 0).map(compressed)
  }

  stored(): void {
    this.full = []
    // The open block goes on from bytes of its own: its pieces are views on slabs that must be let go.
    for (const block of this.open.values()) block.pieces = [Buffer.concat(block.pieces, block.size)]
  }

  private close(block: OpenBlock): void {
    this.open.delete(block.projectId)
    this.full.push(block)
  }
}

const level = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

const compressed = ({ id, projectId, pieces, size }: OpenBlock): ReadyBlock => ({
  id,
  projectId,
  size,
  data: zstdCompressSync(pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces, size), level),
})

export const bodyIn = (data: Uint8Array, { offset, length }: BodyAddress): Buffer =>
  zstdDecompressSync(data).subarray(offset, offset + length)
