import { headerProblem } from '../providers/header-rules.ts'
import { Refusal } from './error.ts'
import type { Kind } from './setting.ts'

/** Headers for every request to a provider. Their values may be secrets, so no message has them. */
export const headerMap: Kind<Readonly<Record<string, string>>> = {
  take(value) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new Refusal('must be a map of header names and values')
    }
    const headers: Record<string, string> = {}
    for (const [written, text] of Object.entries(value)) {
      const problem = headerProblem(written, text)
      if (problem !== undefined) throw new Refusal(problem)
      headers[written.toLowerCase()] = text
    }
    return headers
  },
  schema: { type: 'object', additionalProperties: { type: 'string', minLength: 1 } },
}
