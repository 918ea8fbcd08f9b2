import { isUtf8 } from 'node:buffer'
import { GatewayError } from '../../core/error.ts'
import { type ObjectScan, type Span, scanObject, splice } from '../../core/json-scan.ts'
import type { RequestEdits, RequestFacts, RequestLimits } from '../dialect.ts'

/** Fields of the gateway's predecessor and of what is yet to come. To take them and do nothing would be a lie. */
const notYet = ['router', 'extra', 'mcp_servers'] as const

/** The fields that the gateway reads or edits. */
const read = ['model', 'messages', 'stream', 'stream_options'] as const

export function readRequest(body: Buffer, limits: RequestLimits, onModel: (model: string) => void): RequestFacts {
  const scan = scanned(body, limits)
  const request = body.length > parsedBytes ? partsOf(body, scan) : (parse(body) as Fields)
  for (const field of read) {
    if (scan.repeated.includes(field)) {
      throw invalid(
        field,
        `\`${field}\` stands more than once in the body, and parsers differ in which they take. Send it once.`,
      )
    }
  }
  const model = modelOf(request)
  onModel(model)
  checkMessages(request.messages)
  const stream = request.stream ?? false
  if (typeof stream !== 'boolean') throw invalid('stream', `\`stream\` must be true or false, not ${kindOf(stream)}.`)
  for (const field of notYet) {
    if (scan.members.has(field)) {
      throw new GatewayError('unsupported_field', `Trunkline does not support \`${field}\` yet. Leave it out.`, {
        param: field,
      })
    }
  }
  return { model, stream, asksUsage: asksUsage(request.stream_options), scan }
}

type Fields = Readonly<Record<string, unknown>>

/** Up to how many bytes a body is parsed as a whole. */
const parsedBytes = 256 * 1024

/**
 * The fields that the gateway reads. A body this large is nearly all pictures and texts, and to make values of them would
 * take longer than to pass them on; whether they are valid is left for the provider to say.
 */
function partsOf(body: Buffer, { members, isWhole }: ObjectScan): Fields {
  if (!isWhole) throw new GatewayError('invalid_json', 'The body ends before its JSON does.')
  const parts: Record<string, unknown> = {}
  for (const field of read) {
    const span = members.get(field)
    if (!span) continue
    const isLarge = field === 'messages' && body[span.start] === openBracket
    parts[field] = isLarge ? [] : parse(body.subarray(span.start, span.end))
  }
  return parts
}

/** Looks the bytes over before anything is made of them: what is too deep or too much is not parsed at all. */
function scanned(body: Buffer, { jsonDepth, jsonValues }: RequestLimits): ObjectScan {
  if (body.length === 0) throw new GatewayError('invalid_json', `The request has no body. ${wanted}`)
  if (!isUtf8(body)) throw new GatewayError('invalid_json', 'The body is not valid UTF-8, so it cannot be JSON.')
  const scan = scanObject(body, jsonDepth, jsonValues)
  if (!scan) {
    // A list is not parsed even to see whether it is one: nobody has looked how deep it is.
    if (!isList(body)) parse(body)
    throw new GatewayError('bad_request', `The body must be a JSON object. ${wanted}`)
  }
  if (scan.depth > jsonDepth) {
    throw new GatewayError(
      'bad_request',
      `The body nests arrays and objects more than ${jsonDepth} deep. Flatten it, or raise limits.json_depth.`,
    )
  }
  if (scan.commas > jsonValues) {
    throw new GatewayError(
      'bad_request',
      `The body has more than ${jsonValues} values. Send fewer, or raise limits.json_values.`,
    )
  }
  return scan
}

const wanted = 'Send a JSON object with `model` and `messages`.'

function modelOf({ model }: Fields): string {
  const example = 'Send the name of a model, such as "mock/echo".'
  if (model === undefined) throw invalid('model', `\`model\` is missing. ${example}`)
  if (typeof model !== 'string') throw invalid('model', `\`model\` must be a string, not ${kindOf(model)}.`)
  if (model.trim() === '') throw invalid('model', `\`model\` is empty. ${example}`)
  return model
}

function checkMessages(messages: unknown): void {
  const shape = 'with `role` and `content`'
  if (messages === undefined)
    throw invalid('messages', `\`messages\` is missing. Send a list of messages, each ${shape}.`)
  if (!Array.isArray(messages)) throw invalid('messages', `\`messages\` must be a list, not ${kindOf(messages)}.`)
  for (const [index, message] of messages.entries()) {
    if (typeof message === 'object' && message !== null && !Array.isArray(message)) continue
    const place = `messages[${index}]`
    throw invalid(place, `\`${place}\` must be an object ${shape}, not ${kindOf(message)}.`)
  }
}

function asksUsage(options: unknown): boolean {
  if (options === undefined || options === null) return false
  if (typeof options !== 'object' || Array.isArray(options))
    throw invalid('stream_options', `\`stream_options\` must be an object, not ${kindOf(options)}.`)
  return (options as { include_usage?: unknown }).include_usage === true
}

/** Replaces the model's name, and has the stream report its usage. Every other byte goes up as it came. */
export function editRequest(
  body: Buffer,
  { model, stream, asksUsage, scan }: RequestFacts,
  edits: RequestEdits,
): Buffer {
  const changes: (Span & { text: string })[] = []
  if (edits.model !== model) {
    changes.push({ ...(scan.members.get('model') as Span), text: JSON.stringify(edits.model) })
  }
  if (stream && !asksUsage && edits.addUsage)
    changes.push(usageEdit(body, scan.members.get('stream_options'), scan.end))
  if (changes.length === 0) return body
  return splice(
    body,
    changes.toSorted((a, b) => a.start - b.start),
  )
}

const includeUsage = '"include_usage":true'

function usageEdit(body: Buffer, options: Span | undefined, objectEnd: number): Span & { text: string } {
  // The object is not empty: it has a model.
  if (!options) return { start: objectEnd - 1, end: objectEnd - 1, text: `,"stream_options":{${includeUsage}}` }
  const scan = scanObject(body.subarray(options.start, options.end))
  if (!scan) return { ...options, text: `{${includeUsage}}` }
  const said = scan.members.get('include_usage')
  if (said) return { start: options.start + said.start, end: options.start + said.end, text: 'true' }
  const inside = options.start + 1
  return { start: inside, end: inside, text: scan.members.size === 0 ? includeUsage : `${includeUsage},` }
}

const openBracket = 0x5b

const isList = (body: Buffer): boolean => body.find((byte) => byte > 0x20) === openBracket

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (cause) {
    throw new GatewayError('invalid_json', `The body is not valid JSON: ${(cause as Error).message}`, { cause })
  }
}

const invalid = (param: string, message: string): GatewayError => new GatewayError('bad_request', message, { param })

const kindOf = (value: unknown): string =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'a list'
      : typeof value === 'object'
        ? 'an object'
        : `a ${typeof value}`
