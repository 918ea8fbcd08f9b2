import type { Transform } from 'node:stream'
import { createBrotliDecompress, createUnzip, createZstdDecompress } from 'node:zlib'
import { GatewayError } from '../core/error.ts'
import type { Sink, Source } from '../core/source.ts'

/** How bodies may come compressed, by the name in `content-encoding`. */
const decompressors: Readonly<Record<string, () => Transform>> = {
  gzip: createUnzip,
  'x-gzip': createUnzip,
  deflate: createUnzip,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
}

/**
 * A source whose bytes come compressed, as what they were before. Providers are asked not to compress, since what passes
 * is recorded and read; some do all the same. Nothing when the encoding is unknown.
 */
export function inflated(source: Source, encoding: string): Source | undefined {
  const make = decompressors[encoding.trim().toLowerCase()]
  return make && new Inflated(source, make())
}

class Inflated implements Source {
  private readonly source: Source
  private readonly transform: Transform
  private isOver = false

  constructor(source: Source, transform: Transform) {
    this.source = source
    this.transform = transform
  }

  to(sink: Sink): void {
    const { source, transform } = this
    const fail = (error: GatewayError): void => {
      if (this.isOver) return
      this.isOver = true
      transform.destroy()
      sink.fail(error)
    }
    transform.on('data', (chunk: Buffer) => {
      if (!sink.write(chunk)) transform.pause()
    })
    transform.on('end', () => {
      this.isOver = true
      sink.end()
    })
    transform.on('error', (cause: NodeJS.ErrnoException) => {
      fail(compressionError(cause))
      source.cancel()
    })
    transform.on('drain', () => source.resume())
    source.to({
      write: (chunk) => transform.write(chunk),
      end: () => void transform.end(),
      fail,
    })
  }

  resume(): void {
    this.transform.resume()
  }

  cancel(): void {
    this.source.cancel()
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
