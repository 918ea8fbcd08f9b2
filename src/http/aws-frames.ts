import { crc32 } from 'node:zlib'
import { GatewayError } from '../core/error.ts'
import type { Step } from '../core/steps.ts'
import type { Frame, Framing } from './frames.ts'

/** Lengths of the whole and of its headers, and the checksum of the two. */
const preludeBytes = 12
const checksumBytes = 4
/** AWS allows 16 MiB of payload and 128 KiB of headers. Nothing is kept for a frame that says it is longer. */
const longestFrame = 16 * 1024 * 1024 + 128 * 1024 + preludeBytes + checksumBytes
/** How many different headers and names are remembered: a stream has about ten. */
const mostKnown = 64

/** What comes before the name of an exception in a frame's `event`. */
export const exceptionPrefix = 'exception:'

/**
 * Binary frames of `application/vnd.amazon.eventstream` from any chunking. Both checksums are verified, the first before
 * anything is kept for the rest of a frame. What went before a broken frame is handed out; the next call throws.
 */
function split(): Step<Uint8Array, Frame> {
  let pending: Buffer[] = []
  let size = 0
  /** How many bytes have to be there before a look is worth it. */
  let needed = preludeBytes
  let failure: GatewayError | undefined

  const read = (bytes: Buffer): readonly Frame[] => {
    const frames: Frame[] = []
    let at = 0
    needed = preludeBytes
    try {
      while (bytes.length - at >= preludeBytes) {
        const length = lengthAt(bytes, at)
        if (bytes.length - at < length) {
          needed = length
          break
        }
        const frame = frameAt(bytes, at, length)
        if (frame) frames.push(frame)
        at += length
      }
    } catch (thrown) {
      if (frames.length === 0) throw thrown
      failure = thrown as GatewayError
      pending = []
      size = 0
      return frames
    }
    size = bytes.length - at
    pending = size === 0 ? [] : [at === 0 ? bytes : bytes.subarray(at)]
    return frames
  }

  return {
    next(chunk) {
      if (failure) throw failure
      const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      if (size === 0) return read(bytes)
      pending.push(bytes)
      size += bytes.length
      return size < needed ? [] : read(Buffer.concat(pending, size))
    },
    end() {
      if (failure) throw failure
      if (size > 0) throw new GatewayError('upstream_cut', "The provider's stream ended in the middle of a frame.")
      return []
    },
  }
}

function lengthAt(bytes: Buffer, at: number): number {
  const length = bytes.readUInt32BE(at)
  const headers = bytes.readUInt32BE(at + 4)
  if (crc32(bytes.subarray(at, at + 8)) !== bytes.readUInt32BE(at + 8))
    throw broken('the checksum of its lengths is wrong')
  if (length > longestFrame) throw broken(`it says that it has ${length} bytes`)
  if (length < preludeBytes + headers + checksumBytes) throw broken('its headers are longer than itself')
  return length
}

function frameAt(bytes: Buffer, at: number, length: number): Frame | undefined {
  const end = at + length - checksumBytes
  if (crc32(bytes.subarray(at, end)) !== bytes.readUInt32BE(end)) throw broken('its checksum is wrong')
  const payload = at + preludeBytes + bytes.readUInt32BE(at + 4)
  const { event, message } = headersOf(bytes.toString('latin1', at + preludeBytes, payload))
  if (event === undefined) return undefined
  const data = bytes.toString('utf8', payload, end)
  return { event, data: message !== undefined && data === '' ? JSON.stringify({ message }) : data }
}

const broken = (why: string): GatewayError =>
  new GatewayError('upstream_invalid', `What the provider sent is no AWS event stream: of a frame, ${why}.`)

interface Headers {
  /** Absent for a frame that is none of the known types of message. */
  readonly event: string | undefined
  /** The text of an error, which stands in a header and not in the payload. */
  readonly message?: string | undefined
}

const known = new Map<string, Headers>()

/** The headers of all frames of one kind are the same bytes, so they are read once. */
function headersOf(written: string): Headers {
  const before = known.get(written)
  if (before) return before
  const headers = namesIn(Buffer.from(written, 'latin1'))
  if (known.size < mostKnown && written.length < 1024) known.set(written, headers)
  return headers
}

function namesIn(bytes: Buffer): Headers {
  const values = new Map<string, string>()
  for (let at = 0; at < bytes.length; ) {
    const nameEnd = at + 1 + (bytes[at] as number)
    const name = bytes.toString('utf8', at + 1, nameEnd)
    const type = bytes[nameEnd]
    const start = nameEnd + 1
    const fixed = type === undefined ? undefined : fixedSizes[type]
    const isText = type === 7
    if (fixed === undefined && !isText && type !== 6) throw broken('a header has an unknown type')
    const from = fixed === undefined ? start + 2 : start
    if (from > bytes.length) throw broken('a header ends too late')
    const end = from + (fixed ?? bytes.readUInt16BE(start))
    if (end > bytes.length) throw broken('a header ends too late')
    if (isText) values.set(name, bytes.toString('utf8', from, end))
    at = end
  }
  switch (values.get(':message-type')) {
    case 'exception':
      return { event: `${exceptionPrefix}${values.get(':exception-type') ?? ''}` }
    case 'error':
      return {
        event: `${exceptionPrefix}${values.get(':error-code') ?? ''}`,
        message: values.get(':error-message') ?? '',
      }
    default:
      return { event: values.get(':event-type') }
  }
}

/** How long the values of a header's types are: true, false, byte, short, int, long, then (8, 9) timestamp and UUID. */
const fixedSizes: Readonly<Record<number, number>> = { 0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16 }

const written = new Map<string, Buffer>()

function headersFor(event: string): Buffer {
  const before = written.get(event)
  if (before) return before
  const isException = event.startsWith(exceptionPrefix)
  const headers = Buffer.concat([
    isException ? textHeader(':exception-type', event.slice(exceptionPrefix.length)) : textHeader(':event-type', event),
    textHeader(':content-type', 'application/json'),
    textHeader(':message-type', isException ? 'exception' : 'event'),
  ])
  if (written.size < mostKnown) written.set(event, headers)
  return headers
}

function textHeader(name: string, value: string): Buffer {
  const text = Buffer.from(value)
  return Buffer.concat([
    Buffer.from([name.length]),
    Buffer.from(name),
    Buffer.from([7, text.length >> 8, text.length & 0xff]),
    text,
  ])
}

function write({ event = 'message', data }: Frame): Buffer {
  const headers = headersFor(event)
  const payload = Buffer.byteLength(data)
  const length = preludeBytes + headers.length + payload + checksumBytes
  const bytes = Buffer.allocUnsafe(length)
  bytes.writeUInt32BE(length, 0)
  bytes.writeUInt32BE(headers.length, 4)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 8)), 8)
  headers.copy(bytes, preludeBytes)
  bytes.write(data, preludeBytes + headers.length, 'utf8')
  bytes.writeUInt32BE(crc32(bytes.subarray(0, length - checksumBytes)), length - checksumBytes)
  return bytes
}

/**
 * Frames of AWS event streams: `event` is the type of the event, or of the exception with a prefix. Written by hand over
 * zlib's checksum: the vendor's codec takes frames that are already whole, at twice the time, and brings 20 kB of code.
 */
export const awsFrames: Framing = {
  contentType: /^application\/vnd\.amazon\.eventstream/i,
  type: 'application/vnd.amazon.eventstream',
  split,
  write,
}
