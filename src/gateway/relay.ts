import { GatewayError } from '../core/error.ts'
import type { Exchange } from '../http/exchange.ts'
import { gather, Incoming } from '../http/incoming.ts'
import { inflated } from '../http/inflated.ts'
import type { Send, UpstreamHeaders, UpstreamRequest } from '../http/upstream.ts'
import type { ConfiguredProvider } from '../providers/provider.ts'
import { encodingOf, withoutEncoding } from './encoding.ts'

/** How large an answer may be that is no chat. */
const mostBytes = 32 << 20

export interface Relayed {
  readonly status: number
  readonly headers: UpstreamHeaders
  readonly bytes: Buffer
}

const tooLong = (name: string): GatewayError =>
  new GatewayError('upstream_invalid', `${name} answered with more than ${mostBytes >> 20} MB.`)

export interface Relaying {
  readonly send: Send
  /** Who is asked, and how long that may take. */
  readonly provider: Pick<ConfiguredProvider, 'name' | 'timeouts'>
  /** Whoever waits for the answer, and may leave. */
  readonly exchange: Pick<Exchange, 'onGone'>
}

/** One request that is no chat, such as a count of tokens, and all of its answer. */
export function relay(
  request: UpstreamRequest,
  { send, provider: { name, timeouts }, exchange }: Relaying,
): Promise<Relayed> {
  const { totalMs } = timeouts
  return new Promise((resolve, reject) => {
    const deadline = setTimeout(() => {
      incoming.stop(new GatewayError('timeout_total', `${name} did not answer within ${totalMs} ms.`))
    }, totalMs)
    const fail = (error: GatewayError): void => {
      clearTimeout(deadline)
      reject(error)
    }
    const incoming = new Incoming({
      connected: () => undefined,
      failed: fail,
      head(status, received) {
        const encoding = encodingOf(received)
        const source = encoding === undefined ? incoming : inflated(incoming, encoding)
        const headers = encoding === undefined ? received : withoutEncoding(received)
        if (!source) {
          const error = new GatewayError('upstream_invalid', `${name} answered in the encoding ${encoding}.`)
          incoming.stop(error)
          fail(error)
          return
        }
        void gather(source, mostBytes).then(({ bytes, failure }) => {
          clearTimeout(deadline)
          if (failure) reject(failure)
          else if (bytes.length >= mostBytes) reject(tooLong(name))
          else resolve({ status, headers, bytes })
        })
      },
    })
    exchange.onGone(() => incoming.cancel())
    incoming.started(send(request, incoming))
  })
}
