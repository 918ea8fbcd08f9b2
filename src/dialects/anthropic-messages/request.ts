import type { RequestContext, RequestEdits, RequestFacts } from '../dialect.ts'
import { type BodyRules, changed, checkList, modelChange, readBody, readModel, readStream } from '../request-body.ts'

const rules: BodyRules = {
  wanted: 'Send a JSON object with `model`, `max_tokens` and `messages`.',
  read: ['model', 'messages', 'stream'],
  large: 'messages',
}

export function readRequest(body: Buffer, context: RequestContext, onModel: (model: string) => void): RequestFacts {
  const { fields, scan } = readBody(body, context, rules)
  const model = readModel(fields)
  onModel(model)
  checkList(fields.messages, 'messages', 'with `role` and `content`')
  return { model, stream: readStream(fields), asksUsage: true, scan }
}

/** Replaces the model's name. Every other byte goes up as it came: usage is always told. */
export const editRequest = (body: Buffer, { model, scan }: RequestFacts, edits: RequestEdits): Buffer =>
  changed(body, modelChange(scan, model, edits.model))
