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
  /** How many commas there are: a body with millions of values takes longer to parse than anybody may take. */
  readonly commas: number
  /** Where the outermost object ends, its brace included. */
  readonly end: number
  /** Whether its last brace came, or the bytes end before. */
  readonly isWhole: boolean
}

const quote = 0x22
const backslash = 0x5c
const openBrace = 0x7b
const openBracket = 0x5b
const closeBrace = 0x7d
const closeBracket = 0x5d
const comma = 0x2c
const colon = 0x3a
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/**
 * Finds the members of the outermost object without making values of them, so that one of them can be replaced and
 * every other byte stays as it came. Strings, which are nearly all of a chat, are passed over by native search.
 * Whether the bytes are valid JSON is not checked: what is not gives some places, in linear time. Anything but an object
 * gives `undefined`.
 */
export function scanObject(
  bytes: Buffer,
  maxDepth = Number.POSITIVE_INFINITY,
  maxCommas = Number.POSITIVE_INFINITY,
): ObjectScan | undefined {
  let at = 0
  while (at < bytes.length && isSpace(bytes[at] as number)) at++
  if (bytes[at] !== openBrace) return undefined

  const members = new Map<string, Span>()
  const repeated: string[] = []
  let deepest = 1
  let depth = 1
  let commas = 0
  let key: string | undefined
  let valueStart = -1
  let valueEnd = -1

  for (at++; at < bytes.length && depth > 0; at++) {
    const byte = bytes[at] as number
    if (isSpace(byte)) continue
    const inside = depth > 1
    if (byte === quote) {
      const end = stringEnd(bytes, at)
      if (!inside && key === undefined) {
        key = keyOf(bytes, at, end)
        at = end - 1
        continue
      }
      if (!inside && valueStart < 0) valueStart = at
      at = end - 1
    } else if (byte === openBrace || byte === openBracket) {
      if (!inside && valueStart < 0) valueStart = at
      if (++depth > deepest) deepest = depth
      if (depth > maxDepth) break
    } else if (byte === closeBrace || byte === closeBracket) {
      depth--
    } else if (byte === comma) {
      if (++commas > maxCommas) break
    } else if (!inside && byte !== colon && valueStart < 0) valueStart = at

    if (depth > 1) continue
    if (depth === 1 && byte !== comma) {
      if (valueStart >= 0) valueEnd = at + 1
      continue
    }
    // A comma or the last brace: what stood before it is a member.
    if (key !== undefined && valueStart >= 0) {
      if (members.has(key)) repeated.push(key)
      members.set(key, { start: valueStart, end: valueEnd })
    }
    key = undefined
    valueStart = -1
  }
  return { members, repeated, depth: deepest, commas, end: at, isWhole: depth === 0 }
}

function keyOf(bytes: Buffer, start: number, end: number): string {
  const written = bytes.toString('utf8', start, end)
  // Nearly every key is plain; escapes are the parser's business.
  if (!written.includes('\\')) return written.slice(1, -1)
  try {
    return JSON.parse(written) as string
  } catch {
    return written
  }
}

/** How far a string is followed byte by byte: nearly all keys and words end before, and a native search costs more. */
const shortString = 48

/** The place after the closing quote of the string that begins at `start`. */
function stringEnd(bytes: Buffer, start: number): number {
  const near = Math.min(start + shortString, bytes.length)
  for (let at = start + 1; at < near; at++) {
    const byte = bytes[at]
    if (byte === quote) return at + 1
    if (byte === backslash) at++
  }
  let from = near
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
