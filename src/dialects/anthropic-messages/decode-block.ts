import type { DocumentPart, ImagePart, Media, Part, ToolCall, ToolResult } from '../../core/chat.ts'
import { mediaTypeOf, plainBase64 } from '../media.ts'
import { booleanOf, type Fields, fieldsOf, isFields, present, stringOf, textOf, without } from '../values.ts'
import { decodeCitations } from './citations.ts'
import { sealOf } from './foreign-thoughts.ts'
import { dialectName, extraOf, hasAny, takeCache, unknownIn } from './wire.ts'

/** A block of content, of a request or an answer, whole. What is none that we know is kept as it is. */
export function decodeBlock(block: Fields): Part {
  switch (block.type) {
    case 'text':
      return decodeText(block)
    case 'thinking':
      return decodeThinking(block)
    case 'redacted_thinking':
      return { kind: 'reasoning', text: '', redacted: true, ...sealOf(block.data), ...kept(block, redactedFields) }
    case 'tool_use':
      return decodeCall(block, argumentsOf(block.input))
    case 'tool_result':
      return decodeResult(block)
    case 'image':
      return decodeImage(block)
    case 'document':
      return decodeDocument(block)
    case 'search_result':
      return decodeSearchResult(block)
    default:
      return decodeOther(block)
  }
}

/** The blocks of a list; what is no object among them is nothing. */
export const decodeBlocks = (blocks: readonly unknown[]): readonly Part[] => blocks.filter(isFields).map(decodeBlock)

/** Content where a text may stand for a list of one. */
const decodeContent = (content: unknown): readonly Part[] =>
  typeof content === 'string'
    ? content === ''
      ? []
      : [{ kind: 'text', text: content }]
    : decodeBlocks(Array.isArray(content) ? content : [])

const names = (...list: readonly string[]): ReadonlySet<string> => new Set(['type', 'cache_control', ...list])
const textFields = names('text', 'citations')
const thinkingFields = names('thinking', 'signature')
const redactedFields = names('data')
const callFields = names('id', 'name', 'input', 'caller')
const resultFields = names('tool_use_id', 'content', 'is_error')
const imageFields = names('source')
const documentFields = names('source', 'title', 'context', 'citations')
const searchResultFields = names('content', 'title', 'citations')

/** The mark of the cache, and what nobody understood. */
function kept(block: Fields, known: ReadonlySet<string>, echo?: Fields, more?: Fields) {
  const cached = takeCache(block)
  const unknown = unknownIn(block, known, cached.cache)
  return { ...cached, ...extraOf(more && hasAny(more) ? { ...unknown, ...more } : unknown, echo) }
}

function decodeText(block: Fields): Part {
  const citations = decodeCitations(block.citations)
  return {
    kind: 'text',
    text: textOf(block.text),
    ...(citations.length > 0 && { citations }),
    ...kept(block, textFields),
  }
}

/** Models that hide their thoughts send an empty text with a signature, which is all that has to come back. */
const decodeThinking = (block: Fields): Part => ({
  kind: 'reasoning',
  text: textOf(block.thinking),
  ...sealOf(block.signature),
  ...kept(block, thinkingFields),
})

/** The input of a call as the string of arguments; an empty object and nothing at all both are a call without any. */
export const argumentsOf = (input: unknown): string =>
  input === undefined || input === null ? '' : JSON.stringify(input)

export const decodeCall = (block: Fields, args: string): ToolCall => ({
  kind: 'tool-call',
  id: textOf(block.id),
  name: textOf(block.name),
  arguments: args,
  ...kept(block, callFields, isFields(block.caller) ? { caller: block.caller } : undefined),
})

function decodeResult(block: Fields): ToolResult {
  const isError = booleanOf(block.is_error)
  return {
    kind: 'tool-result',
    callId: textOf(block.tool_use_id),
    parts: decodeContent(block.content),
    ...(isError !== undefined && { isError }),
    ...kept(block, resultFields),
  }
}

function decodeImage(block: Fields): Part {
  const source = fieldsOf(block.source)
  const media = mediaOf(source)
  if (!media) return opaque(block)
  return {
    kind: 'image',
    source: media,
    ...kept(block, imageFields, undefined, unknownSource(source)),
  } satisfies ImagePart
}

function decodeDocument(block: Fields): Part {
  const source = fieldsOf(block.source)
  const media = documentSource(source)
  if (!media) return opaque(block)
  const { enabled, ...citationFields } = fieldsOf(block.citations)
  const more = { ...unknownSource(source), ...(hasAny(citationFields) && { citations: citationFields }) }
  return present({
    kind: 'document',
    source: media,
    title: stringOf(block.title),
    context: stringOf(block.context),
    cited: booleanOf(enabled),
    ...kept(block, documentFields, undefined, more),
  }) satisfies DocumentPart
}

/** A passage that the client found itself, with the place where it found it. */
function decodeSearchResult(block: Fields): Part {
  const { enabled } = fieldsOf(block.citations)
  return present({
    kind: 'document',
    source: { kind: 'parts', parts: decodeContent(block.content) } as const,
    title: stringOf(block.title),
    cited: booleanOf(enabled),
    ...kept(block, searchResultFields, { type: 'search_result' }),
  }) satisfies DocumentPart
}

const sourceFields = new Set(['type', 'media_type', 'data', 'url', 'file_id', 'content'])

function unknownSource(source: Fields): Fields {
  const rest = without(source, sourceFields)
  return hasAny(rest) ? { source: rest } : {}
}

function mediaOf({ type, media_type, data, url, file_id }: Fields): Media | undefined {
  if (type === 'base64' && typeof data === 'string') {
    const plain = plainBase64(data)
    return { kind: 'data', mediaType: mediaTypeOf(stringOf(media_type)?.toLowerCase() ?? '', plain), data: plain }
  }
  if (type === 'url' && typeof url === 'string') return { kind: 'url', url }
  if (type === 'file' && typeof file_id === 'string') return { kind: 'file', dialect: dialectName, id: file_id }
  return undefined
}

function documentSource(source: Fields): DocumentPart['source'] | undefined {
  if (source.type === 'text' && typeof source.data === 'string') return { kind: 'text', text: source.data }
  if (source.type === 'content') return { kind: 'parts', parts: decodeContent(source.content) }
  return mediaOf(source)
}

/** Calls of the provider's own tools and what came of them, and everything of which only Claude knows what it is. */
function decodeOther(block: Fields): Part {
  const type = textOf(block.type)
  const isCall = type === 'server_tool_use' || type === 'mcp_tool_use'
  const isResult = type.endsWith('_tool_result')
  if (!isCall && !isResult) return opaque(block)
  const id = stringOf(isCall ? block.id : block.tool_use_id)
  return {
    kind: 'server-tool',
    phase: isCall ? 'call' : 'result',
    name: isCall ? textOf(block.name) : type.slice(0, -'_tool_result'.length),
    ...(id !== undefined && { id }),
    dialect: dialectName,
    value: block,
  }
}

const opaque = (block: Fields): Part => ({ kind: 'opaque', dialect: dialectName, value: block })
