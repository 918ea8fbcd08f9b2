import { type Span, scanObject } from '../../core/json-scan.ts'
import type { RequestContext, RequestEdits, RequestFacts } from '../dialect.ts'
import {
  type BodyRules,
  type Change,
  changed,
  checkList,
  invalid,
  kindOf,
  modelChange,
  readBody,
  readModel,
  readStream,
  refuseNotYet,
} from '../request-body.ts'

const rules: BodyRules = {
  wanted: 'Send a JSON object with `model` and `messages`.',
  read: ['model', 'messages', 'stream', 'stream_options'],
  large: 'messages',
}

export function readRequest(body: Buffer, context: RequestContext, onModel: (model: string) => void): RequestFacts {
  const { fields, scan } = readBody(body, context, rules)
  const model = readModel(fields)
  onModel(model)
  checkList(fields.messages, 'messages', 'with `role` and `content`')
  const stream = readStream(fields)
  refuseNotYet(scan)
  return { model, stream, asksUsage: asksUsage(fields.stream_options), scan }
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
  const asks = stream && !asksUsage && edits.addUsage
  return changed(body, [
    ...modelChange(scan, model, edits.model),
    ...(asks ? [usageChange(body, scan.members.get('stream_options'), scan.end)] : []),
  ])
}

const includeUsage = '"include_usage":true'

function usageChange(body: Buffer, options: Span | undefined, objectEnd: number): Change {
  // The object is not empty: it has a model.
  if (!options) return { start: objectEnd - 1, end: objectEnd - 1, text: `,"stream_options":{${includeUsage}}` }
  const scan = scanObject(body.subarray(options.start, options.end))
  if (!scan) return { ...options, text: `{${includeUsage}}` }
  const said = scan.members.get('include_usage')
  if (said) return { start: options.start + said.start, end: options.start + said.end, text: 'true' }
  const inside = options.start + 1
  return { start: inside, end: inside, text: scan.members.size === 0 ? includeUsage : `${includeUsage},` }
}
