import type { CacheMark, Media, Part } from '../../core/chat.ts'
import { mediaOfDataUrl, mediaOfUrl, mediaTypeOf, plainBase64 } from '../media.ts'
import { type Fields, isFields, listOf, stringOf, textOf, without } from '../values.ts'
import { citationOf } from './citations.ts'
import { extraOf, own } from './own.ts'

const known: Readonly<Record<string, ReadonlySet<string>>> = {
  text: new Set(['type', 'text', 'annotations', 'logprobs', 'prompt_cache_breakpoint']),
  refusal: new Set(['type', 'refusal']),
  image: new Set(['type', 'image_url', 'file_id', 'detail', 'prompt_cache_breakpoint']),
  file: new Set(['type', 'file_data', 'file_url', 'file_id', 'filename', 'prompt_cache_breakpoint']),
}

/** A part of what was said, by a user, an assistant or a tool. `echo` is what its item wants back. */
export function contentPart(wire: unknown, echo: Fields = {}): Part {
  if (typeof wire === 'string') return { kind: 'text', text: wire, ...extraOf({}, echo) }
  if (!isFields(wire)) return opaque(wire, echo)
  switch (wire.type) {
    case 'input_text':
    case 'output_text':
    case 'text': {
      const citations = listOf(wire.annotations).map(citationOf)
      return {
        kind: 'text',
        text: textOf(wire.text),
        ...(citations.length > 0 && { citations }),
        ...marked(wire, 'text', echo),
      }
    }
    case 'refusal':
      return { kind: 'refusal', text: textOf(wire.refusal), ...marked(wire, 'refusal', echo) }
    case 'input_image': {
      const source = imageSource(wire)
      const detail = stringOf(wire.detail)
      if (!source) return opaque(wire, echo)
      return { kind: 'image', source, ...(detail !== undefined && { detail }), ...marked(wire, 'image', echo) }
    }
    case 'input_file': {
      const source = fileSource(wire)
      const title = stringOf(wire.filename)
      if (!source) return opaque(wire, echo)
      return { kind: 'document', source, ...(title !== undefined && { title }), ...marked(wire, 'file', echo) }
    }
    default:
      return opaque(wire, echo)
  }
}

const opaque = (value: unknown, echo: Fields): Part => ({ kind: 'opaque', dialect: own, value, ...extraOf({}, echo) })

function marked(wire: Fields, kind: string, echo: Fields): Pick<Part, 'cache' | 'extra'> {
  const mark = wire.prompt_cache_breakpoint
  const fields = without(wire, known[kind] as ReadonlySet<string>)
  if (!isFields(mark)) return extraOf(fields, echo)
  // Half an hour is the shorter of the two times there are.
  const cache: CacheMark = mark.ttl === '12h' ? { ttl: '1h' } : {}
  return { cache, ...extraOf(fields, { ...echo, prompt_cache_breakpoint: mark }) }
}

function imageSource({ image_url, file_id }: Fields): Media | undefined {
  // Chat's form of a picture is what many write here.
  const url = isFields(image_url) ? image_url.url : image_url
  if (typeof url === 'string') return mediaOfUrl(url)
  return typeof file_id === 'string' ? { kind: 'file', dialect: own, id: file_id } : undefined
}

function fileSource({ file_data, file_url, file_id, filename }: Fields): Media | undefined {
  if (typeof file_data === 'string') {
    const data = mediaOfDataUrl(file_data)
    if (data) return data
    const bare = plainBase64(file_data)
    return { kind: 'data', mediaType: mediaTypeOf(typeOfName(stringOf(filename)), bare), data: bare }
  }
  if (typeof file_url === 'string') return mediaOfUrl(file_url)
  return typeof file_id === 'string' ? { kind: 'file', dialect: own, id: file_id } : undefined
}

/** What files are by the ends of their names, where nothing else says it. */
const types: readonly (readonly [ending: string, type: string])[] = [
  ['pdf', 'application/pdf'],
  ['txt', 'text/plain'],
  ['md', 'text/markdown'],
  ['html', 'text/html'],
  ['csv', 'text/csv'],
  ['json', 'application/json'],
  ['docx', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
]

const typeOfName = (name = ''): string =>
  types.find(([ending]) => name.toLowerCase().endsWith(`.${ending}`))?.[1] ?? 'application/pdf'

/** A name for a file that has none: OpenAI wants one. */
export const nameOfType = (mediaType: string): string =>
  `document.${types.find(([, type]) => mediaType.startsWith(type))?.[0] ?? 'pdf'}`
