import type { Citation } from '../../core/chat.ts'
import { type Fields, fieldsOf, isFields, listOf, present, stringOf } from '../values.ts'
import { bytesBefore, unitsBefore } from './offsets.ts'
import { named, own } from './wire.ts'

/** A text of an answer with its place in it. */
export interface PlacedText {
  readonly part: number
  readonly text: string
}

export interface PlacedCitation {
  readonly part: number
  readonly citation: Citation
}

/**
 * Google counts bytes of UTF-8 from the beginning of all that was said; we count UTF-16 units in the part that carries the
 * citation. Sources that no words are traced to stand with the last text, without a place.
 */
export function citationsOf(texts: readonly PlacedText[], grounding: Fields, citing: Fields): PlacedCitation[] {
  const last = texts.at(-1)
  if (!last) return []
  const places = new Places(texts)
  const found: PlacedCitation[] = []
  const chunks = listOf(grounding.groundingChunks)
  const used = new Set<number>()
  for (const written of listOf(grounding.groundingSupports)) {
    const support = named(written)
    const place = places.of(named(fieldsOf(support.segment)))
    for (const index of Array.isArray(support.groundingChunkIndices) ? support.groundingChunkIndices : []) {
      const chunk = typeof index === 'number' ? chunks[index] : undefined
      if (!chunk) continue
      used.add(index as number)
      const { part, ...range } = place ?? { part: last.part }
      found.push({ part, citation: { ...sourceOf(chunk), ...range, dialect: own, value: { chunk, support: written } } })
    }
  }
  for (const [index, chunk] of chunks.entries()) {
    if (!used.has(index))
      found.push({ part: last.part, citation: { ...sourceOf(chunk), dialect: own, value: { chunk } } })
  }
  for (const written of [...listOf(citing.citations), ...listOf(citing.citationSources)]) {
    const { uri, title, startIndex, endIndex } = named(written)
    if (uri === undefined && title === undefined) continue
    const { part, ...range } = places.of({ startIndex, endIndex }) ?? { part: last.part }
    const source = present({ url: stringOf(uri), title: stringOf(title) || undefined })
    found.push({ part, citation: { ...source, ...range, dialect: own, value: written } })
  }
  return found
}

/** Pages, documents of a store, and places on a map. */
function sourceOf(chunk: Fields): Pick<Citation, 'url' | 'title' | 'quote' | 'fileId'> {
  const source = Object.values(chunk).find(isFields)
  if (!source) return {}
  const { uri, title, text, fileSearchStore } = named(source)
  return present({
    url: stringOf(uri),
    title: stringOf(title),
    quote: stringOf(text),
    fileId: stringOf(fileSearchStore),
  })
}

interface Place {
  readonly part: number
  readonly start: number
  readonly end: number
}

/** How far from its place a cited text is looked for. */
const slack = 64

class Places {
  private readonly texts: readonly PlacedText[]
  private readonly whole: string
  private readonly bytes: number
  private readonly units: (byte: number) => number | undefined
  /** Where each text begins, in UTF-16 units. */
  private readonly starts: readonly number[]

  constructor(texts: readonly PlacedText[]) {
    this.texts = texts
    this.whole = texts.map(({ text }) => text).join('')
    const bytes = Buffer.from(this.whole)
    this.bytes = bytes.length
    this.units = unitsBefore(bytes)
    const starts: number[] = []
    let at = 0
    for (const { text } of texts) {
      starts.push(at)
      at += text.length
    }
    this.starts = starts
  }

  of({ startIndex, endIndex, text: words }: Fields): Place | undefined {
    if (typeof endIndex !== 'number' || endIndex <= 0) return undefined
    const start = this.units(Math.min(typeof startIndex === 'number' ? startIndex : 0, this.bytes))
    const end = this.units(Math.min(endIndex, this.bytes))
    if (start === undefined || end === undefined || start > end) return undefined
    const said = typeof words === 'string' ? this.startOf(words, start) : undefined
    const from = said ?? start
    const length = said === undefined ? end - start : (words as string).length
    const index = this.textAt(from)
    const { part, text } = this.texts[index] as PlacedText
    const base = this.starts[index] as number
    return { part, start: from - base, end: Math.min(from + length - base, text.length) }
  }

  /** Counts are sometimes a few off; the words themselves, if they are said, stand near. */
  private startOf(words: string, start: number): number | undefined {
    if (words === '') return undefined
    if (this.whole.startsWith(words, start)) return start
    const from = Math.max(0, start - slack)
    const found = this.whole.slice(from, start + slack + words.length).indexOf(words)
    return found < 0 ? undefined : from + found
  }

  /** The last text that begins at or before the place. */
  private textAt(place: number): number {
    let low = 0
    let high = this.starts.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((this.starts[middle] as number) <= place) low = middle
      else high = middle
    }
    return low
  }
}

interface Support {
  readonly segment: Fields
  readonly groundingChunkIndices: number[]
}

/** Citations of any dialect as Google tells its own. */
export function groundingOf(
  texts: readonly { readonly text: string; readonly citations: readonly Citation[] }[],
): Fields | undefined {
  const chunks: Fields[] = []
  const indices = new Map<string, number>()
  const supports = new Map<string, Support>()
  let before = 0
  for (const { text, citations } of texts) {
    const bytes = bytesBefore(text)
    for (const citation of citations) {
      const index = chunkIndex(citation, chunks, indices)
      // Google's own sources without a place are cited for nothing in particular, all others for all of their text.
      if (citation.dialect === own && citation.start === undefined) continue
      const { start = 0, end = text.length } = citation
      if (end <= start) continue
      const segment = { startIndex: before + bytes(start), endIndex: before + bytes(end), text: text.slice(start, end) }
      const key = `${segment.startIndex}-${segment.endIndex}`
      const support: Support = supports.get(key) ?? { segment, groundingChunkIndices: [] }
      supports.set(key, support)
      if (!support.groundingChunkIndices.includes(index)) support.groundingChunkIndices.push(index)
    }
    before += bytes(text.length)
  }
  if (chunks.length === 0) return undefined
  return { groundingChunks: chunks, ...(supports.size > 0 && { groundingSupports: [...supports.values()] }) }
}

function chunkIndex(citation: Citation, chunks: Fields[], indices: Map<string, number>): number {
  const { url, title, quote, fileId } = citation
  const chunk =
    url !== undefined && !quote
      ? { web: present({ uri: url, title }) }
      : { retrievedContext: present({ uri: url ?? fileId, title, text: quote }) }
  const key = JSON.stringify(chunk)
  const known = indices.get(key)
  if (known !== undefined) return known
  indices.set(key, chunks.length)
  chunks.push(url !== undefined && quote ? { web: present({ uri: url, title }) } : chunk)
  return chunks.length - 1
}
