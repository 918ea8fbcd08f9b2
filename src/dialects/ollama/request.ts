import type { RequestContext, RequestEdits, RequestFacts } from '../dialect.ts'
import {
  type BodyRules,
  changed,
  checkList,
  modelChange,
  readBody,
  readModel,
  readStream,
  refuseNotYet,
} from '../request-body.ts'

const rules: BodyRules = {
  wanted: 'Send a JSON object with `model` and `messages`.',
  read: ['model', 'messages', 'stream'],
  large: 'messages',
}

export function readRequest(body: Buffer, context: RequestContext, onModel: (model: string) => void): RequestFacts {
  const { fields, scan } = readBody(body, context, rules)
  const model = readModel(fields)
  onModel(model)
  checkList(fields.messages, 'messages', 'with `role` and `content`')
  refuseNotYet(scan)
  // Answers are streamed unless the client says otherwise.
  return { model, stream: fields.stream === undefined || readStream(fields), asksUsage: true, scan }
}

export const editRequest = (body: Buffer, { model, scan }: RequestFacts, edits: RequestEdits): Buffer =>
  changed(body, modelChange(scan, model, edits.model))
