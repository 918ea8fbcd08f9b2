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
  /** May be replaced: what is then too much goes when the next one comes. */
  config: ResponsesConfig
  private bytes = 0

  constructor(file: WrittenFile<TraceStatements>, config: ResponsesConfig) {
    this.file = file
    this.config = config
    this.recount()
  }

  /** Looks how much there is: at the start, and when another file has taken the place of this one. */
  recount(): void {
    this.bytes = this.file.read(({ responseBytes }) => Number(responseBytes.get()?.bytes)) ?? 0
  }

  /** Throws when it cannot be stored now. */
  keep({ project, id, text }: Place & { readonly text: string }, nowUs: number): void {
    const data = zstdCompressSync(text)
    let bytes = 0
    const isStored = this.file.store((statements) => {
      const taken = this.taken(statements, { project, id })
      statements.responses.run(project, id, nowUs, data.length, data)
      bytes = this.withoutOld(statements, nowUs, this.bytes - taken + data.length)
    })
    if (!isStored) throw inTrouble(id, 'stored')
    this.bytes = bytes
  }

  find({ project, id }: Place): string | undefined {
    const row = this.file.read(({ response }) => response.get(project, id))
    return row && zstdDecompressSync(row.data as Uint8Array).toString('utf8')
  }

  /** False when there was none. Throws when it cannot be removed now. */
  remove(place: Place): boolean {
    let size = 0
    const isStored = this.file.store((statements) => {
      size = this.taken(statements, place)
    })
    if (!isStored) throw inTrouble(place.id, 'removed')
    this.bytes -= size
    return size > 0
  }

  /** How many bytes there are less when it is gone; 0 when it was not there. */
  private taken({ removeResponse }: TraceStatements, { project, id }: Place): number {
    return Number(removeResponse.get(project, id)?.size ?? 0)
  }

  /** Removes what is too old or too much; how many bytes there are then. */
  private withoutOld(statements: TraceStatements, nowUs: number, before: number): number {
    const tooOldUs = nowUs - this.config.retentionDays * dayUs
    let bytes = before
    for (const { project_id, id, created_us, size } of statements.oldestResponses.all(mostRemoved)) {
      if (Number(created_us) >= tooOldUs && bytes <= this.config.maxBytes) break
      statements.removeResponse.get(project_id as string, id as string)
      bytes -= Number(size)
    }
    return bytes
  }
}

const inTrouble = (id: string, done: string): GatewayError =>
  new GatewayError('internal', `The response ${id} could not be ${done}: the traces are in trouble.`)
