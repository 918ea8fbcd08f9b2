import type { DocumentPart, ImagePart, Media, Part } from '../../core/chat.ts'
import type { Abilities } from '../dialect.ts'
import { dataUrlOf } from '../media.ts'
import { type Fields, present } from '../values.ts'
import { annotationOf } from './citations.ts'
import { nameOfType } from './content.ts'
import { isOwn, own, ownEcho, ownFields } from './own.ts'

/** What goes along while a request is written. */
export interface Writing {
  readonly abilities: Abilities
  /** Says that this is left out. */
  drop(what: string): void
}

/** Names what only another dialect knows of a part or message that is sent, and a mark that this one has not. */
export function dropForeign({ extra, cache }: Pick<Part, 'extra' | 'cache'>, place: string, { drop }: Writing): void {
  if (cache && ownEcho(extra).prompt_cache_breakpoint === undefined) drop('cache')
  if (extra && !isOwn(extra)) for (const name of Object.keys(extra.fields)) drop(`${place}.${name}`)
}

const cacheOf = (part: Part): Fields => {
  const mark = ownEcho(part.extra).prompt_cache_breakpoint
  return mark === undefined ? {} : { prompt_cache_breakpoint: mark }
}

/** What a user, an instruction or a tool says, as parts of content. */
export function inputContent(parts: readonly Part[], place: string, writing: Writing): readonly Fields[] {
  return parts.flatMap((part): readonly Fields[] => {
    const wire = inputPart(part, place, writing)
    if (!wire) writing.drop(`${place}.${part.kind}`)
    else dropForeign(part, place, writing)
    return wire ?? []
  })
}

function inputPart(part: Part, place: string, writing: Writing): readonly Fields[] | undefined {
  switch (part.kind) {
    case 'text':
      return part.text === '' && !isOwn(part.extra)
        ? []
        : [{ type: 'input_text', text: part.text, ...cacheOf(part), ...ownFields(part.extra) }]
    case 'refusal':
      return [{ type: 'input_text', text: part.text }]
    case 'image':
      return imagePart(part, writing.abilities)
    case 'document':
      return documentPart(part, place, writing)
    case 'opaque':
      return part.dialect === own ? [part.value as Fields] : undefined
    default:
      return undefined
  }
}

/** Files of OpenAI are the same for both of its dialects. */
const isKnownFile = (source: Extract<Media, { kind: 'file' }>): boolean =>
  source.dialect === own || source.dialect === 'openai-chat'

function imagePart(part: ImagePart, { urls }: Abilities): readonly Fields[] | undefined {
  const { source, detail } = part
  if (source.kind === 'url' && urls === false) return undefined
  if (source.kind === 'file' && !isKnownFile(source)) return undefined
  const place =
    source.kind === 'file'
      ? { file_id: source.id }
      : { image_url: source.kind === 'url' ? source.url : dataUrlOf(source) }
  return [{ type: 'input_image', ...place, detail: detail ?? 'auto', ...cacheOf(part), ...ownFields(part.extra) }]
}

function documentPart(part: DocumentPart, place: string, writing: Writing): readonly Fields[] | undefined {
  const { source, title, context, extra } = part
  if (context !== undefined) writing.drop(`${place}.document.context`)
  if (source.kind === 'parts') return inputContent(source.parts, place, writing)
  if (source.kind === 'url' && writing.abilities.urls === false) return undefined
  if (source.kind === 'file' && !isKnownFile(source)) return undefined
  return [{ type: 'input_file', ...fileOf(source, title), ...cacheOf(part), ...ownFields(extra) }]
}

function fileOf(source: Exclude<DocumentPart['source'], { kind: 'parts' }>, title: string | undefined): Fields {
  switch (source.kind) {
    case 'text':
      return fileOf({ kind: 'data', mediaType: 'text/plain', data: Buffer.from(source.text).toString('base64') }, title)
    case 'data':
      return { file_data: dataUrlOf(source), filename: title ?? nameOfType(source.mediaType) }
    case 'url':
      return present({ file_url: source.url, filename: title })
    case 'file':
      return present({ file_id: source.id, filename: title })
  }
}

/** What an assistant said, as content of an item that was an answer of this dialect. */
export function outputPart(part: Part, logprobs: readonly unknown[] = []): Fields {
  switch (part.kind) {
    case 'text':
      return {
        type: 'output_text',
        text: part.text,
        annotations: (part.citations ?? []).map((citation) => annotationOf(citation, part.text.length)),
        logprobs,
        ...ownFields(part.extra),
      }
    case 'refusal':
      return { type: 'refusal', refusal: part.text, ...ownFields(part.extra) }
    default:
      return part.kind === 'opaque' && part.dialect === own ? (part.value as Fields) : { type: 'output_text', text: '' }
  }
}
