import type { CacheMark, DocumentPart, Extra, Media, Part } from '../../core/chat.ts'
import type { Abilities } from '../dialect.ts'
import { dataUrlOf } from '../media.ts'
import type { Fields } from '../values.ts'
import { own } from './finish.ts'

/** What the target cannot take, each thing once. */
export type Dropped = Set<string>

export interface Encoding {
  readonly abilities: Abilities
  readonly dropped: Dropped
  /** The message's place, as the client has it. */
  readonly place: string
}

/** The parts of a message as its content has them; one plain text is just that. */
export function contentOf(parts: readonly Part[], encoding: Encoding): string | readonly Fields[] {
  return asContent(parts.flatMap((part) => partOf(part, encoding)))
}

export function asContent(wires: readonly Fields[]): string | readonly Fields[] {
  if (wires.length === 0) return ''
  const [only] = wires
  const isPlain = wires.length === 1 && only?.type === 'text' && Object.keys(only).length === 2
  return isPlain ? (only.text as string) : wires
}

/** Parts that stand elsewhere in a message, or nowhere, are none of its content. */
export function partOf(part: Part, encoding: Encoding): readonly Fields[] {
  const wires = plainPartOf(part, encoding)
  if (wires.length !== 1 || (part.cache === undefined && part.extra === undefined)) return wires
  const { abilities, dropped } = encoding
  const marked = part.kind === 'text' || part.kind === 'image' || part.kind === 'document' || part.kind === 'audio'
  return [{ ...wires[0], ...fieldsOf(part.extra, dropped), ...(marked && cacheFields(part, abilities, dropped)) }]
}

function fieldsOf(extra: Extra | undefined, dropped: Dropped): Fields {
  if (!extra) return {}
  if (extra.dialect === own) return extra.fields
  for (const name of Object.keys(extra.fields)) dropped.add(name)
  return {}
}

function plainPartOf(part: Part, encoding: Encoding): readonly Fields[] {
  const lost = (): readonly Fields[] => {
    encoding.dropped.add(`${encoding.place}.${part.kind}`)
    return []
  }
  switch (part.kind) {
    case 'text':
      return [{ type: 'text', text: part.text }]
    case 'refusal':
      return [{ type: 'text', text: part.text }]
    case 'image': {
      const url = urlOf(part.source, encoding.abilities)
      return url === undefined
        ? lost()
        : [{ type: 'image_url', image_url: { url, ...(part.detail && { detail: part.detail }) } }]
    }
    case 'audio':
      return soundOf(part.source, encoding.abilities) ?? lost()
    case 'video': {
      const url = encoding.abilities.unknownFields === false ? undefined : urlOf(part.source, encoding.abilities)
      return url === undefined ? lost() : [{ type: 'video_url', video_url: { url } }]
    }
    case 'document':
      return documentOf(part, encoding) ?? lost()
    case 'opaque':
      return part.dialect === own ? [part.value as Fields] : lost()
    default:
      return lost()
  }
}

function urlOf(source: Media, { urls }: Abilities): string | undefined {
  if (source.kind === 'data') return dataUrlOf(source)
  return source.kind === 'url' && urls !== false ? source.url : undefined
}

const soundFormats = new Map([
  ['audio/mpeg', 'mp3'],
  ['audio/wave', 'wav'],
])

function soundOf(source: Media, { unknownFields }: Abilities): readonly Fields[] | undefined {
  // Mistral takes addresses, OpenAI does not.
  if (source.kind === 'url' && unknownFields !== false) return [{ type: 'input_audio', input_audio: source.url }]
  if (source.kind !== 'data') return undefined
  const { mediaType, data } = source
  const format = soundFormats.get(mediaType) ?? mediaType.replace(/^audio\/(x-)?/, '')
  return [{ type: 'input_audio', input_audio: { data, format } }]
}

/** Texts are said as what they are; there is a place for nothing but files here. */
function documentOf({ source, title, context }: DocumentPart, encoding: Encoding): readonly Fields[] | undefined {
  switch (source.kind) {
    case 'data':
      if (/^text\//.test(source.mediaType) && encoding.abilities.unknownFields === false)
        return [textual(Buffer.from(source.data, 'base64').toString('utf8'), title, context)]
      return [{ type: 'file', file: { filename: title ?? nameFor(source.mediaType), file_data: dataUrlOf(source) } }]
    case 'url':
      if (encoding.abilities.urls === false || encoding.abilities.unknownFields === false) return undefined
      return [{ type: 'file', file: { filename: title ?? nameFor(source.mediaType), file_data: source.url } }]
    case 'file':
      return filesOf.has(source.dialect) ? [{ type: 'file', file: { file_id: source.id } }] : undefined
    case 'text':
      return [textual(source.text, title, context)]
    case 'parts':
      return [
        ...(title === undefined && context === undefined ? [] : [textual('', title, context)]),
        ...source.parts.flatMap((part) => partOf(part, encoding)),
      ]
  }
}

/** OpenAI keeps the files of both its dialects in one place. */
const filesOf = new Set([own, 'openai-responses'])

const nameFor = (mediaType = 'application/pdf'): string => `document.${mediaType.replace(/^.*[/+]/, '')}`

const textual = (text: string, title: string | undefined, context: string | undefined): Fields => ({
  type: 'text',
  text: [title, context, text].filter((line) => line !== undefined && line !== '').join('\n\n'),
})

/** OpenAI has no such marks, and refuses fields that it does not know; hosts of Claude take Anthropic's. */
export function cacheFields(
  { cache, extra }: { readonly cache?: CacheMark | undefined; readonly extra?: Extra | undefined },
  { unknownFields }: Abilities,
  dropped: Dropped,
): Fields {
  const breakpoint = extra?.dialect === own ? extra.echo?.prompt_cache_breakpoint : undefined
  if (breakpoint) return { prompt_cache_breakpoint: breakpoint }
  if (!cache) return {}
  if (unknownFields !== false) return { cache_control: { type: 'ephemeral', ...cache } }
  dropped.add('cache')
  return {}
}
