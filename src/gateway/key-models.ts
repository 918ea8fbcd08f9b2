import type { Caller } from '../core/access.ts'
import { GatewayError } from '../core/error.ts'

/** No model's name is longer. A client may write what it likes, and each of a hundred patterns would be looked for in it. */
const longestName = 1_000

/**
 * Whether a caller may use a model: its key names none, or one of its patterns fits the name that was asked for, or the
 * provider and its name for the model.
 */
export function mayUse({ key }: Caller, asked: string, provider: string, model: string): boolean {
  if (key?.models === undefined) return true
  const names = [asked, `${provider}/${model}`].filter(({ length }) => length <= longestName)
  return key.models.some((pattern) => names.some((name) => fits(pattern, name)))
}

/** Whether a caller may use any model of a provider: not every pattern of its key is for those of others. */
export const mayAsk = ({ key }: Caller, provider: string): boolean =>
  key?.models === undefined || key.models.some((pattern) => [undefined, provider].includes(providerIn(pattern)))

/** The provider whose models a pattern means, where it names one. */
const providerIn = (pattern: string): string | undefined => /^([^*/]+)\//.exec(pattern)?.[1]

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
