import type { DocumentPart, ImagePart, Media, Part, ReasoningPart, TextPart, ToolCall } from '../../core/chat.ts'
import { allowedId } from '../ids.ts'
import { type Fields, fieldsOf, isFields } from '../values.ts'
import { encodeCitation } from './citations.ts'
import { sealBlock, signatureOf } from './foreign-thoughts.ts'
import { type Block, cacheControl, dialectName, ownEcho, ownFields } from './wire.ts'

/** What a block keeps of its own: the mark of the cache and the fields that nobody else knew. */
export const keptOf = ({ cache, extra }: Pick<Part, 'cache' | 'extra'>): Fields =>
  cache || extra ? { ...ownFields(extra), ...cacheControl(cache) } : {}

export const textBlock = (
  part: Pick<TextPart, 'text' | 'cache' | 'extra'>,
  citations: readonly Fields[] = [],
): Block => ({
  type: 'text',
  text: part.text,
  ...(citations.length > 0 && { citations }),
  ...keptOf(part),
})

export const thinkingBlock = (part: ReasoningPart, signature: string): Block =>
  part.redacted
    ? { type: 'redacted_thinking', data: signature, ...ownFields(part.extra) }
    : { type: 'thinking', thinking: part.text, signature, ...ownFields(part.extra) }

const idLetters = /^[a-zA-Z0-9_-]+$/

/** The id of a call in letters that Claude takes, the same for a call and its result. */
export const callIdOf = (id: string): string => allowedId(id, idLetters, 64)

export const callBlock = (call: ToolCall, id: string, name: string): Block => ({
  type: 'tool_use',
  id,
  name,
  input: inputOf(call),
  ...ownEcho(call.extra),
  ...keptOf(call),
})

/** Arguments as an object, which is all that Claude takes: what is none becomes a member of one. */
export function inputOf({ arguments: args, custom }: Pick<ToolCall, 'arguments' | 'custom'>): Fields {
  if (custom) return { input: args }
  if (args.trim() === '') return {}
  try {
    const value: unknown = JSON.parse(args)
    return isFields(value) ? value : { input: value }
  } catch {
    return { input: args }
  }
}

/** A block that only Claude knows, as it came; nothing of what only others know. */
export const ownBlock = ({
  dialect,
  value,
}: {
  readonly dialect: string
  readonly value: unknown
}): Block | undefined => (dialect === dialectName && isFields(value) ? value : undefined)

/** The fields that the block has besides, those of its source put into it again. */
function withSource(type: string, source: Fields, part: ImagePart | DocumentPart): Block {
  const { source: more, citations: _, ...kept } = keptOf(part)
  return { type, source: isFields(more) ? { ...source, ...more } : source, ...kept }
}

const imageTypes = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp'])

export function imageBlock(part: ImagePart, urls: boolean): Block | undefined {
  const { source } = part
  if (source.kind === 'data' && !imageTypes.has(source.mediaType)) return undefined
  const written = sourceOf(source, urls)
  return written && withSource('image', written, part)
}

function sourceOf(source: Media, urls: boolean): Fields | undefined {
  switch (source.kind) {
    case 'data':
      return { type: 'base64', media_type: source.mediaType, data: source.data }
    case 'url':
      return urls && /^https?:/i.test(source.url) ? { type: 'url', url: source.url } : undefined
    case 'file':
      return source.dialect === dialectName ? { type: 'file', file_id: source.id } : undefined
  }
}

export function documentBlock(part: DocumentPart, urls: boolean): Block | undefined {
  const { title, context, cited, extra } = part
  const { citations: citationFields } = ownFields(extra)
  const citations =
    cited === undefined && !citationFields ? {} : { citations: { enabled: cited, ...fieldsOf(citationFields) } }
  if (ownEcho(extra).type === 'search_result' && part.source.kind === 'parts')
    return {
      type: 'search_result',
      ...(title !== undefined && { title }),
      content: textsOf(part.source.parts),
      ...citations,
      ...keptOf(part),
    }
  const source = documentSource(part.source, urls)
  if (!source) return undefined
  return {
    ...withSource('document', source, part),
    ...(title !== undefined && { title }),
    ...(context !== undefined && { context }),
    ...citations,
  }
}

function documentSource(source: DocumentPart['source'], urls: boolean): Fields | undefined {
  if (source.kind === 'text') return { type: 'text', media_type: 'text/plain', data: source.text }
  if (source.kind === 'parts') return { type: 'content', content: textsOf(source.parts) }
  if (source.kind !== 'data' || source.mediaType === 'application/pdf') return sourceOf(source, urls)
  if (!/^text\/|^application\/(json|xml|yaml|x-yaml|javascript)\b/.test(source.mediaType)) return undefined
  return { type: 'text', media_type: 'text/plain', data: Buffer.from(source.data, 'base64').toString('utf8') }
}

/** What may stand in a document: texts and pictures. */
const textsOf = (parts: readonly Part[]): readonly Block[] =>
  parts.flatMap((part) => {
    if (part.kind === 'text') return [textBlock(part)]
    const block = part.kind === 'image' ? imageBlock(part, true) : undefined
    return block ? [block] : []
  })

/** What a client is shown of a part, in blocks; nothing of other providers' own tools. */
export function answerBlocks(part: Part): readonly Block[] {
  switch (part.kind) {
    case 'text': {
      const { seal } = part
      if (part.text === '' && !part.citations) return seal ? [sealBlock(seal, '=')] : []
      const block = textBlock(part, part.citations?.map(encodeCitation))
      return seal ? [block, sealBlock(seal, '<')] : [block]
    }
    case 'refusal':
      return isExplanation(part) || part.text === '' ? [] : [{ type: 'text', text: part.text }]
    case 'reasoning':
      return part.text === '' && !part.seal ? [] : [thinkingBlock(part, signatureOf(part))]
    case 'tool-call':
      return [...(part.seal ? [sealBlock(part.seal, '>')] : []), callBlock(part, part.id, part.name)]
    case 'server-tool':
    case 'opaque': {
      const block = ownBlock(part)
      return block ? [block] : []
    }
    case 'image':
    case 'video':
      return mediaText(part.source)
    case 'audio':
      return part.transcript ? [{ type: 'text', text: part.transcript }] : []
    case 'document':
    case 'tool-result':
      return []
  }
}

/** A refusal that only repeats what Claude says in `stop_details`, where it goes back to. */
export const isExplanation = (part: Part): boolean => ownEcho(part.extra).from === 'stop_details'

/** Answers of this dialect have no pictures, so that one is shown as Markdown has it. */
function mediaText(source: Media): readonly Block[] {
  if (source.kind === 'file') return []
  const url = source.kind === 'url' ? source.url : `data:${source.mediaType};base64,${source.data}`
  return [{ type: 'text', text: `![](${url})` }]
}
