import { GatewayError } from '../core/error.ts'
import { runStep } from '../core/steps.ts'
import type { Exchange } from '../http/exchange.ts'
import { gather, Incoming } from '../http/incoming.ts'
import { inflated } from '../http/inflated.ts'
import type { Send, UpstreamHeaders, UpstreamRequest } from '../http/upstream.ts'
import type { ConfiguredProvider } from '../providers/provider.ts'
import type { ReadyTarget } from './attempt.ts'
import type { PaidTarget } from './credential.ts'
import { encodingOf, withoutEncoding } from './encoding.ts'
import { shown, type TokenShelf } from './tokens.ts'
import { headersWithoutKeys, starsForKeys, withoutKeys } from './without-keys.ts'

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

/** What an error says back of the credential is taken out of it. */
const clean = ({ status, headers, bytes }: Relayed, sent: ReadyTarget): Relayed => ({
  status,
  headers: headersWithoutKeys(headers, sent),
  bytes: status >= 400 ? withoutKeys(bytes, sent) : Buffer.concat(runStep(starsForKeys(sent, headers), [bytes])),
})

/** A refusal that may be the credential's. */
const refusals: ReadonlySet<number> = new Set([401, 403, 429])

export interface PaidRelaying extends Pick<Relaying, 'send' | 'exchange'> {
  readonly tokens: TokenShelf
}

/** Such a request with one credential after another, until one is not refused. */
export async function relayPaid(
  targets: readonly PaidTarget[],
  requestTo: (target: ReadyTarget) => UpstreamRequest,
  { send, tokens, exchange }: PaidRelaying,
): Promise<Relayed> {
  let last: Relayed | GatewayError | undefined
  for (const target of targets) {
    const means = await shown(target, tokens)
    if ('error' in means) {
      last = means.error
      continue
    }
    const ready = { ...target, header: means.header }
    const { provider } = target
    const answer = await relay(requestTo(ready), { send: provider.provider.send ?? send, provider, exchange })
    last = clean(answer, ready)
    if (!refusals.has(answer.status)) break
  }
  if (last && !(last instanceof GatewayError)) return last
  throw last ?? new GatewayError('no_credential', 'There is no credential for this.')
}
