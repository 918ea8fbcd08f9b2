import type { Citation } from '../../core/chat.ts'
import { type Fields, numberOf, present, stringOf } from '../values.ts'
import { own } from './own.ts'

/** Places of files are one number, the place after which the citation stands. */
export function citationOf(annotation: Fields): Citation {
  const place = numberOf(annotation.index)
  return present({
    url: stringOf(annotation.url),
    title: stringOf(annotation.title) ?? stringOf(annotation.filename),
    start: numberOf(annotation.start_index) ?? place,
    end: numberOf(annotation.end_index) ?? place,
    fileId: stringOf(annotation.file_id),
    dialect: own,
    value: annotation as unknown,
  })
}

/** An annotation needs places: without any, it is of all of the text. */
export function annotationOf(citation: Citation, textLength: number): unknown {
  if (citation.dialect === own) return citation.value
  const { url, title, quote, fileId, document, start = 0, end = textLength } = citation
  const said = quote === undefined ? {} : { quote }
  if (url !== undefined || (fileId === undefined && document === undefined))
    return { type: 'url_citation', url: url ?? '', title: title ?? '', start_index: start, end_index: end, ...said }
  return {
    type: 'file_citation',
    file_id: fileId ?? `document_${document}`,
    filename: title ?? '',
    index: end,
    ...said,
  }
}
