import { GatewayError } from '../core/error.ts'
import type { Provider } from '../providers/provider.ts'

/** The way out of the program, which has the guard over where anything may go. */
export type Send = NonNullable<Provider['send']>
type Sent = Parameters<Send>[0]
type Listener = Parameters<Send>[1]
type ReceivedHeaders = Parameters<Listener['head']>[1]

/** An answer, whole. */
export interface Whole {
  readonly status: number
  readonly headers: ReceivedHeaders
  readonly body: Buffer
}

/** No list of models is longer. */
const mostBytes = 8 << 20

/** Sends a request and reads all of the answer, or throws what went wrong with it, at the latest after `limitMs`. */
export function askOnce(send: Send, request: Sent, limitMs: number): Promise<Whole> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    let head: Omit<Whole, 'body'> | undefined
    let call: ReturnType<Send> | undefined
    let isOver = false
    const over = (settle: () => void): void => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      settle()
    }
    const giveUp = (error: GatewayError): void =>
      over(() => {
        call?.abort()
        reject(error)
      })
    const timer = setTimeout(() => giveUp(tooSlow(limitMs)), limitMs)
    call = send(request, {
      connected: () => undefined,
      head: (status, headers) => {
        head = { status, headers }
      },
      data: (chunk) => {
        size += chunk.length
        if (size > mostBytes)
          giveUp(new GatewayError('upstream_invalid', 'The answer is larger than any that is expected.'))
        else chunks.push(chunk)
      },
      end: () => over(() => resolve({ status: 0, headers: {}, ...head, body: Buffer.concat(chunks, size) })),
      fail: (error) => over(() => reject(error)),
    })
    if (isOver) call.abort()
  })
}

const tooSlow = (limitMs: number): GatewayError =>
  new GatewayError('timeout_total', `There was no whole answer within ${Math.round(limitMs / 1_000)} seconds.`)
