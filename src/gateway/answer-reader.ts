import type { ChatEvent } from '../core/chat.ts'
import { disassemble } from '../core/chat-events.ts'
import { GatewayError } from '../core/error.ts'
import type { Step } from '../core/steps.ts'
import type { Dialect } from '../dialects/dialect.ts'
import type { Frame } from '../http/frames.ts'

/** Bytes of a provider to events. What was taken before something is thrown stays taken. */
export interface AnswerReader {
  next(chunk: Buffer, take: (event: ChatEvent) => void): void
  end(take: (event: ChatEvent) => void): void
  /** Whether it could end here. After that nothing more is read. */
  isWhole(take: (event: ChatEvent) => void): boolean
}

export class StreamReader implements AnswerReader {
  private readonly frames: Step<Uint8Array, Frame>
  private readonly decoder: Step<Frame, ChatEvent>

  constructor(dialect: Dialect) {
    this.frames = dialect.framing.split()
    this.decoder = dialect.decodeStream()
  }

  next(chunk: Buffer, take: (event: ChatEvent) => void): void {
    for (const frame of this.frames.next(chunk)) for (const event of this.decoder.next(frame)) take(event)
  }

  end(take: (event: ChatEvent) => void): void {
    for (const frame of this.frames.end()) for (const event of this.decoder.next(frame)) take(event)
    for (const event of this.decoder.end()) take(event)
  }

  isWhole(take: (event: ChatEvent) => void): boolean {
    try {
      for (const event of this.decoder.end()) take(event)
      return true
    } catch {
      return false
    }
  }
}

export class WholeReader implements AnswerReader {
  private readonly dialect: Dialect
  private readonly chunks: Buffer[] = []

  constructor(dialect: Dialect) {
    this.dialect = dialect
  }

  next(chunk: Buffer): void {
    this.chunks.push(chunk)
  }

  end(take: (event: ChatEvent) => void): void {
    for (const event of disassemble(this.dialect.decodeAnswer(parsed(Buffer.concat(this.chunks))))) take(event)
  }

  isWhole(): boolean {
    return false
  }
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw new GatewayError(
      'upstream_invalid',
      `What the provider sent is no JSON. Is its base URL right? ${(cause as Error).message}`,
      { cause },
    )
  }
}
