import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createDeflate,
  createGzip,
  createZstdCompress,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { GatewayError } from '../core/error.ts'
import type { Sink } from '../core/source.ts'
import { inflated, type Stoppable } from './inflated.ts'

const left = new GatewayError('cancelled', 'The client left.')
const cut = new GatewayError('upstream_cut', 'It broke.')

/** Compressed bytes given by hand, their reader, and everything that happens to either. */
class Stage {
  readonly happened: string[] = []
  isPaused = false
  /** Whether the reader takes more. */
  takes = true
  received = 0
  private isEnded = false
  readonly source: Stoppable
  private readonly chunks: Buffer[] = []
  private sink: Sink | undefined

  constructor(encoding: string) {
    const { happened } = this
    this.source = inflated(
      {
        to: (sink) => {
          this.sink = sink
        },
        resume: () => {
          this.isPaused = false
        },
        // As one does that is still under way: whoever reads from it hears the reason.
        cancel: () => this.stop(left),
        stop: (error) => this.stop(error),
      },
      encoding,
    ) as Stoppable
    this.source.to({
      write: (chunk) => {
        this.chunks.push(chunk)
        this.received += chunk.length
        return this.takes
      },
      end: () => happened.push('end'),
      fail: ({ code }) => happened.push(code),
    })
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString()
  }

  give(chunk: Buffer): void {
    this.isPaused = !(this.sink as Sink).write(chunk)
  }

  end(): void {
    this.isEnded = true
    this.sink?.end()
  }

  fail(): void {
    this.sink?.fail(cut)
  }

  private stop(error: GatewayError): void {
    this.happened.push('stop')
    if (!this.isEnded) this.sink?.fail(error)
  }

  /** Waits until this has happened, and no more. */
  async becomes(...happened: string[]): Promise<void> {
    await vi.waitFor(() => expect(this.happened).toEqual(happened), { interval: 1 })
  }
}

const encodings = [
  { encoding: 'gzip', compress: gzipSync, stream: createGzip, flush: constants.Z_SYNC_FLUSH },
  { encoding: 'deflate', compress: deflateSync, stream: createDeflate, flush: constants.Z_SYNC_FLUSH },
  {
    encoding: 'br',
    compress: brotliCompressSync,
    stream: createBrotliCompress,
    flush: constants.BROTLI_OPERATION_FLUSH,
  },
  { encoding: 'zstd', compress: zstdCompressSync, stream: createZstdCompress, flush: constants.ZSTD_e_flush },
]

const piecesOf = (bytes: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size))

describe.each(encodings)('$encoding', ({ encoding, compress, stream, flush }) => {
  test('becomes what it was before, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ maxLength: 2_000, unit: 'binary' }),
        fc.integer({ min: 1, max: 100 }),
        async (text, size) => {
          const stage = new Stage(encoding)
          for (const piece of piecesOf(compress(text), size)) stage.give(piece)
          stage.end()
          await stage.becomes('end')
          expect(stage.text).toBe(text)
        },
      ),
      { numRuns: 50 },
    )
  })

  test('comes out as it comes in, flush by flush', async () => {
    const stage = new Stage(encoding)
    const compressor = stream()
    compressor.on('data', (chunk: Buffer) => stage.give(chunk))
    compressor.once('end', () => stage.end())
    for (const [index, written] of ['data: a\n\n', 'data: b\n\n', 'data: c\n\n'].entries()) {
      compressor.write(written)
      compressor.flush(flush)
      await vi.waitFor(() => expect(stage.text.split('\n\n')).toHaveLength(index + 2), { interval: 1 })
    }
    compressor.end()
    await stage.becomes('end')
    expect(stage.text).toBe('data: a\n\ndata: b\n\ndata: c\n\n')
  })

  test('that ends too early is cut, wherever it does', async () => {
    const bytes = compress(JSON.stringify(encodings))
    for (let length = 0; length < bytes.length; length++) {
      const stage = new Stage(encoding)
      if (length > 0) stage.give(bytes.subarray(0, length))
      stage.end()
      await stage.becomes('upstream_cut', 'stop')
    }
  })

  test('that is something else is invalid, and not read any further', async () => {
    const stage = new Stage(encoding)
    stage.give(Buffer.from('<html>This is not what it says that it is.</html>'))
    await stage.becomes('upstream_invalid', 'stop')
    stage.end()
    expect(stage.happened).toHaveLength(2)
  })

  test.each([
    ['with it', true],
    ['after it', false],
  ])(
    'to which something else is appended, and comes %s, is invalid, and not read any further',
    async (_when, isOne) => {
      const stage = new Stage(encoding)
      const [bytes, more] = [compress('Hello'), Buffer.from('and more of it')]
      for (const chunk of isOne ? [Buffer.concat([bytes, more])] : [bytes, more]) stage.give(chunk)
      await stage.becomes('upstream_invalid', 'stop')
      expect('Hello').toContain(stage.text)
    },
  )

  test('that breaks fails for that reason, once', async () => {
    const stage = new Stage(encoding)
    const bytes = compress('Hello')
    stage.give(bytes.subarray(0, -1))
    stage.fail()
    stage.fail()
    expect(stage.happened).toEqual(['upstream_cut'])
    await new Promise((resolve) => setImmediate(resolve))
    expect(stage.happened).toEqual(['upstream_cut'])
  })

  test('that is as large outside is held back at its source as long as its reader is full', async () => {
    const stage = new Stage(encoding)
    stage.takes = false
    const pieces = piecesOf(compress(randomBytes(1 << 20)), 10_000)
    for (let turn = 0; turn < 100; turn++) {
      if (!stage.isPaused) stage.give(pieces.shift() as Buffer)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(stage.isPaused).toBe(true)
    expect(pieces.length).toBeGreaterThan(50)
  })

  test('that is a thousand times larger inside is held back as long as its reader is full', async () => {
    const stage = new Stage(encoding)
    stage.takes = false
    const zeros = 8 << 20
    const pieces = piecesOf(await compressed(stream(), zeros), 100)
    // What a well-behaved source does: nothing more while it is told to wait.
    const send = (): void => {
      while (!stage.isPaused && pieces.length > 0) stage.give(pieces.shift() as Buffer)
      if (pieces.length === 0) stage.end()
    }
    send()
    await vi.waitFor(() => expect(stage.received).toBeGreaterThan(0), { interval: 1 })
    // It has all the time to do more than it should.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(stage.received).toBeLessThan(256 << 10)
    stage.takes = true
    stage.source.resume()
    await vi.waitFor(
      () => {
        send()
        expect(stage.received).toBe(zeros)
      },
      { interval: 1, timeout: 5_000 },
    )
    await stage.becomes('end')
  })
})

/** So many zeros, which nobody needs to hold. */
async function compressed(stream: ReturnType<typeof createGzip>, zeros: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  const block = Buffer.alloc(1 << 20)
  for (let written = 0; written < zeros; written += block.length) stream.write(block)
  const ended = once(stream, 'end')
  stream.end()
  await ended
  return Buffer.concat(chunks)
}

test.each(['x-gzip', 'GZIP', ' gzip '])('%j is gzip', async (encoding) => {
  const stage = new Stage(encoding)
  stage.give(gzipSync('Hello'))
  stage.end()
  await stage.becomes('end')
  expect(stage.text).toBe('Hello')
})

test.each(['compress', 'gzip, br', 'constructor', ''])('%j is an encoding that nobody knows', (encoding) => {
  const never: Stoppable = { to() {}, resume() {}, cancel() {}, stop() {} }
  expect(inflated(never, encoding)).toBeUndefined()
})

describe('a reader that leaves', () => {
  test('ends it at its source', () => {
    const stage = new Stage('gzip')
    stage.source.cancel()
    stage.source.cancel()
    expect(stage.happened).toEqual(['stop', 'cancelled', 'stop'])
  })

  test('when all has come and some of it still waits to be unpacked hears of it too', async () => {
    const stage = new Stage('gzip')
    stage.takes = false
    stage.give(gzipSync('x'.repeat(1 << 20)))
    stage.end()
    await vi.waitFor(() => expect(stage.received).toBeGreaterThan(0), { interval: 1 })
    stage.source.cancel()
    stage.source.cancel()
    expect(stage.happened.filter((what) => what !== 'stop')).toEqual(['cancelled'])
  })

  test('after the end hears no more', async () => {
    const stage = new Stage('gzip')
    stage.give(gzipSync('Hello'))
    stage.end()
    await stage.becomes('end')
    stage.source.cancel()
    stage.source.stop(cut)
    expect(stage.happened.filter((what) => what !== 'stop')).toEqual(['end'])
  })
})

test('an answer that takes too long is ended when all of it has come, and some of it waits for its reader', async () => {
  const stage = new Stage('gzip')
  stage.takes = false
  stage.give(gzipSync('x'.repeat(1 << 20)))
  stage.end()
  await vi.waitFor(() => expect(stage.received).toBeGreaterThan(0), { interval: 1 })
  stage.source.stop(cut)
  stage.source.resume()
  await new Promise((resolve) => setImmediate(resolve))
  expect(stage.happened.filter((what) => what !== 'stop')).toEqual(['upstream_cut'])
})
