import { createRequire } from 'node:module'

/** How much of a text is counted; the rest is taken to be alike. */
const mostCharacters = 1 << 20
/** Words and gaps that are longer are counted in pieces: the tokenizer's time grows with the square of their length. */
const longRun = /\S{256}|\s{256}/
const pieces = /\s{0,256}\S{1,256}|\s{1,256}/g

type CountTokens = (text: string, options: { readonly disallowedSpecial: ReadonlySet<string> }) => number

let tokenizer: CountTokens | undefined

/** How many tokens a text has by OpenAI's newest encoding; other vendors' own are near it, and not to be had. */
export function countTokens(text: string): number {
  if (text === '') return 0
  tokenizer ??= loaded()
  const counted = text.length > mostCharacters ? text.slice(0, mostCharacters) : text
  let tokens = 0
  for (const piece of longRun.test(counted) ? (counted.match(pieces) ?? []) : [counted])
    tokens += tokenizer(piece, { disallowedSpecial: nothingSpecial })
  return Math.round((tokens * text.length) / counted.length)
}

/** What looks like a mark of the model is text like any other. */
const nothingSpecial: ReadonlySet<string> = new Set()

/** At once, though it takes a tenth of a second: it is needed for a row that is to be written now. */
function loaded(): CountTokens {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const module = createRequire(import.meta.url)(`./tokenizer.${extension}`) as { countTokens: CountTokens }
  return module.countTokens
}
