import type { Step } from '../core/steps.ts'

const lineFeed = 0x0a
const carriageReturn = 0x0d

/** A line that is longer than this goes on in pieces. */
export const longestLine = 64 * 1024

/**
 * The same bytes in whole lines. What breaks off in the middle of a line then ends with the line before it, and whoever
 * reads it is not left with half of something.
 */
export function wholeLines(): Step<Buffer, Buffer> {
  let rest: Buffer[] = []
  let size = 0
  const all = (last: Buffer): readonly Buffer[] => {
    const pieces = rest
    rest = []
    size = 0
    return pieces.length === 0 ? [last] : [Buffer.concat([...pieces, last])]
  }
  return {
    next(chunk) {
      const last = chunk[chunk.length - 1]
      if (last === lineFeed || last === carriageReturn || size + chunk.length > longestLine) return all(chunk)
      const end = Math.max(chunk.lastIndexOf(lineFeed), chunk.lastIndexOf(carriageReturn)) + 1
      const out = end === 0 ? [] : all(chunk.subarray(0, end))
      rest.push(chunk.subarray(end))
      size += chunk.length - end
      return out
    },
    end: () => (size === 0 ? [] : all(Buffer.alloc(0))),
  }
}
