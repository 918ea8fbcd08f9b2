import type { Step } from '../../core/steps.ts'
import { longestLine } from '../../http/lines.ts'
import type { WireAnswer } from './wire.ts'

const lineFeed = 0x0a
const usageKey = Buffer.from('"usage"')
const nothing = Buffer.alloc(0)

/**
 * Takes the usage out of a stream whose client did not ask for it: the chunk that has nothing else, and the empty field
 * that the others then carry. Lines go on as soon as they are whole; all others pass unread.
 */
export function withoutAddedUsage(): Step<Buffer, Buffer> {
  let rest: Buffer[] = []
  let size = 0
  /** In a line that is too long to be one of usage: it goes on in pieces. */
  let isLong = false
  let skipBlank = false
  const edited = (line: Buffer): Buffer => {
    if (skipBlank) {
      skipBlank = false
      if (line.length <= 2 && line.toString().trim() === '') return nothing
    }
    if (!line.includes(usageKey)) return line
    if (isUsageChunk(line)) {
      skipBlank = true
      return nothing
    }
    return withoutNull(line)
  }
  /** The line that ends with these bytes. */
  const closed = (end: Buffer): Buffer => {
    const line = rest.length === 0 ? end : Buffer.concat([...rest, end])
    const wasLong = isLong
    rest = []
    size = 0
    isLong = false
    return wasLong ? line : edited(line)
  }
  return {
    next(chunk) {
      if (size === 0 && !isLong && !skipBlank && chunk.at(-1) === lineFeed && !chunk.includes(usageKey)) return [chunk]
      const out: Buffer[] = []
      let from = 0
      for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, from)) {
        const line = closed(chunk.subarray(from, end + 1))
        if (line.length > 0) out.push(line)
        from = end + 1
      }
      if (from === chunk.length) return out
      rest.push(chunk.subarray(from))
      size += chunk.length - from
      if (size > longestLine || isLong) {
        out.push(Buffer.concat(rest))
        rest = []
        size = 0
        isLong = true
        skipBlank = false
      }
      return out
    },
    end() {
      const line = closed(nothing)
      return line.length === 0 ? [] : [line]
    },
  }
}

function isUsageChunk(line: Buffer): boolean {
  if (!line.includes('"choices"')) return false
  try {
    const { choices, usage } = JSON.parse(line.toString('utf8').replace(/^data:/, '')) as WireAnswer
    return Array.isArray(choices) && choices.length === 0 && typeof usage === 'object' && usage !== null
  } catch {
    return false
  }
}

/**
 * Cuts `"usage":null` and one comma beside it. In a string the quotes would be escaped, and a text that is just this word
 * has no colon behind it, so it is the field itself.
 */
function withoutNull(line: Buffer): Buffer {
  const text = line.toString('latin1')
  const field = /"usage"\s*:\s*null/.exec(text)
  if (!field) return line
  let start = field.index
  let end = start + field[0].length
  const before = /,\s*$/.exec(text.slice(0, start))
  if (before) start = before.index
  else end += /^\s*,/.exec(text.slice(end))?.[0].length ?? 0
  return Buffer.concat([line.subarray(0, start), line.subarray(end)])
}
