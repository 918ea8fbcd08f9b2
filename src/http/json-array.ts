import type { Step } from '../core/steps.ts'
import { type Frame, type Framing, frameTooLong, longestEvent } from './frames.ts'

const quote = 0x22
const comma = 0x2c
const backslash = 0x5c
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d
const blank = 0x20

/**
 * One JSON list that is delivered piece by piece: a frame is one of its elements. A body that is no list is one frame as
 * a whole, such as the error that came in place of the list. What was cut off is the last frame, so that whoever reads it
 * sees that it is broken.
 */
function split(): Step<Uint8Array, Frame> {
  /** Brackets and braces that are open; the list's own is not counted. */
  let depth = 0
  let inString = false
  let isEscaped = false
  let isList: boolean | undefined
  let pieces: Buffer[] = []
  let size = 0

  const keep = (chunk: Uint8Array, from: number, to: number): void => {
    if (to <= from) return
    // A copy: the chunk may be a view on memory that its reader uses again.
    pieces.push(Buffer.from(chunk.subarray(from, to)))
    size += to - from
    if (size > longestEvent) throw frameTooLong()
  }
  const taken = (): Frame[] => {
    if (size === 0) return []
    const data = (pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces, size)).toString('utf8').trim()
    pieces = []
    size = 0
    return data === '' ? [] : [{ data }]
  }
  return {
    next(chunk) {
      const frames: Frame[] = []
      let from = 0
      for (let at = 0; at < chunk.length; at++) {
        const byte = chunk[at] as number
        if (inString) {
          if (isEscaped) isEscaped = false
          else if (byte === backslash) isEscaped = true
          else if (byte === quote) inString = false
          continue
        }
        if (isList === undefined) {
          if (byte <= blank) {
            from = at + 1
            continue
          }
          isList = byte === openBracket
          if (isList) {
            from = at + 1
            continue
          }
        }
        if (byte === quote) inString = true
        else if (byte === openBrace || byte === openBracket) depth++
        else if ((byte === closeBrace || byte === closeBracket) && depth > 0) {
          depth--
          // An element is whole at once, and does not wait for the comma after it.
          if (depth === 0) {
            keep(chunk, from, at + 1)
            from = at + 1
            frames.push(...taken())
          }
        } else if (depth === 0 && isList && (byte === comma || byte === closeBracket)) {
          keep(chunk, from, at)
          from = at + 1
          frames.push(...taken())
          // After the list nothing is expected, but perhaps another one, as after an error.
          if (byte === closeBracket) isList = undefined
        }
      }
      keep(chunk, from, chunk.length)
      return frames
    },
    end: taken,
  }
}

/** The frames of a stream as the elements of a list. Every piece that goes out ends with a whole element. */
function writer(): Step<Frame, Buffer> {
  let isEmpty = true
  return {
    next({ data }) {
      const before = isEmpty ? '[' : ',\r\n'
      isEmpty = false
      return [Buffer.from(`${before}${data}`)]
    },
    end: () => [Buffer.from(isEmpty ? '[]' : ']')],
  }
}

export const jsonArray: Framing = {
  contentType: /^application\/json/i,
  type: 'application/json; charset=utf-8',
  split,
  write: ({ data }) => Buffer.from(data),
  writer,
  last: ({ data }) => Buffer.from(`,\r\n${data}]`),
}
