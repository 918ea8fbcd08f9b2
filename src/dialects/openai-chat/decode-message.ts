import type { CacheMark, Media, Message, Part, Role, ToolCall } from '../../core/chat.ts'
import { Assembly } from '../../core/chat-events.ts'
import { mediaOfDataUrl, mediaOfUrl, mediaTypeOf, plainBase64 } from '../media.ts'
import { type Fields, fieldsOf, isFields, listOf, rowOf, stringOf, textOf, without } from '../values.ts'
import { ChoiceReader } from './choice-reader.ts'
import { own } from './finish.ts'
import { echoing } from './thoughts.ts'

const roles: Readonly<Record<string, Role>> = {
  system: 'system',
  developer: 'developer',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
  function: 'tool',
}

/** What is read of every message. The last two say that an answer goes on where the assistant's words end. */
const common = new Set(['role', 'content', 'name', 'cache_control', 'prefix', 'partial'])
const ofTool = new Set([...common, 'tool_call_id'])

export function messagesOf(wires: unknown): readonly Message[] {
  const oldCalls = new Map<string, string>()
  return listOf(wires).map((wire, index) => messageOf(wire, index, oldCalls))
}

/** `oldCalls` has the ids that we gave to calls of the form before tools, by the function's name. */
function messageOf(wire: Fields, index: number, oldCalls: Map<string, string>): Message {
  const role = rowOf(roles, wire.role) ?? 'user'
  const name = stringOf(wire.name) || undefined
  const said = role === 'assistant' ? answeredBy(wire) : { parts: partsOf(wire.content), rest: {} }
  const parts = said.parts.map((part) =>
    part.kind === 'tool-call' && isOld(part) ? namedOld(part, index, oldCalls) : part,
  )
  const { prefix, partial, role: written } = wire
  const echo = {
    ...(typeof written === 'string' && written !== role && { role: written }),
    ...(prefix !== undefined && prefix !== null && { prefix }),
    ...(partial !== undefined && partial !== null && { partial }),
    // There are hosts that insist on it even where there is nothing in it.
    ...(wire.reasoning_content === '' && { reasoning_content: '' }),
  }
  if (role !== 'tool') {
    const fields = role === 'assistant' ? said.rest : without(wire, common)
    return marked({ role, ...(name !== undefined && { name }), parts }, wire, fields, echo)
  }
  const callId = wire.role === 'function' ? oldCalls.get(name ?? '') : undefined
  const result: Part = {
    kind: 'tool-result',
    callId: callId ?? textOf(wire.tool_call_id ?? wire.name),
    ...(name !== undefined && { name }),
    parts,
    ...(parts.some(isMedia) && { extra: echoing({ hasMedia: true }) }),
  }
  return marked({ role, ...(name !== undefined && { name }), parts: [result] }, wire, without(wire, ofTool), echo)
}

const isMedia = ({ kind }: Part): boolean => kind !== 'text' && kind !== 'refusal'

/** A mark on the message is one on the last of its parts. */
function marked(message: Message, wire: Fields, fields: Fields, echo: Fields): Message {
  const cache = cacheOf(wire.cache_control)
  const last = message.parts.at(-1)
  const parts = cache && last ? [...message.parts.slice(0, -1), { ...last, cache }] : message.parts
  const kept = wire.cache_control && !(cache && last) ? { ...fields, cache_control: wire.cache_control } : fields
  const back = cache && last ? { ...echo, isCacheOutside: true } : echo
  const isPlain = Object.keys(kept).length === 0 && Object.keys(back).length === 0
  return { ...message, parts, ...(!isPlain && { extra: { dialect: own, fields: kept, echo: back } }) }
}

/** What an assistant said, read as the answer that it once was. */
function answeredBy(wire: Fields): { readonly parts: readonly Part[]; readonly rest: Fields } {
  const assembly = new Assembly()
  const reader = new ChoiceReader(0, (event) => assembly.add(event))
  const { name: _name, cache_control: _cache, prefix: _prefix, partial: _partial, audio, ...said } = wire
  const isList = Array.isArray(wire.content) && !wire.content.some((part) => fieldsOf(part).type === 'thinking')
  reader.read({}, isList ? { ...said, content: null } : said)
  reader.close()
  const choice = assembly.answer().choices[0]
  const answered = withMarks(choice?.message.parts ?? [], wire.tool_calls)
  const thoughts = answered.filter(({ kind }) => kind === 'reasoning')
  const others = answered.filter(({ kind }) => kind !== 'reasoning')
  const content = isList ? partsOf(wire.content) : []
  const { message } = choice?.extra?.fields ?? {}
  const id = stringOf(fieldsOf(audio).id)
  return {
    parts: [
      ...thoughts,
      ...content,
      ...others,
      ...(id === undefined ? [] : [{ kind: 'audio' as const, source: { kind: 'file' as const, dialect: own, id } }]),
    ],
    rest: fieldsOf(message),
  }
}

/** Marks on calls, which answers have not. */
function withMarks(parts: readonly Part[], calls: unknown): readonly Part[] {
  const marks = listOf(calls).map(({ cache_control: mark }) => cacheOf(mark))
  if (!marks.some((mark) => mark !== undefined)) return parts
  let place = 0
  return parts.map((part) => {
    if (part.kind !== 'tool-call') return part
    const cache = marks[place++]
    return cache ? { ...part, cache } : part
  })
}

const isOld = (part: ToolCall): boolean => part.extra?.echo?.isOld === true

/** Other dialects join a call and its result by an id. */
function namedOld(call: ToolCall, index: number, oldCalls: Map<string, string>): ToolCall {
  const id = `call_${index}_${call.name}`
  oldCalls.set(call.name, id)
  return { ...call, id }
}

function partsOf(content: unknown): readonly Part[] {
  if (Array.isArray(content)) return content.map(partOf)
  const text = textOf(content)
  return text === '' ? [] : [{ kind: 'text', text }]
}

/** The fields of each kind of part that are read. */
const marks = ['type', 'cache_control', 'prompt_cache_breakpoint']
const known = {
  text: new Set([...marks, 'text']),
  refusal: new Set([...marks, 'refusal']),
  image_url: new Set([...marks, 'image_url']),
  input_audio: new Set([...marks, 'input_audio']),
  video_url: new Set([...marks, 'video_url']),
  file: new Set([...marks, 'file']),
} satisfies Record<string, ReadonlySet<string>>

function partOf(wire: unknown): Part {
  if (!isFields(wire)) return { kind: 'text', text: textOf(wire) }
  const part = plainPartOf(wire)
  const read = rowOf<ReadonlySet<string>>(known, wire.type)
  if (!part || !read) return { kind: 'opaque', dialect: own, value: wire }
  const { prompt_cache_breakpoint: breakpoint } = wire
  const cache = cacheOf(wire.cache_control) ?? (isFields(breakpoint) ? {} : undefined)
  const fields = without(wire, read)
  const echo = { ...part.extra?.echo, ...(isFields(breakpoint) && { prompt_cache_breakpoint: breakpoint }) }
  const isPlain = Object.keys(fields).length === 0 && Object.keys(echo).length === 0
  return { ...part, ...(cache && { cache }), ...(!isPlain && { extra: { dialect: own, fields, echo } }) }
}

function plainPartOf(wire: Fields): Part | undefined {
  switch (wire.type) {
    case 'text':
      return { kind: 'text', text: textOf(wire.text) }
    case 'refusal':
      return { kind: 'refusal', text: textOf(wire.refusal) }
    case 'image_url': {
      const { url, detail } = isFields(wire.image_url) ? wire.image_url : { url: wire.image_url, detail: undefined }
      return { kind: 'image', source: mediaOfUrl(textOf(url)), ...(detail ? { detail: textOf(detail) } : {}) }
    }
    case 'input_audio':
      return { kind: 'audio', source: soundOf(wire.input_audio) }
    case 'video_url':
      return {
        kind: 'video',
        source: mediaOfUrl(textOf(isFields(wire.video_url) ? wire.video_url.url : wire.video_url)),
      }
    case 'file':
      return documentOf(fieldsOf(wire.file))
    default:
      return undefined
  }
}

/** Mistral takes an address or data without more. */
function soundOf(written: unknown): Media {
  const { data, format } = isFields(written) ? written : { data: written, format: undefined }
  const text = textOf(data)
  if (/^[a-z]+:/i.test(text)) return mediaOfUrl(text)
  return {
    kind: 'data',
    mediaType: soundTypes.get(textOf(format)) ?? `audio/${textOf(format) || 'mpeg'}`,
    data: plainBase64(text),
  }
}

const soundTypes = new Map([['mp3', 'audio/mpeg']])

function documentOf({ file_data: data, file_id: id, filename }: Fields): Part {
  const title = stringOf(filename) || undefined
  const written = textOf(data)
  const source: Media = written !== '' ? fileOf(written, title) : { kind: 'file', dialect: own, id: textOf(id) }
  return { kind: 'document', source, ...(title !== undefined && { title }) }
}

/** Data stands there as a URL, or bare; then its name says what it is. */
function fileOf(data: string, title: string | undefined): Media {
  if (/^[a-z]+:/i.test(data)) return mediaOfDataUrl(data) ?? { kind: 'url', url: data }
  const plain = plainBase64(data)
  const ending = /\.([a-z0-9]+)$/i.exec(title ?? '')?.[1]?.toLowerCase()
  return { kind: 'data', mediaType: mediaTypeOf(rowOf(fileTypes, ending) ?? 'application/pdf', plain), data: plain }
}

const fileTypes: Readonly<Record<string, string>> = {
  txt: 'text/plain',
  md: 'text/markdown',
  csv: 'text/csv',
  html: 'text/html',
  json: 'application/json',
}

export function cacheOf(written: unknown): CacheMark | undefined {
  if (!isFields(written) || written.type !== 'ephemeral') return undefined
  return written.ttl === '5m' || written.ttl === '1h' ? { ttl: written.ttl } : {}
}
