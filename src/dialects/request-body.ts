import { isUtf8 } from 'node:buffer'
import { GatewayError } from '../core/error.ts'
import { type ObjectScan, type Span, scanObject, splice } from '../core/json-scan.ts'
import type { RequestContext } from './dialect.ts'
import type { Fields } from './values.ts'

/** Up to how many bytes a body is parsed as a whole. */
const parsedBytes = 256 * 1024

/** What the gateway reads of a request's body in some dialect. */
export interface BodyRules {
  /** What to send, as a sentence for whoever sent something else. */
  readonly wanted: string
  /** The fields that are read or edited. */
  readonly read: readonly string[]
  /** The field that makes requests large: it is only looked at where they are not. */
  readonly large: string
}

/** Fields of the gateway's predecessor and of what is yet to come. To take them and do nothing would be a lie. */
const notYet = ['router', 'extra', 'mcp_servers'] as const

export interface ReadBody {
  readonly fields: Fields
  readonly scan: ObjectScan
}

/**
 * The fields that the gateway reads. A body that is large is nearly all pictures and texts, and to make values of them
 * would take longer than to pass them on; whether they are valid is left for the provider to say.
 */
export function readBody(body: Buffer, limits: RequestContext, rules: BodyRules): ReadBody {
  const scan = scanned(body, limits, rules.wanted)
  for (const field of rules.read) {
    if (scan.repeated.includes(field)) {
      throw invalid(
        field,
        `\`${field}\` stands more than once in the body, and parsers differ in which they take. Send it once.`,
      )
    }
  }
  return { scan, fields: body.length > parsedBytes ? partsOf(body, scan, rules) : (parseBody(body) as Fields) }
}

/** Called once the model is known, so that the refusal can name it. */
export function refuseNotYet({ members }: ObjectScan): void {
  for (const field of notYet) {
    if (members.has(field)) {
      throw new GatewayError('unsupported_field', `Trunkline does not support \`${field}\` yet. Leave it out.`, {
        param: field,
      })
    }
  }
}

function partsOf(body: Buffer, { members, isWhole }: ObjectScan, { read, large }: BodyRules): Fields {
  if (!isWhole) throw new GatewayError('invalid_json', 'The body ends before its JSON does.')
  const parts: Record<string, unknown> = {}
  for (const field of read) {
    const span = members.get(field)
    if (!span) continue
    const isLarge = field === large && body[span.start] === openBracket
    parts[field] = isLarge ? [] : parseBody(body.subarray(span.start, span.end))
  }
  return parts
}

/** Looks the bytes over before anything is made of them: what is too deep or too much is not parsed at all. */
function scanned(body: Buffer, { jsonDepth, jsonValues }: RequestContext, wanted: string): ObjectScan {
  if (body.length === 0) throw new GatewayError('invalid_json', `The request has no body. ${wanted}`)
  if (!isUtf8(body)) throw new GatewayError('invalid_json', 'The body is not valid UTF-8, so it cannot be JSON.')
  const scan = scanObject(body, jsonDepth, jsonValues)
  if (!scan) {
    // A list is not parsed even to see whether it is one: nobody has looked how deep it is.
    if (!isList(body)) parseBody(body)
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

export function readModel({ model }: Fields): string {
  const example = 'Send the name of a model, such as "mock/echo".'
  if (model === undefined) throw invalid('model', `\`model\` is missing. ${example}`)
  if (typeof model !== 'string') throw invalid('model', `\`model\` must be a string, not ${kindOf(model)}.`)
  if (model.trim() === '') throw invalid('model', `\`model\` is empty. ${example}`)
  return model
}

export function readStream({ stream = false }: Fields): boolean {
  if (typeof stream !== 'boolean' && stream !== null)
    throw invalid('stream', `\`stream\` must be true or false, not ${kindOf(stream)}.`)
  return stream === true
}

/** A list of objects that has to be there; `shape` says what each is made of. */
export function checkList(value: unknown, field: string, shape: string): void {
  if (value === undefined) throw invalid(field, `\`${field}\` is missing. Send a list of ${field}, each ${shape}.`)
  if (!Array.isArray(value)) throw invalid(field, `\`${field}\` must be a list, not ${kindOf(value)}.`)
  for (const [index, item] of value.entries()) {
    if (typeof item === 'object' && item !== null && !Array.isArray(item)) continue
    const place = `${field}[${index}]`
    throw invalid(place, `\`${place}\` must be an object ${shape}, not ${kindOf(item)}.`)
  }
}

/** A place in the body and what is to stand there. */
export type Change = Span & { readonly text: string }

/** The change that puts another name for the model, if it is another. */
export const modelChange = ({ members }: ObjectScan, before: string, model: string): readonly Change[] =>
  before === model ? [] : [{ ...(members.get('model') as Span), text: JSON.stringify(model) }]

export const changed = (body: Buffer, changes: readonly Change[]): Buffer =>
  changes.length === 0
    ? body
    : splice(
        body,
        changes.toSorted((a, b) => a.start - b.start),
      )

const openBracket = 0x5b

const isList = (body: Buffer): boolean => body.find((byte) => byte > 0x20) === openBracket

export function parseBody(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (cause) {
    throw new GatewayError('invalid_json', `The body is not valid JSON: ${(cause as Error).message}`, { cause })
  }
}

export const invalid = (param: string, message: string): GatewayError =>
  new GatewayError('bad_request', message, { param })

export const kindOf = (value: unknown): string =>
  value === null
    ? 'null'
    : Array.isArray(value)
      ? 'a list'
      : typeof value === 'object'
        ? 'an object'
        : `a ${typeof value}`
