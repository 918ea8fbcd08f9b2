import type { RequestContext, RequestEdits, RequestFacts } from '../dialect.ts'
import {
  type BodyRules,
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
import type { Fields } from '../values.ts'

const rules: BodyRules = {
  wanted: 'Send a JSON object with `model` and `input`.',
  read: ['model', 'input', 'stream', 'previous_response_id', 'store', 'background', 'conversation'],
  large: 'input',
}

export function readRequest(body: Buffer, context: RequestContext, onModel: (model: string) => void): RequestFacts {
  const { fields, scan } = readBody(body, context, rules)
  const model = readModel(fields)
  onModel(model)
  checkInput(fields, scan.members.has('prompt'))
  checkState(fields)
  const stream = readStream(fields)
  refuseNotYet(scan)
  // Its streams always end with their usage.
  return { model, stream, asksUsage: true, scan }
}

/** A stored prompt, or what was said before, may stand in its place. */
function checkInput({ input, previous_response_id, conversation }: Fields, hasPrompt: boolean): void {
  if (typeof input === 'string') return
  const isAbsent = input === undefined || input === null
  if (isAbsent && (hasPrompt || previous_response_id || conversation)) return
  if (isAbsent) throw invalid('input', '`input` is missing. Send a string, or a list of items.')
  if (!Array.isArray(input))
    throw invalid('input', `\`input\` must be a string or a list of items, not ${kindOf(input)}.`)
  checkList(input, 'input', 'with `role` and `content`, or with a `type`')
}

function checkState({ previous_response_id, store, background, conversation }: Fields): void {
  if (previous_response_id !== undefined && previous_response_id !== null && typeof previous_response_id !== 'string')
    throw invalid(
      'previous_response_id',
      `\`previous_response_id\` must be a string, not ${kindOf(previous_response_id)}.`,
    )
  for (const [name, value] of Object.entries({ store, background }))
    if (value !== undefined && value !== null && typeof value !== 'boolean')
      throw invalid(name, `\`${name}\` must be true or false, not ${kindOf(value)}.`)
  const isPlace = conversation === undefined || typeof conversation === 'string' || typeof conversation === 'object'
  if (!isPlace)
    throw invalid('conversation', `\`conversation\` must be an id or an object, not ${kindOf(conversation)}.`)
}

/** Replaces the model's name. Every other byte goes up as it came. */
export const editRequest = (body: Buffer, { model, scan }: RequestFacts, edits: RequestEdits): Buffer =>
  changed(body, modelChange(scan, model, edits.model))
