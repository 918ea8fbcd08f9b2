import { GatewayError } from '../core/error.ts'

/** How large a body of the API may be. */
export const mostBytes = 1 << 20

export const tooLarge = (): GatewayError =>
  new GatewayError('body_too_large', `The body is larger than ${mostBytes} bytes.`)
