/**
 * Where a body is cut into writes: as recorded (an event or frame each), not at all, after every byte, after every n
 * bytes, or at random places that are the same for the same seed.
 */
export type Cut = 'event' | 'whole' | 'byte' | number | { readonly seed: number }

/** The body's bytes in the pieces that `cut` asks for; none is empty, and joined they are the body. */
export function pieces(chunks: readonly Uint8Array[], cut: Cut): Iterable<Uint8Array> {
  if (cut === 'event') return chunks.filter((chunk) => chunk.length > 0)
  const bytes = Buffer.concat(chunks)
  if (cut === 'whole') return slices(bytes, () => bytes.length)
  if (cut === 'byte') return slices(bytes, () => 1)
  if (typeof cut === 'object') return slices(bytes, randomSizes(cut.seed))
  if (!Number.isInteger(cut) || cut < 1) throw new RangeError(`A cut of ${cut} bytes is not possible.`)
  return slices(bytes, () => cut)
}

function* slices(bytes: Uint8Array, nextSize: () => number): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; ) {
    const end = Math.min(start + nextSize(), bytes.length)
    yield bytes.subarray(start, end)
    start = end
  }
}

/** Mostly a few bytes, now and then several events at once: 1 to 1,024, half of them below 32. */
function randomSizes(seed: number): () => number {
  const random = mulberry32(seed)
  return () => Math.floor(2 ** (random() * 10))
}

function mulberry32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
