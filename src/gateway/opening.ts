import { clientLeft, type GatewayError } from '../core/error.ts'
import type { Sink, Source } from '../core/source.ts'

/** Who decides about the beginning of an answer; exactly one of the last three is told. */
export interface Beginning {
  /** Asked after each chunk that is held. */
  mayBegin(): boolean
  /** It is an answer: here are its bytes, those that were held back first. */
  begins(body: Source): void
  /** It has ended before it was let go: this is all of it. */
  ended(bytes: Buffer): void
  failed(error: GatewayError): void
}

/** How much is held for a client that does not take it yet. */
const mostWaiting = 64 * 1024

/**
 * Holds an answer back until it is known to be one. As long as the client has heard nothing, whatever goes wrong can still
 * be told by a status that means something, and another provider can still be asked.
 */
export class Opening implements Sink, Source {
  private readonly source: Source
  private readonly beginning: Beginning
  private readonly mostHeld: number
  private sink: Sink | undefined
  private held: Buffer[] = []
  private size = 0
  private isOpen = false
  private isDraining = false
  private over: 'no' | 'ended' | GatewayError = 'no'

  constructor(source: Source, mostHeld: number, beginning: Beginning) {
    this.source = source
    this.mostHeld = mostHeld
    this.beginning = beginning
  }

  start(): void {
    this.source.to(this)
  }

  write(chunk: Buffer): boolean {
    if (this.sink) return this.sink.write(chunk)
    this.held.push(chunk)
    this.size += chunk.length
    if (this.isOpen) return this.size < mostWaiting
    if (this.beginning.mayBegin() || this.size > this.mostHeld) this.letGo()
    return true
  }

  end(): void {
    if (this.sink) this.sink.end()
    else {
      this.over = 'ended'
      if (!this.isOpen) this.beginning.ended(this.take())
    }
  }

  fail(error: GatewayError): void {
    if (this.sink) this.sink.fail(error)
    else {
      this.over = error
      if (!this.isOpen) this.beginning.failed(error)
    }
  }

  /** Holds nothing back any longer. Of what has not come at all there is nothing that the client could be shown. */
  letGo(): void {
    if (this.isOpen || this.isDraining || this.over !== 'no' || this.size === 0) return
    this.isOpen = true
    this.beginning.begins(this)
  }

  to(sink: Sink): void {
    this.sink = sink
    if (this.size > 0 && sink.write(this.take())) this.source.resume()
    if (this.over === 'ended') sink.end()
    else if (this.over !== 'no') sink.fail(this.over)
  }

  /** Nobody takes the rest; it is read on all the same, up to so many bytes. */
  drain(most: number, onMore: () => void): void {
    let bytes = 0
    this.isDraining = true
    this.sink = {
      write(chunk) {
        bytes += chunk.length
        if (bytes > most) onMore()
        return true
      },
      end: () => this.drained(),
      fail: () => this.drained(),
    }
    this.held = []
    this.source.resume()
  }

  resume(): void {
    this.source.resume()
  }

  cancel(): void {
    if (!this.isDraining) this.source.cancel()
  }

  private drained(): void {
    if (!this.isOpen) this.beginning.failed(clientLeft())
  }

  private take(): Buffer {
    const { held } = this
    this.held = []
    this.size = 0
    return held.length === 1 ? (held[0] as Buffer) : Buffer.concat(held)
  }
}
