import { GatewayError } from '../core/error.ts'
import { gather, Incoming } from '../http/incoming.ts'
import { inflated } from '../http/inflated.ts'
import type { Send, UpstreamHeaders, UpstreamRequest } from '../http/upstream.ts'

/** How large an answer may be that is no chat. */
const mostBytes = 32 << 20

export interface Relayed {
  readonly status: number
  readonly headers: UpstreamHeaders
  readonly bytes: Buffer
}

/** One request that is no chat, such as a count of tokens, and all of its answer. */
export function relay(request: UpstreamRequest, send: Send, name: string, totalMs: number): Promise<Relayed> {
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
      head(status, headers) {
        const encoding = headers['content-encoding']
        const source = encoding === undefined ? incoming : inflated(incoming, String(encoding))
        if (!source) {
          incoming.stop(new GatewayError('upstream_invalid', `${name} answered in the encoding ${encoding}.`))
          fail(new GatewayError('upstream_invalid', `${name} answered in the encoding ${encoding}.`))
          return
        }
        void gather(source, mostBytes).then(({ bytes, failure }) => {
          clearTimeout(deadline)
          if (failure) reject(failure)
          else resolve({ status, headers, bytes })
        })
      },
    })
    incoming.started(send(request, incoming))
  })
}
