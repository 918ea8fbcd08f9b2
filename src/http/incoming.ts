import { GatewayError } from '../core/error.ts'
import type { Sink, Source } from '../core/source.ts'
import type { UpstreamCall, UpstreamHeaders, UpstreamListener } from './upstream.ts'

interface Begin {
  connected(): void
  head(status: number, headers: UpstreamHeaders): void
  /** There will be no answer. */
  failed(error: GatewayError): void
}

const patienceBytes = 64 * 1024

/** An upstream's answer as a source of bytes: what comes before anybody reads it is kept, and held back after a while. */
export class Incoming implements UpstreamListener, Source {
  private readonly begin: Begin
  private call: UpstreamCall | undefined
  private sink: Sink | undefined
  private waiting: Buffer[] = []
  private waitingBytes = 0
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
    if (!this.sink) {
      this.waiting.push(chunk)
      this.waitingBytes += chunk.length
      // A reader comes in the same turn of the event loop: to stop the connection for it would cost more than to wait.
      if (this.waitingBytes > patienceBytes) this.call?.pause()
    } else if (!this.sink.write(chunk)) this.call?.pause()
  }

  end(): void {
    if (this.over !== 'no') return
    this.over = 'ended'
    this.sink?.end()
  }

  fail(error: GatewayError): void {
    if (this.over !== 'no') return
    this.over = error
    if (!this.headed) this.begin.failed(error)
    else this.sink?.fail(error)
  }

  to(sink: Sink): void {
    this.sink = sink
    let takes = true
    for (const chunk of this.waiting) takes = sink.write(chunk)
    this.waiting = []
    if (this.over === 'ended') sink.end()
    else if (this.over !== 'no') sink.fail(this.over)
    else if (!takes) this.call?.pause()
    else if (this.waitingBytes > patienceBytes) this.call?.resume()
  }

  resume(): void {
    this.call?.resume()
  }

  cancel(): void {
    if (this.over !== 'no') return
    this.call?.abort()
    this.fail(new GatewayError('cancelled', 'The client left before it had the whole answer.'))
  }
}

/** All of a source, up to so many bytes: what comes after them is let go. */
export function gather(source: Source, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    source.to({
      write(chunk) {
        if (size < limit) chunks.push(chunk.subarray(0, limit - size))
        size += chunk.length
        return true
      },
      end: () => resolve(Buffer.concat(chunks)),
      fail: reject,
    })
  })
}
