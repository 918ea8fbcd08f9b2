import type { Citation } from '../../core/chat.ts'
import { type Fields, fieldsOf, listOf, numberOf, present, stringOf } from '../values.ts'
import { dialectName } from './extras.ts'

/** A citation as the wire has it: of a place in a document, in a search result, or of a web page. */
export function citationOf(value: Fields): Citation {
  const location = fieldsOf(value.location)
  const place = fieldsOf(location.documentChar ?? location.documentPage ?? location.documentChunk)
  const quote = listOf(value.sourceContent)
    .map(({ text }) => stringOf(text) ?? '')
    .join('')
  return present({
    url: stringOf(fieldsOf(location.web).url) ?? urlOf(value.source),
    title: stringOf(value.title) || undefined,
    quote: quote === '' ? undefined : quote,
    document: numberOf(place.documentIndex),
    dialect: dialectName,
    value,
  })
}

const urlOf = (source: unknown): string | undefined => {
  const text = stringOf(source)
  return text !== undefined && /^https?:/i.test(text) ? text : undefined
}

/** A citation for a client; another provider's says its page, its title and its words. */
export function encodeCitation({ dialect, value, url, title, quote }: Citation): Fields {
  if (dialect === dialectName) return fieldsOf(value)
  return present({
    title,
    ...(quote !== undefined && { sourceContent: [{ text: quote }] }),
    ...(url !== undefined && { location: { web: { url } } }),
  })
}
