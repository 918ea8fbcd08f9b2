import type { DocumentPart, Media, Part, ToolCall } from '../../core/chat.ts'
import { isMadeCallId } from '../ids.ts'
import { mediaTypeOf } from '../media.ts'
import { type Fields, isFields } from '../values.ts'
import { typeByName } from './decode-part.ts'
import { signatureOf } from './seals.ts'
import { echoOf, isOwn, own, withExtra } from './wire.ts'

export type WirePart = Record<string, unknown>

/** Who reads the part: Google, who takes only its own seals, or a client, who brings back whatever it was given. */
export interface PartRules {
  readonly forClient: boolean
  /** Whether pictures and files may be named by their address. */
  readonly urls: boolean
  /** Whether a part may say how closely it is to be looked at. */
  readonly resolution: boolean
  /** Whether an empty text stays, as it came. */
  readonly keepsEmpty: boolean
  /** Hears what has no place. */
  readonly drop: (what: string) => void
}

/** Parts as they stand in a content; none for what has no place in it. */
export function wireParts(part: Part, rules: PartRules): readonly WirePart[] {
  switch (part.kind) {
    case 'text':
    case 'reasoning':
      return spoken(part, rules)
    case 'refusal':
      return part.text === '' ? [] : [{ text: part.text }]
    case 'tool-call':
      return [wireCall(part, rules.forClient)]
    case 'image':
    case 'audio':
    case 'video':
      return media(part, part.source, rules)
    case 'document':
      return document(part, rules)
    case 'server-tool': {
      if (part.dialect !== own || !isFields(part.value)) {
        rules.drop(part.kind)
        return []
      }
      return [{ ...part.value, ...(part.seal?.by === own && { thoughtSignature: part.seal.value }) }]
    }
    case 'opaque':
      if (part.dialect === own && isFields(part.value)) return [{ ...part.value }]
      rules.drop(part.kind)
      return []
    case 'tool-result':
      return part.parts.flatMap((inner) => wireParts(inner, rules))
  }
}

function spoken(
  part: Extract<Part, { kind: 'text' | 'reasoning' }>,
  { forClient, keepsEmpty, drop }: PartRules,
): readonly WirePart[] {
  const isThought = part.kind === 'reasoning'
  const goes = part.seal !== undefined && (part.seal.by === own || (forClient && isThought))
  if (part.text === '' && !goes && !keepsEmpty && !isOwn(part.extra)) {
    if (part.seal && isThought) drop(part.kind)
    return []
  }
  const wire: WirePart = echoOf(part.extra, '#textless') === true ? {} : { text: part.text }
  if (isThought) wire.thought = true
  if (goes && part.seal) wire.thoughtSignature = signatureOf(part.seal, isThought ? part : undefined)
  return [withExtra(wire, part.extra)]
}

/** Ids that we made mean nothing to Google, but a client may bring them back. */
export function wireCall({ id, name, arguments: written, seal, extra }: ToolCall, forClient: boolean): WirePart {
  const known = id !== '' && (forClient || !isMadeCallId(id))
  const functionCall: Record<string, unknown> = { name }
  if (known) functionCall.id = id
  if (written !== '') functionCall.args = argumentsOf(written)
  const part: WirePart = { functionCall }
  if (seal?.by === own) part.thoughtSignature = seal.value
  return withExtra(part, extra)
}

/** Arguments have to be an object. What is none stands in one. */
function argumentsOf(written: string): Fields {
  try {
    const value: unknown = JSON.parse(written)
    return isFields(value) ? value : { input: value }
  } catch {
    return written.trim() === '' ? {} : { input: written }
  }
}

function media(
  part: Extract<Part, { kind: 'image' | 'audio' | 'video' | 'document' }>,
  source: Media,
  rules: PartRules,
): readonly WirePart[] {
  const wire = wireMedia(part.kind, source, rules.urls, echoOf(part.extra, '#untyped') !== true)
  if (!wire) {
    rules.drop(part.kind)
    return []
  }
  const parts: WirePart[] = [withExtra(wire, part.extra)]
  if (part.kind === 'audio' && part.transcript && rules.forClient) parts.push({ text: part.transcript })
  if (
    part.kind === 'image' &&
    part.detail !== undefined &&
    part.detail !== 'auto' &&
    wire.mediaResolution === undefined
  ) {
    if (rules.resolution) wire.mediaResolution = { level: `MEDIA_RESOLUTION_${part.detail === 'low' ? 'LOW' : 'HIGH'}` }
    else if (!rules.forClient) rules.drop('image.detail')
  }
  return parts
}

function wireMedia(kind: string, source: Media, urls: boolean, guesses: boolean): WirePart | undefined {
  if (source.kind === 'data') {
    const { mediaType, data } = source
    return { inlineData: { mimeType: mediaTypeOf(mediaType, data), data } }
  }
  if (source.kind === 'file') return source.dialect === own ? { fileData: { fileUri: source.id } } : undefined
  if (!urls) return undefined
  const byName = guesses ? typeByName(source.url) : ''
  const guessed = guesses && byName === '' && kind === 'document' ? 'application/pdf' : byName
  const mimeType = source.mediaType ?? (byName === 'video/*' ? undefined : guessed || undefined)
  return { fileData: { fileUri: source.url, ...(mimeType !== undefined && { mimeType }) } }
}

/** Only files have a place: texts are said, after what they are called. */
function document(part: DocumentPart, rules: PartRules): readonly WirePart[] {
  const { source, title, context, cited } = part
  if (cited) rules.drop('document.cited')
  const before = context === undefined ? [] : [{ text: context }]
  if (source.kind === 'text') {
    const heading = title === undefined ? '' : `${title}\n\n`
    return [...before, { text: `${heading}${source.text}` }]
  }
  if (source.kind === 'parts') {
    const heading = title === undefined ? [] : [{ text: title }]
    return [...before, ...heading, ...source.parts.flatMap((inner) => wireParts(inner, rules))]
  }
  return [...before, ...media(part, source, rules)]
}
