import type { Caller } from '../core/access.ts'
import { GatewayError } from '../core/error.ts'

/**
 * Whether a caller may use a model: its key names none, or one of its patterns fits the name that was asked for, or the
 * provider and its name for the model.
 */
export const mayUse = ({ key }: Caller, asked: string, provider: string, model: string): boolean =>
  key?.models === undefined ||
  key.models.some((pattern) => fits(pattern, asked) || fits(pattern, `${provider}/${model}`))

/** Whether a name is as a pattern says, in which `*` stands for anything. The time it takes grows with the name only. */
export function fits(pattern: string, name: string): boolean {
  const first = pattern.indexOf('*')
  if (first < 0) return name === pattern
  if (first === pattern.length - 1) return name.startsWith(pattern.slice(0, first))
  const [head = '', ...rest] = pattern.split('*')
  const tail = rest.pop() ?? ''
  if (!name.startsWith(head) || name.length < head.length + tail.length || !name.endsWith(tail)) return false
  let at = head.length
  const end = name.length - tail.length
  for (const part of rest) {
    const found = name.indexOf(part, at)
    if (found < 0 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}

export const notForKey = (asked: string): GatewayError =>
  new GatewayError(
    'client_key_forbidden',
    `This client key is not good for the model ${JSON.stringify(asked.slice(0, 200))}. GET /v1/models lists those that it is good for.`,
    { param: 'model' },
  )
