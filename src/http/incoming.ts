import { clientLeft, type GatewayError } from '../core/error.ts'
import type { Sink, Source } from '../core/source.ts'
import type { UpstreamCall, UpstreamHeaders, UpstreamListener } from './upstream.ts'

/** Who hears of an answer's head, or that there will be none. */
export interface Begin {
  connected(): void
  head(status: number, headers: UpstreamHeaders): void
  /** There will be no answer. */
  failed(error: GatewayError): void
}

/** How much is kept for a reader who has not come yet before the upstream is held back. */
const patienceBytes = 64 * 1024

/**
 * An upstream's answer as a source of bytes. What arrives in one turn of the event loop, often dozens of small chunks,
 * goes on as one: every step behind this costs by the chunk, and no byte comes later for it.
 */
export class Incoming implements UpstreamListener, Source {
  private readonly begin: Begin
  private call: UpstreamCall | undefined
  private sink: Sink | undefined
  private waiting: Buffer[] = []
  private waitingBytes = 0
  private deliveryIsDue = false
  private heldBack = false
  private headed = false
  private over: 'no' | 'ended' | GatewayError = 'no'

  constructor(begin: Begin) {
    this.begin = begin
  }

  /** The request is on its way. */
  started(call: UpstreamCall): void {
    this.call = call
    if (this.over !== 'no') call.abort()
  }

  connected(): void {
    this.begin.connected()
  }

  head(status: number, headers: UpstreamHeaders): void {
    this.headed = true
    this.begin.head(status, headers)
  }

  data(chunk: Buffer): void {
    if (this.over !== 'no') return
    this.waiting.push(chunk)
    this.waitingBytes += chunk.length
    if (this.waitingBytes > patienceBytes && !this.heldBack) {
      this.heldBack = true
      this.call?.pause()
    }
    if (!this.sink || this.deliveryIsDue) return
    this.deliveryIsDue = true
    process.nextTick(this.deliver)
  }

  end(): void {
    if (this.isOver()) return
    this.deliver()
    // The sink may have cancelled at what it was given.
    if (this.isOver()) return
    this.over = 'ended'
    this.sink?.end()
  }

  fail(error: GatewayError): void {
    if (this.isOver()) return
    this.deliver()
    if (this.isOver()) return
    this.over = error
    if (!this.headed) this.begin.failed(error)
    else this.sink?.fail(error)
  }

  to(sink: Sink): void {
    const { over } = this
    this.sink = sink
    this.deliver()
    if (over === 'ended') sink.end()
    else if (over !== 'no') sink.fail(over)
  }

  resume(): void {
    this.call?.resume()
  }

  cancel(): void {
    this.waiting = []
    this.stop(clientLeft())
  }

  /** Ends it for a reason that is not the upstream's. What has come so far goes on first. */
  stop(error: GatewayError): void {
    if (this.over !== 'no') return
    this.call?.abort()
    this.fail(error)
  }

  private isOver(): boolean {
    return this.over !== 'no'
  }

  private readonly deliver = (): void => {
    this.deliveryIsDue = false
    const { sink, waiting, waitingBytes } = this
    if (!sink || waiting.length === 0) return
    this.waiting = []
    this.waitingBytes = 0
    const takes = sink.write(waiting.length === 1 ? (waiting[0] as Buffer) : Buffer.concat(waiting, waitingBytes))
    if (!takes) this.call?.pause()
    else if (this.heldBack) this.call?.resume()
    this.heldBack = false
  }
}

/** All of a source, up to so many bytes: one that goes on after them is ended. `failure` when it broke off before. */
export function gather(source: Source, limit: number): Promise<{ bytes: Buffer; failure?: GatewayError }> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    source.to({
      write(chunk) {
        chunks.push(chunk)
        size += chunk.length
        if (size > limit) {
          resolve({ bytes: Buffer.concat(chunks, limit) })
          source.cancel()
        }
        return true
      },
      end: () => resolve({ bytes: Buffer.concat(chunks) }),
      fail: (failure) => resolve({ bytes: Buffer.concat(chunks), failure }),
    })
  })
}
