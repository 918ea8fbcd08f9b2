import type { Media, Part, ReasoningPart, TextPart, ToolCall } from '../../core/chat.ts'
import { plainBase64 } from '../media.ts'
import { type Fields, fieldsOf, isFields, present, stringOf, textOf, without } from '../values.ts'
import { sealOf } from './seals.ts'
import { serverToolOf } from './server-tools.ts'
import { extraOf, named, own } from './wire.ts'

const textFields: ReadonlySet<string> = new Set(['text', 'thought', 'thoughtSignature'])
const callFields: ReadonlySet<string> = new Set(['functionCall', 'thoughtSignature'])
/** A resolution without a counterpart is kept as it is. */
const unmapped: ReadonlySet<string> = new Set(['inlineData', 'fileData', 'thoughtSignature'])
const callInside: ReadonlySet<string> = new Set(['id', 'name', 'args', 'partialArgs', 'willContinue'])
const mediaFields: ReadonlySet<string> = new Set(['inlineData', 'fileData', 'thoughtSignature', 'mediaResolution'])

/** A part of a message. One that nobody knows is kept as it is. */
export function partOf(written: Fields): Part {
  const wire = named(written)
  if (typeof wire.text === 'string') return textPart(wire, wire.text)
  if (isFields(wire.functionCall)) return callPart(wire, named(wire.functionCall))
  const media = wire.thought === true ? undefined : mediaPart(wire)
  if (media) return media
  const seal = sealOf(wire.thoughtSignature)?.seal
  const tool = serverToolOf(wire, seal ? without(written, new Set(['thoughtSignature', 'thought_signature'])) : written)
  if (tool) return seal ? { ...tool, seal } : tool
  // A signature may come alone. It belongs where it stood.
  if (seal && Object.keys(wire).every((name) => textFields.has(name))) return textPart(wire, '')
  return { kind: 'opaque', dialect: own, value: written }
}

function textPart(wire: Fields, text: string): TextPart | ReasoningPart {
  const sealed = sealOf(wire.thoughtSignature)
  const extra = extraOf(wire, textFields, wire.text === undefined ? { '#textless': true } : undefined)
  const rest = { ...(sealed && { seal: sealed.seal }), ...(extra && { extra }) }
  if (wire.thought !== true) return { kind: 'text', text, ...rest }
  return { kind: 'reasoning', text, ...sealed?.thought, ...rest }
}

/** Arguments are told as an object, or not at all for a call without any. */
function callPart(wire: Fields, call: Fields): ToolCall {
  const seal = sealOf(wire.thoughtSignature)?.seal
  const inside = extraOf(call, callInside)
  const fields =
    inside && Object.fromEntries(Object.entries(inside.fields).map(([name, value]) => [`functionCall.${name}`, value]))
  const outside = extraOf(wire, callFields)
  const extra = fields || outside ? { dialect: own, fields: { ...outside?.fields, ...fields } } : undefined
  return {
    kind: 'tool-call',
    id: stringOf(call.id) ?? '',
    name: textOf(call.name),
    arguments: call.args === undefined || call.args === null ? '' : JSON.stringify(call.args),
    ...(seal && { seal }),
    ...(extra && { extra }),
  }
}

interface FoundMedia {
  readonly source: Media
  readonly type: string
  readonly title: string | undefined
  readonly echo: Fields | undefined
}

export function mediaPart(wire: Fields): Part | undefined {
  const found = isFields(wire.inlineData)
    ? inlineMedia(named(wire.inlineData))
    : isFields(wire.fileData)
      ? fileMedia(named(wire.fileData))
      : undefined
  if (!found) return undefined
  const { source, type, title } = found
  const isImage = type.startsWith('image/')
  const detail = isImage ? detailOf(wire.mediaResolution) : undefined
  const { thoughtSignature, mediaResolution } = wire
  const echo = present({ ...found.echo, thoughtSignature, ...(detail && { mediaResolution }) })
  const known = detail ? mediaFields : unmapped
  const extra = extraOf(wire, known, Object.keys(echo).length > 0 ? echo : undefined)
  const rest = extra && { extra }
  if (isImage) return { kind: 'image', source, ...(detail && { detail }), ...rest }
  if (type.startsWith('audio/')) return { kind: 'audio', source, ...rest }
  if (type.startsWith('video/')) return { kind: 'video', source, ...rest }
  return { kind: 'document', source, ...(title !== undefined && { title }), ...rest }
}

function inlineMedia({ mimeType, data, displayName }: Fields): FoundMedia | undefined {
  if (typeof data !== 'string') return undefined
  const type = stringOf(mimeType) ?? ''
  const title = stringOf(displayName)
  return {
    source: { kind: 'data', mediaType: type, data: plainBase64(data) },
    type: type.toLowerCase(),
    title,
    echo: title === undefined ? undefined : { 'inlineData.displayName': title },
  }
}

/** What Google keeps, in its Files API or in a bucket, is known to nobody else. */
function fileMedia({ fileUri, mimeType, displayName }: Fields): FoundMedia | undefined {
  if (typeof fileUri !== 'string') return undefined
  const type = stringOf(mimeType)
  const title = stringOf(displayName)
  const isPublic = /^https?:\/\//i.test(fileUri) && !/^https?:\/\/generativelanguage\.googleapis\.com\//i.test(fileUri)
  const source: Media = isPublic
    ? { kind: 'url', url: fileUri, ...(type !== undefined && { mediaType: type }) }
    : { kind: 'file', dialect: own, id: fileUri }
  const echo = {
    ...(!isPublic && type !== undefined && { 'fileData.mimeType': type }),
    ...(title !== undefined && { 'fileData.displayName': title }),
    ...(type === undefined && { '#untyped': true }),
  }
  return {
    source,
    type: (type ?? typeByName(fileUri)).toLowerCase(),
    title,
    echo: Object.keys(echo).length === 0 ? undefined : echo,
  }
}

const endings: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  mp3: 'audio/mpeg',
  wav: 'audio/wav',
  mp4: 'video/mp4',
  mov: 'video/mov',
  pdf: 'application/pdf',
}

/** By how the address ends; videos of YouTube have no ending. */
export function typeByName(url: string): string {
  if (/^https?:\/\/(www\.|m\.)?(youtube\.com|youtu\.be)\//i.test(url)) return 'video/*'
  const ending = /\.([a-z0-9]{3,4})(?:[?#]|$)/i.exec(url.slice(-200))?.[1]?.toLowerCase()
  return ending !== undefined && Object.hasOwn(endings, ending) ? (endings[ending] as string) : ''
}

function detailOf(resolution: unknown): string | undefined {
  const level = isFields(resolution) ? fieldsOf(resolution).level : resolution
  if (level === 'MEDIA_RESOLUTION_LOW') return 'low'
  return level === 'MEDIA_RESOLUTION_HIGH' ? 'high' : undefined
}
