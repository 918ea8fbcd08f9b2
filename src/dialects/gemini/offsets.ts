/** Places that are counted once, so that each one asked for is near a known one, in whatever order they come. */
const step = 1024

/** How many UTF-16 units stand before a byte of a text in UTF-8; `undefined` for a place that is not in it. */
export function unitsBefore(bytes: Buffer): (byte: number) => number | undefined {
  const known: { readonly byte: number; readonly units: number }[] = [{ byte: 0, units: 0 }]
  for (let at = step; at < bytes.length; at += step) {
    const last = known[known.length - 1] as { byte: number; units: number }
    let byte = at
    while (byte > last.byte && isInside(bytes[byte] as number)) byte--
    known.push({ byte, units: last.units + bytes.toString('utf8', last.byte, byte).length })
  }
  return (byte) => {
    if (!Number.isInteger(byte) || byte < 0 || byte > bytes.length) return undefined
    const near = known[Math.min(Math.floor(byte / step), known.length - 1)] as { byte: number; units: number }
    return near.units + bytes.toString('utf8', near.byte, byte).length
  }
}

/** Whether a byte of UTF-8 is not the first of its character. */
const isInside = (byte: number): boolean => (byte & 0xc0) === 0x80

/** How many bytes of UTF-8 stand before a UTF-16 unit of a text. */
export function bytesBefore(text: string): (unit: number) => number {
  const known: number[] = [0]
  for (let at = step; at <= text.length; at += step)
    known.push((known[known.length - 1] as number) + byteLength(text, at - step, at))
  return (unit) => {
    const end = Math.min(Math.max(0, unit), text.length)
    const place = Math.floor(end / step)
    return (known[place] as number) + byteLength(text, place * step, end)
  }
}

/** A pair of units that is cut in two counts with its first. */
function byteLength(text: string, from: number, to: number): number {
  const start = isSecond(text, from) ? from + 1 : from
  const end = isSecond(text, to) ? to + 1 : to
  return end <= start ? 0 : Buffer.byteLength(text.slice(start, end))
}

const isSecond = (text: string, at: number): boolean =>
  (text.charCodeAt(at) & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800
