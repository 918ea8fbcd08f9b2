import type { Citation } from '../../core/chat.ts'
import { type Fields, isFields, listOf, numberOf, present, stringOf } from '../values.ts'
import { mark } from './foreign-thoughts.ts'
import { dialectName } from './wire.ts'

/**
 * Where a text comes from, in any of the five kinds of places. A block is cited as a whole: its places are in the source,
 * never in the text.
 */
export function decodeCitation(value: Fields): Citation {
  const index = numberOf(value.document_index)
  return present({
    dialect: dialectName,
    value,
    url: stringOf(value.url) ?? stringOf(value.source),
    title: stringOf(value.title) ?? stringOf(value.document_title),
    quote: stringOf(value.cited_text),
    document: index,
    fileId: stringOf(value.file_id),
  })
}

export const decodeCitations = (value: unknown): readonly Citation[] => listOf(value).map(decodeCitation)

/** For a client: as it came, or in the kind of place that says most of it, with a mark that it is not Claude's. */
export function encodeCitation({ dialect, value, url, title, quote, document, fileId }: Citation): Fields {
  if (dialect === dialectName && isFields(value)) return value
  if (url !== undefined)
    return {
      type: 'web_search_result_location',
      url,
      title: title ?? null,
      cited_text: quote ?? '',
      encrypted_index: mark,
    }
  return {
    type: 'char_location',
    cited_text: quote ?? '',
    document_index: document ?? 0,
    document_title: title ?? null,
    start_char_index: 0,
    end_char_index: quote?.length ?? 0,
    file_id: fileId ?? null,
    by: mark,
  }
}

/** For Claude, who takes back only what it said itself: places of others are in no source that it knows. */
export const returnedCitation = ({ dialect, value }: Citation): Fields | undefined =>
  dialect === dialectName && isFields(value) && value.encrypted_index !== mark && value.by !== mark ? value : undefined
