/** Where a value stands in the bytes: from its first byte up to, not including, `end`. */
export interface Span {
  readonly start: number
  readonly end: number
}

export interface ObjectScan {
  /** The values of the outermost object by key, as they stand. */
  readonly members: ReadonlyMap<string, Span>
  /** Keys that stand there more than once, of which parsers choose differently. */
  readonly repeated: readonly string[]
  /** How deep arrays and objects are nested; the outermost object is 1. Never more than one past the limit given. */
  readonly depth: number
  /** Where the outermost object ends, its brace included. */
  readonly end: number
}

const quote = 0x22
const backslash = 0x5c
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/**
 * Finds the members of the outermost object without making values of them, so that one of them can be replaced and
 * every other byte stays as it came. Strings, which are nearly all of a chat, are passed over by native search.
 * Whether the bytes are valid JSON is not checked: what is not gives some places, in linear time. Anything but an object
 * gives `undefined`.
 */
export function scanObject(bytes: Buffer, maxDepth = Number.POSITIVE_INFINITY): ObjectScan | undefined {
  let at = 0
  while (at < bytes.length && isSpace(bytes[at] as number)) at++
  if (bytes[at] !== 0x7b) return undefined

  const members = new Map<string, Span>()
  const repeated: string[] = []
  let deepest = 1
  let depth = 1
  let key: string | undefined
  let valueStart = -1
  const close = (end: number): void => {
    if (key === undefined || valueStart < 0) return
    let last = end
    while (last > valueStart && isSpace(bytes[last - 1] as number)) last--
    if (members.has(key)) repeated.push(key)
    members.set(key, { start: valueStart, end: last })
    key = undefined
    valueStart = -1
  }

  for (at++; at < bytes.length; at++) {
    const byte = bytes[at] as number
    if (byte === quote) {
      const end = stringEnd(bytes, at)
      if (depth === 1) {
        if (key === undefined) key = keyOf(bytes.toString('utf8', at, end))
        else if (valueStart < 0) valueStart = at
      }
      at = end - 1
    } else if (byte === 0x7b || byte === 0x5b) {
      if (depth === 1 && valueStart < 0) valueStart = at
      depth++
      if (depth > deepest) deepest = depth
      if (depth > maxDepth) break
    } else if (byte === 0x7d || byte === 0x5d) {
      depth--
      if (depth === 0) {
        close(at)
        at++
        break
      }
    } else if (depth === 1) {
      if (byte === 0x2c) close(at)
      else if (byte !== 0x3a && !isSpace(byte) && valueStart < 0) valueStart = at
    }
  }
  return { members, repeated, depth: deepest, end: at }
}

function keyOf(written: string): string {
  // Nearly every key is plain; escapes are the parser's business.
  if (!written.includes('\\')) return written.slice(1, -1)
  try {
    return JSON.parse(written) as string
  } catch {
    return written
  }
}

/** The place after the closing quote of the string that begins at `start`. */
function stringEnd(bytes: Buffer, start: number): number {
  let from = start + 1
  for (;;) {
    const end = bytes.indexOf(quote, from)
    if (end < 0) return bytes.length
    let slashes = 0
    while (bytes[end - 1 - slashes] === backslash) slashes++
    if (slashes % 2 === 0) return end + 1
    from = end + 1
  }
}

/** The bytes with some places replaced; the places must be in order and apart. */
export function splice(bytes: Buffer, edits: readonly (Span & { readonly text: string })[]): Buffer {
  const pieces: Buffer[] = []
  let from = 0
  for (const { start, end, text } of edits) {
    pieces.push(bytes.subarray(from, start), Buffer.from(text))
    from = end
  }
  pieces.push(bytes.subarray(from))
  return Buffer.concat(pieces)
}
