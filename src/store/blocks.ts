import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { ProjectId } from '../core/ids.ts'
import type { Stretch } from './body.ts'
import type { BodyPart } from './schema.ts'

/** A block is closed when it has so many bytes, or so many at a flush: turns of one conversation then compress well. */
const fullBytes = 256 * 1024
const enoughBytes = 64 * 1024
/** Room for what closes a block, which is rarely larger than this. */
const blockBytes = fullBytes + 64 * 1024

export interface ReadyBlock {
  readonly id: number
  readonly projectId: ProjectId
  readonly size: number
  readonly data: Buffer
}

interface OpenBlock {
  readonly id: number
  readonly projectId: ProjectId
  bytes: Buffer
  size: number
  /** How much of it is on disk. */
  stored: number
}

/** Gathers bodies into blocks. A small block is stored with each flush anew until it has grown enough. */
export class Blocks {
  private readonly open = new Map<ProjectId, OpenBlock>()
  private full: ReadyBlock[] = []
  private nextId: number

  constructor(firstId: number) {
    this.nextId = firstId
  }

  /** Copies a body to the end of its project's open block. */
  add(projectId: ProjectId, pieces: readonly Stretch[], length: number): BodyPart {
    const block = this.openBlock(projectId, length)
    const part = { block: block.id, offset: block.size, length }
    for (const { bytes, start, end } of pieces) block.size += bytes.copy(block.bytes, block.size, start, end)
    if (block.size >= fullBytes) this.close(block)
    return part
  }

  /** What was put into a block that is still here. */
  read(part: BodyPart): Buffer | undefined {
    const closed = this.full.find(({ id }) => id === part.block)
    if (closed) return bodyIn(closed.data, part)
    const open = this.open.values().find(({ id }) => id === part.block)
    return open && Buffer.from(open.bytes.subarray(part.offset, part.offset + part.length))
  }

  /** What has to be stored now. It stays ready until it is known to be `stored`, so that a failed flush can be tried again. */
  ready(): ReadyBlock[] {
    for (const block of this.open.values()) if (block.size >= enoughBytes) this.close(block)
    return [...this.full, ...[...this.open.values()].filter(({ size, stored }) => size > stored).map(compressed)]
  }

  stored(): void {
    this.full = []
    for (const block of this.open.values()) block.stored = block.size
  }

  private openBlock(projectId: ProjectId, length: number): OpenBlock {
    const known = this.open.get(projectId)
    if (known && known.size + length <= known.bytes.length) return known
    if (known) this.close(known)
    const block = {
      id: this.nextId++,
      projectId,
      bytes: Buffer.allocUnsafeSlow(Math.max(blockBytes, length)),
      size: 0,
      stored: 0,
    }
    this.open.set(projectId, block)
    return block
  }

  private close(block: OpenBlock): void {
    this.open.delete(block.projectId)
    this.full.push(compressed(block))
  }
}

const options = { params: { [constants.ZSTD_c_compressionLevel]: 1 }, chunkSize: 64 * 1024 }

const compressed = ({ id, projectId, bytes, size }: OpenBlock): ReadyBlock => ({
  id,
  projectId,
  size,
  data: zstdCompressSync(bytes.subarray(0, size), options),
})

export const bodyIn = (data: Uint8Array, { offset, length }: BodyPart): Buffer =>
  zstdDecompressSync(data).subarray(offset, offset + length)
