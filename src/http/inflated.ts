import type { Transform } from 'node:stream'
import { createBrotliDecompress, createUnzip, createZstdDecompress } from 'node:zlib'
import { clientLeft, GatewayError } from '../core/error.ts'
import type { Sink, Source } from '../core/source.ts'

type Decompressor = Transform & { readonly bytesWritten: number }

/** How bodies may come compressed, by the name in `content-encoding`. */
const decompressors = new Map<string, () => Decompressor>([
  ['gzip', createUnzip],
  ['x-gzip', createUnzip],
  ['deflate', createUnzip],
  ['br', createBrotliDecompress],
  ['zstd', createZstdDecompress],
])

/** An answer's source, which can also be ended for a reason that is not its own. */
export interface Stoppable extends Source {
  stop(error: GatewayError): void
}

/**
 * A source whose bytes come compressed, as what they were before. Providers are asked not to compress, since what passes
 * is recorded and read; some do all the same. Nothing when the encoding is unknown.
 */
export function inflated(source: Stoppable, encoding: string): Stoppable | undefined {
  const make = decompressors.get(encoding.trim().toLowerCase())
  return make && new Inflated(source, make())
}

class Inflated implements Stoppable {
  private readonly source: Stoppable
  private readonly transform: Decompressor
  private sink: Sink | undefined
  private isOver = false
  /** How many bytes have come. */
  private given = 0

  constructor(source: Stoppable, transform: Decompressor) {
    this.source = source
    this.transform = transform
  }

  to(sink: Sink): void {
    const { source, transform } = this
    this.sink = sink
    transform.on('data', (chunk: Buffer) => {
      if (!sink.write(chunk)) transform.pause()
    })
    transform.on('end', () => {
      // It ends where its own form does, and what comes then may be the rest of the answer or not belong to it.
      if (transform.bytesWritten < this.given) this.stop(goesOn())
      else {
        this.isOver = true
        sink.end()
      }
    })
    transform.on('error', (cause: NodeJS.ErrnoException) => this.stop(compressionError(cause)))
    transform.on('drain', () => source.resume())
    source.to({
      write: (chunk) => {
        this.given += chunk.length
        return transform.write(chunk)
      },
      end: () => void transform.end(),
      fail: (error) => this.fail(error),
    })
  }

  resume(): void {
    this.transform.resume()
  }

  cancel(): void {
    this.source.cancel()
    // All of it has come, and some of it waits here.
    this.fail(clientLeft())
  }

  stop(error: GatewayError): void {
    this.fail(error)
    this.source.stop(error)
  }

  private fail(error: GatewayError): void {
    if (this.isOver) return
    this.isOver = true
    this.transform.destroy()
    this.sink?.fail(error)
  }
}

/** What zlib says of input that ends too early. */
const endings: ReadonlySet<string | undefined> = new Set(['Z_BUF_ERROR', 'ERR_BROTLI_DECODER_ERROR_UNEXPECTED_END'])

const compressionError = (cause: NodeJS.ErrnoException): GatewayError =>
  endings.has(cause.code) || /unexpected end/i.test(cause.message)
    ? new GatewayError('upstream_cut', 'The answer of the provider ends in the middle of its compressed form.', {
        cause,
      })
    : new GatewayError('upstream_invalid', `The answer of the provider cannot be decompressed (${cause.message}).`, {
        cause,
      })

const goesOn = (): GatewayError =>
  new GatewayError('upstream_invalid', 'The answer of the provider goes on after its compressed form has ended.')
