import type { Citation, Part, TextPart } from '../../core/chat.ts'
import { type Fields, fieldsOf, isFields, numberOf, present, stringOf } from '../values.ts'
import { own } from './finish.ts'

/** An annotation that says where the text comes from; `undefined` for those that say something else. */
export function citationOf(annotation: Fields): Citation | undefined {
  const url = fieldsOf(annotation.url_citation)
  const file = fieldsOf(annotation.file_citation)
  if (annotation.type !== 'url_citation' && annotation.type !== 'file_citation') return undefined
  const said = annotation.type === 'url_citation' ? url : { ...annotation, ...file }
  const start = numberOf(said.start_index)
  const end = numberOf(said.end_index)
  // Hosts that do not know the place write 0 for both ends.
  const isPlaced = start !== undefined && end !== undefined && end > start
  return {
    ...present({
      url: stringOf(said.url),
      title: stringOf(said.title) || stringOf(said.filename) || undefined,
      quote: stringOf(said.content) ?? stringOf(said.quote),
      fileId: stringOf(said.file_id),
      document: numberOf(said.document_index),
    }),
    ...(isPlaced && { start, end }),
    dialect: own,
    value: annotation,
  }
}

/** Perplexity and xAI list their sources beside the answer, and leave it to numbers in the text to say what is whose. */
export function sourcesOf(citations: unknown, results: unknown): readonly Citation[] {
  const found = new Map<string, Fields>()
  if (Array.isArray(results)) {
    for (const result of results) if (isFields(result) && typeof result.url === 'string') found.set(result.url, result)
  }
  const urls = new Set(Array.isArray(citations) ? citations.filter((url) => typeof url === 'string') : found.keys())
  return [...urls].map((url) => {
    const { title, snippet } = found.get(url) ?? {}
    return {
      url,
      ...present({ title: stringOf(title), quote: stringOf(snippet) || undefined }),
      dialect: own,
      value: found.get(url) ?? url,
    }
  })
}

export interface WrittenCitations {
  /** For what has a URL, the only kind that clients of the vendor know. */
  readonly annotations: readonly Fields[]
  /** Places in documents and files, in a field of our own. */
  readonly citations: readonly Fields[]
}

/** Their places count in the whole text of the message here. */
export function writtenCitations(parts: readonly Part[]): WrittenCitations {
  const annotations: Fields[] = []
  const citations: Fields[] = []
  let offset = 0
  for (const part of parts) {
    if (part.kind !== 'text') continue
    for (const citation of part.citations ?? []) push(citation, part, offset, annotations, citations)
    offset += part.text.length
  }
  return { annotations, citations }
}

function push(
  { url, title, quote, start, end, document, fileId, dialect, value }: Citation,
  { text }: TextPart,
  offset: number,
  annotations: Fields[],
  citations: Fields[],
): void {
  if (dialect === own) {
    // Sources that stood beside the answer go back there with everything else that did.
    if (isFields(value) && (value.type === 'url_citation' || value.type === 'file_citation')) annotations.push(value)
    return
  }
  // A citation without a place is of all of its text.
  const place = { start_index: offset + (start ?? 0), end_index: offset + (end ?? text.length) }
  if (url !== undefined)
    annotations.push({
      type: 'url_citation',
      url_citation: { ...place, title: title ?? url, url, ...(quote !== undefined && { content: quote }) },
    })
  else citations.push(present({ ...place, title, quote, document_index: document, file_id: fileId }))
}
