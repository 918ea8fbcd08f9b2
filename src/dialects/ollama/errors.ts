import type { GatewayError } from '../../core/error.ts'
import type { ProviderError } from '../dialect.ts'
import { readError as readAnyError } from '../openai-chat/errors.ts'
import { fieldsOf } from '../values.ts'

export { readDisguised } from '../openai-chat/errors.ts'

export const encodeError = ({ message }: GatewayError): string => JSON.stringify({ error: message })

/** A line of its own, whatever stood before it. */
export const encodeStreamError = (error: GatewayError): string => `\n${encodeError(error)}\n`

export function readError(status: number, body: Buffer): ProviderError {
  const { error } = readAnyError(status, body)
  return { error, asItCame: error.status === status && isOurs(body) }
}

function isOurs(body: Buffer): boolean {
  try {
    return typeof fieldsOf(JSON.parse(body.toString('utf8'))).error === 'string'
  } catch {
    return false
  }
}
