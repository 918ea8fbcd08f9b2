import { isUtf8 } from 'node:buffer'
import { GatewayError } from '../../core/error.ts'
import { scanObject, splice, type Span } from '../../core/json-scan.ts'
import type { RequestEdits, RequestFacts, RequestLimits } from '../dialect.ts'

/** Fields of the gateway's predecessor and of what is yet to come. To take them and do nothing would be a lie. */
const notYet = ['router', 'extra', 'mcp_servers'] as const

/** The fields that the gateway reads or edits. */
const read = ['model', 'messages', 'stream', 'stream_options'] as const

export function readRequest(body: Buffer, limits: RequestLimits): RequestFacts {
  if (body.length === 0) throw new GatewayError('invalid_json', 'The request has no body. Send a JSON object with `model` and `messages`.')
  if (!isUtf8(body)) throw new GatewayError('invalid_json', 'The body is not valid UTF-8, so it cannot be JSON.')
  // Before parsing: what is nested too deeply must not get as far as code that walks it.
  const scan = scanObject(body, limits.jsonDepth)
  if (scan && scan.depth > limits.jsonDepth) {
    throw new GatewayError(
      'bad_request',
      `The body nests arrays and objects more than ${limits.jsonDepth} deep. Flatten it, or raise limits.json_depth.`,
    )
  }
  // A list is not even parsed, since nobody has looked how deep it is.
  const request = isList(body) ? undefined : parse(body)
  if (!scan || typeof request !== 'object' || request === null) {
    throw new GatewayError('bad_request', 'The body must be a JSON object with `model` and `messages`.')
  }
  for (const field of read) {
    if (scan.repeated.includes(field)) {
      throw invalid(field, `\`${field}\` stands more than once in the body, and parsers differ in which one they take. Send it once.`)
    }
  }
  const { model, messages, stream, stream_options: options } = request as Record<string, unknown>
  if (model === undefined) throw invalid('model', '`model` is missing. Send the name of a model, such as "mock/echo".')
  if (typeof model !== 'string') throw invalid('model', `\`model\` must be a string, not ${kindOf(model)}.`)
  if (model.trim() === '') throw invalid('model', '`model` is empty. Send the name of a model, such as "mock/echo".')
  if (messages === undefined) throw invalid('messages', '`messages` is missing. Send a list of messages, each with `role` and `content`.')
  if (!Array.isArray(messages)) throw invalid('messages', `\`messages\` must be a list, not ${kindOf(messages)}.`)
  for (const [index, message] of messages.entries()) {
    if (typeof message !== 'object' || message === null || Array.isArray(message)) {
      throw invalid(`messages[${index}]`, `\`messages[${index}]\` must be an object with \`role\` and \`content\`, not ${kindOf(message)}.`)
    }
  }
  if (stream !== undefined && stream !== null && typeof stream !== 'boolean') {
    throw invalid('stream', `\`stream\` must be true or false, not ${kindOf(stream)}.`)
  }
  for (const field of notYet) {
    if (scan.members.has(field)) {
      throw new GatewayError('unsupported_field', `Trunkline does not support \`${field}\` yet. Leave it out.`, { param: field })
    }
  }
  return { model, stream: stream === true, asksUsage: asksUsage(options), scan }
}

function asksUsage(options: unknown): boolean {
  if (options === undefined || options === null) return false
  if (typeof options !== 'object' || Array.isArray(options)) throw invalid('stream_options', `\`stream_options\` must be an object, not ${kindOf(options)}.`)
  return (options as { include_usage?: unknown }).include_usage === true
}

/** Replaces the model's name, and has the stream report its usage. Every other byte goes up as it came. */
export function editRequest(body: Buffer, { model, stream, asksUsage, scan }: RequestFacts, edits: RequestEdits): Buffer {
  const changes: (Span & { text: string })[] = []
  if (edits.model !== model) {
    changes.push({ ...(scan.members.get('model') as Span), text: JSON.stringify(edits.model) })
  }
  if (stream && !asksUsage && edits.addUsage) changes.push(usageEdit(body, scan.members.get('stream_options'), scan.end))
  if (changes.length === 0) return body
  return splice(body, changes.toSorted((a, b) => a.start - b.start))
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
  value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`
