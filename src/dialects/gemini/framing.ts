import type { Step } from '../../core/steps.ts'
import type { Frame, Framing } from '../../http/frames.ts'
import { jsonArray } from '../../http/json-array.ts'
import { sse, sseFrames } from '../../http/sse.ts'

const lineFeed = 0x0a
const carriage = 0x0d
const openBrace = 0x7b
const openBracket = 0x5b
const blank = 0x20

/**
 * Server-sent events, that may turn into bare JSON: so Google tells an error in mid-stream, and so it streams to whoever
 * does not ask for events. No line of an event begins with a bracket or a brace.
 */
function split(): Step<Uint8Array, Frame> {
  const events = sseFrames()
  const json = jsonArray.split()
  let isJson = false
  let atLine = true
  return {
    next(chunk) {
      if (isJson) return json.next(chunk)
      const bare = bareJson(chunk)
      if (bare < 0) return events.next(chunk)
      isJson = true
      return [...events.next(chunk.subarray(0, bare)), ...events.end(), ...json.next(chunk.subarray(bare))]
    },
    end: () => (isJson ? json.end() : events.end()),
  }

  /** Where a line begins with JSON, or -1. Blanks may stand before it. */
  function bareJson(chunk: Uint8Array): number {
    // Looked for once: nearly no chunk has one.
    let carriageReturn = -2
    for (let at = 0; at < chunk.length; at++) {
      if (!atLine) {
        if (carriageReturn !== -1 && carriageReturn < at) carriageReturn = chunk.indexOf(carriage, at)
        const feed = chunk.indexOf(lineFeed, at)
        at = carriageReturn >= 0 && (feed < 0 || carriageReturn < feed) ? carriageReturn : feed
        if (at < 0) return -1
        atLine = true
        continue
      }
      const byte = chunk[at] as number
      if (byte === openBrace || byte === openBracket) return at
      atLine = byte <= blank
    }
    return -1
  }
}

export const geminiFraming: Framing = {
  contentType: sse.contentType,
  type: sse.type,
  split,
  write: ({ data }) => Buffer.from(`data: ${data}\r\n\r\n`),
}
