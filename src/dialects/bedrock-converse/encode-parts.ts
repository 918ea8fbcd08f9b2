import type {
  DocumentPart,
  ImagePart,
  Media,
  Part,
  ReasoningPart,
  TextPart,
  ToolCall,
  ToolResult,
} from '../../core/chat.ts'
import { mediaTypeOf, plainBase64 } from '../media.ts'
import { type Fields, fieldsOf, isFields, present } from '../values.ts'
import { encodeCitation } from './citations.ts'
import { dialectName, ownEcho, ownFields, sayForeign } from './extras.ts'
import { formatOf, kindOfMedia, type MediaKind } from './formats.ts'
import { redactedOf } from './seals.ts'

/** What encoding a request's parts has to know. */
export interface PartContext {
  /** Whose sealed thoughts the model takes back. */
  readonly seals: string
  /** Whether thoughts without a seal may be sent. */
  readonly plainThoughts: boolean
  readonly mediaInResults: boolean
  readonly caches: boolean
  /** The names of documents so far: each may occur once. */
  readonly names: Set<string>
  drop(what: string): void
}

/** The blocks of a message's parts, with their cache points. */
export function encodeParts(parts: readonly Part[], place: string, context: PartContext): Fields[] {
  const blocks: Fields[] = []
  for (const part of parts) {
    sayForeign(part.extra, context.drop)
    encodePart(part, place, context, blocks)
    if (part.cache && blocks.length > 0) pushCachePoint(blocks, part.cache, context)
  }
  return blocks
}

export function pushCachePoint(
  blocks: Fields[],
  { ttl }: { readonly ttl?: string },
  { caches, drop }: Pick<PartContext, 'caches' | 'drop'>,
): void {
  if (!caches) {
    drop('cache')
    return
  }
  const last = blocks.at(-1)
  // What was before the mark may have been left out, and two marks in one place are refused.
  if (last?.cachePoint !== undefined) return
  // So is a mark directly behind a file.
  if (last?.document !== undefined || last?.video !== undefined) blocks.push({ text: '\n' })
  blocks.push({ cachePoint: { type: 'default', ...(ttl !== undefined && { ttl }) } })
}

function encodePart(part: Part, place: string, context: PartContext, blocks: Fields[]): void {
  const found = blockOf(part, place, context)
  if (found) {
    blocks.push(found)
    if (part.kind === 'tool-result' && !context.mediaInResults) blocks.push(...mediaOfResult(part, place, context))
  }
}

/** `undefined` for what is left out, which is then said, unless it is nothing at all. */
function blockOf(part: Part, place: string, context: PartContext): Fields | undefined {
  switch (part.kind) {
    case 'text':
      return textBlock(part, place, context)
    case 'refusal':
      return plainText(part.text)
    case 'reasoning':
      return reasoningBlock(part, place, context)
    case 'image':
    case 'audio':
    case 'video':
    case 'document':
      return mediaBlock(part, place, context)
    case 'tool-call':
      return { toolUse: encodeCall(part) }
    case 'tool-result':
      return { toolResult: encodeResult(part, place, context) }
    case 'server-tool':
    case 'opaque':
      if (part.dialect === dialectName && isFields(part.value)) return part.value
      context.drop(`${place}.${part.kind}`)
      return undefined
  }
}

/** A text that is empty or blank is refused. */
const plainText = (text: string): Fields | undefined => (text.trim() === '' ? undefined : { text })

function textBlock(part: TextPart, place: string, { drop }: PartContext): Fields | undefined {
  const { guardContent } = ownFields(part.extra)
  if (guardContent !== undefined) return { guardContent: { text: { text: part.text, ...fieldsOf(guardContent) } } }
  const citations = part.citations ?? []
  const own = citations.filter(({ dialect }) => dialect === dialectName)
  if (own.length < citations.length) drop(`${place}.citations`)
  if (own.length > 0) return citedBlock(part, own)
  // Blank words keep a mark apart from the file before it.
  return part.cache && part.text !== '' ? { text: part.text } : plainText(part.text)
}

/** A text with its sources, in the pieces in which it came. */
export function citedBlock({ text, extra }: TextPart, citations: NonNullable<TextPart['citations']>): Fields {
  const { pieces } = ownEcho(extra)
  const content: Fields[] = []
  let from = 0
  for (const length of Array.isArray(pieces) ? (pieces as number[]) : []) {
    content.push({ text: text.slice(from, from + length) })
    from += length
  }
  if (from < text.length) content.push({ text: text.slice(from) })
  return { citationsContent: { ...(content.length > 0 && { content }), citations: citations.map(encodeCitation) } }
}

/** Sealed thoughts go back to whom they belong and to nobody else; plain ones where the model takes them. */
function reasoningBlock(part: ReasoningPart, place: string, context: PartContext): Fields | undefined {
  const isTheirs = part.seal !== undefined && part.seal.by === context.seals
  if (isTheirs || (context.plainThoughts && !part.redacted && part.text !== '')) return encodeReasoning(part, isTheirs)
  context.drop(`${place}.reasoning`)
  return undefined
}

export function encodeReasoning({ redacted, seal, text }: ReasoningPart, sealed: boolean): Fields {
  if (redacted && seal) return { reasoningContent: { redactedContent: redactedOf(seal) } }
  return { reasoningContent: { reasoningText: { text, ...(sealed && seal && { signature: seal.value }) } } }
}

type MediaPart = Extract<Part, { kind: MediaKind }>

function mediaBlock(part: MediaPart, place: string, context: PartContext): Fields | undefined {
  const block =
    part.kind === 'document'
      ? documentBlock(part, place, context)
      : part.source.kind === 'data' && kindOfMedia(part.source.mediaType) !== part.kind && part.kind === 'image'
        ? documentBlock({ ...part, kind: 'document' }, place, context)
        : wireMedia(part.kind, part.source, part)
  if (!block) context.drop(`${place}.${part.kind}`)
  else if (part.kind === 'image' && part.detail !== undefined && part.detail !== 'auto')
    context.drop(`${place}.image.detail`)
  return block
}

function wireMedia(kind: MediaKind, source: Media, { extra }: Part): Fields | undefined {
  const media = sourceOf(kind, source, ownEcho(extra))
  if (!media) return undefined
  const { guardContent, ...fields } = ownFields(extra)
  const block = { [kind]: { ...fields, ...media } }
  return guardContent === undefined ? block : { guardContent: block }
}

/** Only bytes can be sent, or a place in S3. */
function sourceOf(kind: MediaKind, source: Media, echo: Fields): Fields | undefined {
  if (source.kind === 'data') {
    // Providers look at the bytes and refuse a picture that is declared as another.
    const type = kind === 'image' ? mediaTypeOf(source.mediaType, source.data) : source.mediaType
    const format = typeof echo.format === 'string' ? echo.format : formatOf(kind, type)
    return format === undefined ? undefined : { format, source: { bytes: plainBase64(source.data) } }
  }
  const uri = source.kind === 'url' ? source.url : source.dialect === dialectName ? source.id : ''
  if (!uri.startsWith('s3://')) return undefined
  const format =
    echo.format ?? (source.kind === 'url' && source.mediaType ? formatOf(kind, source.mediaType) : extensionOf(uri))
  return present({
    format,
    source: { s3Location: present({ uri, bucketOwner: echo.bucketOwner }) },
  })
}

const extensionOf = (uri: string): string | undefined => /\.([a-z0-9]{2,4})$/i.exec(uri)?.[1]?.toLowerCase()

function documentBlock(
  part: DocumentPart | (Omit<ImagePart, 'kind'> & Pick<DocumentPart, 'kind' | 'title' | 'context' | 'cited'>),
  place: string,
  context: PartContext,
): Fields | undefined {
  const { source, extra, title, cited } = part
  const own = ownFields(extra)
  if (isFields(own.searchResult)) return searchResultBlock(part, own.searchResult, place, context)
  const echo = ownEcho(extra)
  const wire =
    source.kind === 'text'
      ? { format: echo.format ?? 'txt', source: { text: source.text } }
      : source.kind === 'parts'
        ? { format: echo.format ?? 'txt', source: { content: encodeParts(source.parts, place, context) } }
        : sourceOf('document', source, echo)
  return (
    wire && {
      document: {
        ...own,
        ...present({ ...wire }),
        name: uniqueName(typeof echo.name === 'string' ? echo.name : allowedName(title), context.names),
        ...present({
          context: part.context,
          citations: cited === undefined ? undefined : { enabled: cited },
        }),
      },
    }
  )
}

function searchResultBlock(
  { source, title, cited }: Pick<DocumentPart, 'title' | 'cited'> & { readonly source: DocumentPart['source'] },
  own: Fields,
  place: string,
  context: PartContext,
): Fields {
  return {
    searchResult: present({
      ...own,
      title,
      content: source.kind === 'parts' ? encodeParts(source.parts, place, context) : [],
      citations: cited === undefined ? undefined : { enabled: cited },
    }),
  }
}

const longestName = 200

/** Letters, digits, single blanks, hyphens and brackets are allowed; a file's ending is said by the format. */
function allowedName(title: string | undefined): string {
  const name = (title ?? '')
    .replace(/\.[a-z0-9]{1,5}$/i, '')
    .replace(/[^a-zA-Z0-9\s\-()[\]]+/g, '-')
    .replace(/\s+/g, ' ')
    .replace(/^[\s-]+|[\s-]+$/g, '')
    .slice(0, longestName)
  return name === '' ? 'document' : name
}

/** Two documents of one name are refused. */
function uniqueName(name: string, names: Set<string>): string {
  let unique = name
  for (let count = 2; names.has(unique); count++) unique = `${name} (${count})`
  names.add(unique)
  return unique
}

export const encodeCall = ({ id, name, arguments: written, extra }: ToolCall): Fields => ({
  toolUseId: id,
  name,
  input: inputOf(written),
  ...ownFields(extra),
})

/** Arguments have to be an object here. What is none is wrapped, so that the model sees what it wrote. */
export function inputOf(written: string): Fields {
  if (written.trim() === '') return {}
  try {
    const value: unknown = JSON.parse(written)
    return isFields(value) ? value : { input: value }
  } catch {
    return { input: written }
  }
}

function encodeResult({ callId, parts, isError, extra }: ToolResult, place: string, context: PartContext): Fields {
  const content: Fields[] = []
  for (const part of parts) {
    sayForeign(part.extra, context.drop)
    const block = resultBlock(part, place, context)
    if (block) content.push(block)
  }
  return {
    toolUseId: callId,
    content,
    ...(isError !== undefined && { status: isError ? 'error' : 'success' }),
    ...ownFields(extra),
  }
}

/** Inside a result a blank text is fine, and a value that came as JSON goes back as JSON. */
function resultBlock(part: Part, place: string, context: PartContext): Fields | undefined {
  if (part.kind === 'text') return ownEcho(part.extra).json === true ? jsonBlock(part.text) : { text: part.text }
  if (part.kind === 'refusal') return { text: part.text }
  const isMedia = part.kind === 'image' || part.kind === 'video' || part.kind === 'document'
  if (isMedia) return context.mediaInResults ? mediaBlock(part, place, context) : undefined
  if (part.kind === 'opaque' && part.dialect === dialectName && isFields(part.value)) return part.value
  context.drop(`${place}.${part.kind}`)
  return undefined
}

function jsonBlock(text: string): Fields {
  try {
    return { json: JSON.parse(text) }
  } catch {
    return { text }
  }
}

/** Where a result may only be text, its pictures follow it in the same turn. */
const mediaOfResult = ({ parts }: ToolResult, place: string, context: PartContext): Fields[] =>
  encodeParts(
    parts.filter(({ kind }) => kind === 'image' || kind === 'video' || kind === 'document'),
    place,
    context,
  )
