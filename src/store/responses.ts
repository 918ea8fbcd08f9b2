import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { ResponsesConfig } from '../core/config.ts'
import { GatewayError } from '../core/error.ts'
import type { TraceStatements } from './trace-entries.ts'
import type { WrittenFile } from './written-file.ts'

const dayUs = 86_400e6
/** How many go at once at most: whoever stores one does not wait for thousands to be deleted. */
const mostRemoved = 50

interface Place {
  readonly project: string
  readonly id: string
}

/** Answers that providers without a state of their own have given. The oldest go first. */
export class Responses {
  private readonly file: WrittenFile<TraceStatements>
  private readonly config: ResponsesConfig
  private bytes: number

  constructor(file: WrittenFile<TraceStatements>, config: ResponsesConfig) {
    this.file = file
    this.config = config
    this.bytes = file.read(({ responseBytes }) => Number(responseBytes.get()?.bytes)) ?? 0
  }

  /** Throws when it cannot be stored now. */
  keep({ project, id, text }: Place & { readonly text: string }, nowUs: number): void {
    const data = zstdCompressSync(text)
    const isStored = this.file.store((statements) => {
      this.bytes -= this.taken(statements, { project, id })
      statements.responses.run(project, id, nowUs, data.length, data)
      this.bytes += data.length
      this.removeOld(statements, nowUs)
    })
    if (!isStored)
      throw new GatewayError('internal', `The response ${id} could not be stored: the traces are in trouble.`)
  }

  find({ project, id }: Place): string | undefined {
    const row = this.file.read(({ response }) => response.get(project, id))
    return row && zstdDecompressSync(row.data as Uint8Array).toString('utf8')
  }

  remove(place: Place): boolean {
    let size = 0
    this.file.store((statements) => {
      size = this.taken(statements, place)
    })
    this.bytes -= size
    return size > 0
  }

  /** How many bytes there are less when it is gone; 0 when it was not there. */
  private taken({ removeResponse }: TraceStatements, { project, id }: Place): number {
    return Number(removeResponse.get(project, id)?.size ?? 0)
  }

  private removeOld(statements: TraceStatements, nowUs: number): void {
    const tooOldUs = nowUs - this.config.retentionDays * dayUs
    for (const { project_id, id, created_us, size } of statements.oldestResponses.all(mostRemoved)) {
      if (Number(created_us) >= tooOldUs && this.bytes <= this.config.maxBytes) return
      statements.removeResponse.get(project_id as string, id as string)
      this.bytes -= Number(size)
    }
  }
}
