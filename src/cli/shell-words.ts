import { plainLine } from './text.ts'

/** A word as a shell takes it for one, whatever is in it. */
export const quoted = (word: string): string =>
  /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`

/** An option with its value, for a command that somebody may copy; nothing when there is no value. */
export const wordsOf = (option: string, value: string | number | undefined): string[] =>
  value === undefined ? [] : [`${option} ${quoted(plainLine(String(value)))}`]
