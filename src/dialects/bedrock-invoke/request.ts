import type { RequestContext, RequestFacts } from '../dialect.ts'
import { type BodyRules, checkList, invalid, readBody, refuseNotYet } from '../request-body.ts'

const rules: BodyRules = {
  wanted: 'Send a JSON object with `anthropic_version`, `max_tokens` and `messages`.',
  read: ['messages'],
  large: 'messages',
}

/** For Claude's messages where model and stream stand in the address. */
export function readRequest(body: Buffer, context: RequestContext, onModel: (model: string) => void): RequestFacts {
  const { asked } = context
  if (!asked) throw invalid('model', 'The model is missing: it has to stand in the address.')
  onModel(asked.model)
  const { fields, scan } = readBody(body, context, rules)
  checkList(fields.messages, 'messages', 'with `role` and `content`')
  refuseNotYet(scan)
  return { ...asked, asksUsage: true, scan }
}

export const editRequest = (body: Buffer): Buffer => body
