import type { DocumentPart, Media, Part, ReasoningPart } from '../../core/chat.ts'
import { plainBase64 } from '../media.ts'
import { booleanOf, type Fields, fieldsOf, isFields, listOf, present, stringOf, textOf, without } from '../values.ts'
import { citationOf } from './citations.ts'
import { dialectName, extraOf, restOf } from './extras.ts'
import { formatOf, type MediaKind, mediaTypeOfFormat } from './formats.ts'
import { sealOfRedacted, sealOfSignature } from './seals.ts'

/**
 * The parts of a message or of a system prompt; a cache point is a mark on the part before it. A result in an assistant's
 * turn is one of a tool that the provider itself ran.
 */
export function decodeBlocks(blocks: readonly Fields[], role?: string): Part[] {
  const parts: Part[] = []
  for (const block of blocks) {
    const last = parts.at(-1)
    if (isFields(block.cachePoint) && last && !last.cache && isPlainMark(block.cachePoint))
      parts[parts.length - 1] = { ...last, cache: markOf(block.cachePoint) }
    else if (role === 'assistant' && isFields(block.toolResult)) parts.push(servedResult(block.toolResult))
    else parts.push(decodeBlock(block))
  }
  return parts
}

export const isPlainMark = (point: Fields): boolean =>
  point.type === 'default' && (point.ttl === undefined || point.ttl === '5m' || point.ttl === '1h')

export const markOf = ({ ttl }: Fields): { ttl?: '5m' | '1h' } => (ttl === '5m' || ttl === '1h' ? { ttl } : {})

/** A block has exactly one key, which says what it is. What is not known is kept as it came. */
export function decodeBlock(block: Fields): Part {
  const keys = Object.keys(block)
  const kind = keys[0]
  if (keys.length === 1 && kind !== undefined && Object.hasOwn(readers, kind)) {
    const part = readers[kind as keyof typeof readers](block[kind])
    if (part) return part
  }
  return { kind: 'opaque', dialect: dialectName, value: block }
}

const readers = {
  text: (value) => (typeof value === 'string' ? { kind: 'text', text: value } : undefined),
  image: (value) => decodeMedia('image', value),
  video: (value) => decodeMedia('video', value),
  audio: (value) => decodeMedia('audio', value),
  document: decodeDocument,
  searchResult: decodeSearchResult,
  toolUse: decodeToolUse,
  toolResult: decodeToolResult,
  reasoningContent: decodeReasoning,
  guardContent: decodeGuarded,
  citationsContent: decodeCited,
} satisfies Record<string, (value: unknown) => Part | undefined>

const mediaFields = new Set(['format', 'source'])

function decodeMedia(kind: 'image' | 'video' | 'audio', value: unknown): Part | undefined {
  const wire = fieldsOf(value)
  const { source, echo } = sourceOf(kind, wire)
  return source && { kind, source, ...restOf(wire, mediaFields, echo) }
}

/** Bytes, or a place in S3, which nobody else can read. */
function sourceOf(kind: MediaKind, wire: Fields): { source?: Media; echo?: Fields } {
  const { bytes, s3Location } = fieldsOf(wire.source)
  const format = textOf(wire.format)
  const mediaType = mediaTypeOfFormat(kind, format)
  if (typeof bytes === 'string')
    return {
      source: { kind: 'data', mediaType, data: plainBase64(bytes) },
      ...(formatOf(kind, mediaType) !== format && { echo: present({ format: stringOf(wire.format) }) }),
    }
  const { uri, bucketOwner } = fieldsOf(s3Location)
  if (typeof uri !== 'string') return {}
  return {
    source: { kind: 'file', dialect: dialectName, id: uri },
    echo: present({ format: stringOf(wire.format), bucketOwner: stringOf(bucketOwner) }),
  }
}

const documentFields = new Set(['format', 'name', 'source', 'context', 'citations'])

function decodeDocument(value: unknown): DocumentPart | undefined {
  const wire = fieldsOf(value)
  const { text, content } = fieldsOf(wire.source)
  const { source: media, echo } = sourceOf('document', wire)
  const source: DocumentPart['source'] | undefined =
    typeof text === 'string'
      ? { kind: 'text', text }
      : Array.isArray(content)
        ? { kind: 'parts', parts: decodeBlocks(listOf(content)) }
        : media
  if (!source) return undefined
  const isWords = source.kind === 'text' || source.kind === 'parts'
  return {
    kind: 'document',
    source,
    ...present({
      title: stringOf(wire.name),
      context: stringOf(wire.context),
      cited: booleanOf(fieldsOf(wire.citations).enabled),
    }),
    ...restOf(
      wire,
      documentFields,
      present({ ...echo, name: stringOf(wire.name), ...(isWords && { format: stringOf(wire.format) }) }),
    ),
  }
}

/** Something found, as a document in pieces: where it was found is only told here. */
function decodeSearchResult(value: unknown): DocumentPart {
  const { content, title, citations, ...searchResult } = fieldsOf(value)
  return {
    kind: 'document',
    source: { kind: 'parts', parts: decodeBlocks(listOf(content)) },
    ...present({ title: stringOf(title), cited: booleanOf(fieldsOf(citations).enabled) }),
    ...extraOf({ searchResult }),
  }
}

const callFields = new Set(['toolUseId', 'name', 'input'])
const typedCallFields = new Set([...callFields, 'type'])

function decodeToolUse(value: unknown): Part {
  const wire = fieldsOf(value)
  const id = textOf(wire.toolUseId)
  if (wire.type === 'server_tool_use')
    return {
      kind: 'server-tool',
      phase: 'call',
      name: servedName(textOf(wire.name)),
      id,
      dialect: dialectName,
      value: { toolUse: wire },
    }
  return {
    kind: 'tool-call',
    id,
    name: textOf(wire.name),
    arguments: wire.input === undefined || wire.input === null ? '' : JSON.stringify(wire.input),
    // Answers say of a call that it is one, which requests have no word for.
    ...(wire.type === 'tool_use' ? restOf(wire, typedCallFields, { type: wire.type }) : restOf(wire, callFields)),
  }
}

const servedNames: Readonly<Record<string, string>> = {
  nova_grounding: 'web_search',
  nova_code_interpreter: 'code_execution',
}

/** Our name for a tool that the provider runs. */
export const servedName = (name: string): string =>
  Object.hasOwn(servedNames, name) ? (servedNames[name] as string) : name

const resultFields = new Set(['toolUseId', 'content', 'status'])

function decodeToolResult(value: unknown): Part {
  const wire = fieldsOf(value)
  if (typeof wire.type === 'string') return servedResult(wire)
  return {
    kind: 'tool-result',
    callId: textOf(wire.toolUseId),
    parts: listOf(wire.content).map(resultPart),
    ...(typeof wire.status === 'string' && { isError: wire.status === 'error' }),
    ...restOf(wire, resultFields),
  }
}

const servedResult = (wire: Fields): Part => ({
  kind: 'server-tool',
  phase: 'result',
  name: servedName(textOf(wire.type).replace(/_result$/, '')),
  id: textOf(wire.toolUseId),
  dialect: dialectName,
  value: { toolResult: wire },
})

/** A value in JSON is text for everybody else. */
const resultPart = (block: Fields): Part =>
  block.json !== undefined && Object.keys(block).length === 1
    ? { kind: 'text', text: JSON.stringify(block.json), ...extraOf({}, { json: true }) }
    : decodeBlock(block)

function decodeReasoning(value: unknown): ReasoningPart | undefined {
  const { reasoningText, redactedContent } = fieldsOf(value)
  if (typeof redactedContent === 'string')
    return { kind: 'reasoning', text: '', redacted: true, seal: sealOfRedacted(redactedContent) }
  if (!isFields(reasoningText)) return undefined
  const { text, signature } = reasoningText
  return {
    kind: 'reasoning',
    text: textOf(text),
    ...(typeof signature === 'string' && { seal: sealOfSignature(signature) }),
  }
}

/** What a guardrail is to look at is text or a picture like any other; for what it is looked at is told only here. */
function decodeGuarded(value: unknown): Part | undefined {
  const { text, image } = fieldsOf(value)
  if (isFields(text) && typeof text.text === 'string')
    return { kind: 'text', text: text.text, ...extraOf({ guardContent: without(text, new Set(['text'])) }) }
  const part = isFields(image) ? decodeMedia('image', image) : undefined
  return part && { ...part, ...extraOf({ ...part.extra?.fields, guardContent: {} }, part.extra?.echo) }
}

/** A stretch of text with its sources; without text where the source is all there is to say. */
function decodeCited(value: unknown): Part {
  const wire = fieldsOf(value)
  const pieces = listOf(wire.content).map(({ text }) => textOf(text))
  return {
    kind: 'text',
    text: pieces.join(''),
    citations: listOf(wire.citations).map(citationOf),
    ...extraOf({}, pieces.length > 1 ? { pieces: pieces.map((piece) => piece.length) } : undefined),
  }
}
