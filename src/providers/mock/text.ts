/** The mock's one rule of counting: four bytes of UTF-8 are a token, and what is left over is one more. */
export const tokensIn = (text: string): number => Math.ceil(Buffer.byteLength(text) / bytesPerToken)

const bytesPerToken = 4

/** The text up to the first of the stop sequences. */
export function untilStop(text: string, stops: readonly string[]): string {
  const ends = stops.map((stop) => text.indexOf(stop)).filter((end) => end >= 0)
  return text.slice(0, Math.min(text.length, ...ends))
}

/** As much of the text as fits in so many tokens, never half a character. */
export function withinTokens(text: string, most: number): string {
  const bytes = Buffer.from(text)
  let end = most * bytesPerToken
  if (end >= bytes.length) return text
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}

/** Words with the space before them, as tokens of models have it; what is longer than a word tends to be is split. */
export const wordsOf = (text: string): readonly string[] =>
  text.match(text.length > longText ? /.{1,400}/gsu : /\s*\S{1,24}|\s+$/gu) ?? []

/** Characters from which on nobody counts the words, and to look for them would hold up everybody else. */
const longText = 400_000

export const fragmentsOf = (json: string): readonly string[] => json.match(/.{1,12}/gsu) ?? []

/** So many words a piece; more if otherwise there would be too many pieces to hold. */
export function inPieces(words: readonly string[], size: number): readonly string[] {
  const step = Math.max(size, Math.ceil(words.length / mostPieces))
  if (step === 1) return words
  const pieces: string[] = []
  for (let start = 0; start < words.length; start += step) pieces.push(words.slice(start, start + step).join(''))
  return pieces
}

const mostPieces = 10_000
