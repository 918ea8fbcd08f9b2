import { type GatewayError, toGatewayError } from '../core/error.ts'
import type { Sink, Source } from '../core/source.ts'
import type { Step } from '../core/steps.ts'

/**
 * A source whose bytes go through a step on their way. A step that throws ends the answer with what it threw: whoever
 * reads hears of it, and the source is told that nobody wants the rest.
 */
export const stepped = (source: Source, step: Step<Buffer, Buffer>): Source => ({
  to: (sink) => source.to(new Stepped(source, step, sink)),
  resume: () => source.resume(),
  cancel: () => source.cancel(),
})

class Stepped implements Sink {
  private readonly source: Source
  private readonly step: Step<Buffer, Buffer>
  private readonly sink: Sink
  private isOver = false

  constructor(source: Source, step: Step<Buffer, Buffer>, sink: Sink) {
    this.source = source
    this.step = step
    this.sink = sink
  }

  write(chunk: Buffer): boolean {
    if (this.isOver) return true
    let takes = true
    try {
      for (const piece of this.step.next(chunk)) takes = this.sink.write(piece)
    } catch (thrown) {
      this.broke(toGatewayError(thrown))
    }
    return takes
  }

  end(): void {
    if (this.isOver) return
    try {
      for (const piece of this.step.end()) this.sink.write(piece)
    } catch (thrown) {
      this.fail(toGatewayError(thrown))
      return
    }
    this.isOver = true
    this.sink.end()
  }

  fail(error: GatewayError): void {
    if (this.isOver) return
    this.isOver = true
    this.sink.fail(error)
  }

  private broke(error: GatewayError): void {
    this.fail(error)
    this.source.cancel()
  }
}
