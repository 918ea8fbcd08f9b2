import type { RequestContext, RequestFacts } from '../dialect.ts'
import { type BodyRules, checkList, invalid, readBody, refuseNotYet } from '../request-body.ts'

const rules: BodyRules = {
  wanted: 'Send a JSON object with `messages`.',
  read: ['messages'],
  large: 'messages',
}

/** Model and stream stand in the address; the body has nothing that the gateway would change. */
export function readRequest(body: Buffer, context: RequestContext, onModel: (model: string) => void): RequestFacts {
  const { asked } = context
  if (!asked) throw invalid('model', 'The model is missing: it has to stand in the address.')
  onModel(asked.model)
  const { fields, scan } = readBody(body, context, rules)
  // A stored prompt, named in place of a model, may bring its own.
  if (fields.messages !== undefined) checkList(fields.messages, 'messages', 'with `role` and `content`')
  refuseNotYet(scan)
  return { ...asked, asksUsage: true, scan }
}
