import type { GatewayError } from './error.ts'

/** Where bytes go. A chunk may be kept, but neither changed nor transferred: it can be a view on somebody's memory. */
export interface Sink {
  /** False when the sink is full: the source then waits until it is resumed. */
  write(chunk: Buffer): boolean
  end(): void
  /** The bytes will not be complete. */
  fail(error: GatewayError): void
}

/** Bytes that arrive by themselves, in callbacks rather than promises: a stream has hundreds of chunks. */
export interface Source {
  /** Called once. What came before is kept, so that nothing is lost between the head of an answer and its reader. */
  to(sink: Sink): void
  resume(): void
  /** Nobody wants the rest. */
  cancel(): void
}
