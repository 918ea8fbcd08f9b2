import { stripVTControlCharacters } from 'node:util'
import stringWidth from 'string-width'

/**
 * What a terminal obeys or what turns the reading order around: controls but for the line break, the marks, embeddings,
 * overrides and isolates of bidirectional text, annotations, and the invisible tags, in which text can be hidden.
 */
const controls = /[[\p{Cc}\p{Bidi_Control}\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]--\n]/gv

/**
 * Text from outside, fit to be shown: a model, a provider or a client must not steer the terminal of whoever reads it.
 * Whole escape sequences go first, so that nothing of a colour is left; then every control character that stood alone.
 */
export const plain = (text: string): string =>
  stripVTControlCharacters(text.toWellFormed())
    .replace(/\r\n?|[\u2028\u2029\v\f\x85]/g, '\n')
    .replaceAll('\t', '    ')
    .replace(controls, '')

/** The same for what has to stay in one line, such as a name. */
export const plainLine = (text: string): string => plain(text).replace(/\s+/g, ' ').trim()

/** JSON for a terminal or a pipe: the same values, the same controls written as escapes, so that nothing is lost. */
export const plainJson = (value: unknown): string =>
  JSON.stringify(value, undefined, 2).replace(controls, (found) =>
    Array.from({ length: found.length }, (_, at) => `\\u${found.charCodeAt(at).toString(16).padStart(4, '0')}`).join(
      '',
    ),
  )

/** How many columns a text takes: two for most of Chinese, Japanese and Korean and for emoji. */
export const widthOf = (text: string): number => stringWidth(text)

export const padEnd = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - widthOf(text)))
export const padStart = (text: string, width: number): string => ' '.repeat(Math.max(0, width - widthOf(text))) + text

const segmenter = new Intl.Segmenter()
const graphemes = (text: string): string[] =>
  // Segmenting is slow, and most text needs none.
  /^[\x20-\x7e]*$/.test(text) ? [...text] : Array.from(segmenter.segment(text), ({ segment }) => segment)

/** At most so many columns, with a … for what is left out. */
export function clip(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  return `${headOf(graphemes(text), Math.max(0, width - 1)).join('')}…`
}

/** Lines of at most so many columns, broken between words where there are any. Its own line breaks and indents stay. */
export const wrap = (text: string, width: number): string[] =>
  text.split('\n').flatMap((line) => wrapLine(line, Math.max(2, width)))

function wrapLine(line: string, width: number): string[] {
  if (line.length * 2 <= width || widthOf(line) <= width) return [line]
  const lines: string[] = []
  let current = ''
  let used = 0
  for (const word of line.split(/(?<=\s)(?=\S)/)) {
    // The spaces behind a word may hang over the edge; nobody sees them.
    const needed = widthOf(word.trimEnd())
    if (used > 0 && used + needed > width) {
      lines.push(current.trimEnd())
      current = ''
      used = 0
    }
    let rest = word
    if (needed > width) {
      let pieces = graphemes(word)
      while (widthOf(pieces.join('').trimEnd()) > width) {
        const head = headOf(pieces, width)
        lines.push(head.join(''))
        pieces = pieces.slice(Math.max(1, head.length))
      }
      rest = pieces.join('')
    }
    current += rest
    used += widthOf(rest)
  }
  return [...lines, current.trimEnd()]
}

/** As many of the pieces, from the first on, as have room. */
function headOf(pieces: readonly string[], width: number): string[] {
  let used = 0
  const end = pieces.findIndex((piece) => {
    used += widthOf(piece)
    return used > width
  })
  return end === -1 ? [...pieces] : pieces.slice(0, end)
}

export const indent = (lines: readonly string[], by: string): string[] =>
  lines.map((line) => (line === '' ? '' : by + line))
