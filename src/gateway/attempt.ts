import { GatewayError } from '../core/error.ts'
import type { Dialect } from '../dialects/dialect.ts'
import { gather, Incoming } from '../http/incoming.ts'
import { stepped } from '../http/stepped.ts'
import type { Send, UpstreamHeaders } from '../http/upstream.ts'
import type { Target } from '../routing/plan.ts'
import { observe } from '../telemetry/observe.ts'
import { errorOf } from '../telemetry/trace.ts'
import type { Answer } from './answer.ts'
import type { Call } from './call.ts'
import { replyHeadersOf, requestIdIn, upstreamHeaders } from './headers.ts'

/** How much of a provider's error is read; nobody writes more of use. */
const errorBytes = 1 << 20

/** A provider said no. */
export interface Refused {
  readonly error: GatewayError
  /** The provider's own bytes, where they already are what the client's dialect wants to hear. */
  readonly asItCame?: Answer
}

/** One try at one target, and the only request that goes out for it: an answer that begins well, or why there is none. */
export function attempt(call: Call, target: Target, sendOut: Send): Promise<Answer | Refused> {
  const { provider, model } = target
  const { dialect, send = sendOut } = provider.provider
  const { facts } = call
  const addUsage = facts.stream && !facts.asksUsage && provider.addsStreamUsage
  const body = dialect.editRequest(call.body, facts, { model, addUsage })
  const headers = upstreamHeaders(call, target)
  const trace = call.trace.attempt({
    provider: provider.name,
    dialect: dialect.name,
    model,
    requestBytes: body.length,
  })

  return new Promise((resolve) => {
    const refuse = (refused: Refused): void => {
      const { error } = refused
      const status = error.code === 'cancelled' ? 'cancelled' : 'error'
      trace.end({ status, error: errorOf(error), usageMissing: status === 'error' ? 'failed' : status })
      resolve(refused)
    }
    const incoming = new Incoming({
      connected: () => trace.connected(),
      failed: (error) => refuse({ error }),
      head(status, received) {
        const streaming = isEventStream(received)
        trace.head(status, streaming, requestIdIn(received))
        if (status < 200 || status >= 300) {
          gather(incoming, errorBytes).then(
            (bytes) => {
              const clean = withoutKey(bytes, headers.authorization)
              trace.data(clean)
              refuse(refusalOf(status, received, clean, dialect, provider.name))
            },
            (error: GatewayError) => refuse({ error }),
          )
          return
        }
        const observed = observe(incoming, trace, dialect.watchAnswer(streaming))
        const answer = streaming && addUsage ? stepped(observed, dialect.withoutAddedUsage()) : observed
        resolve({ status, headers: replyHeadersOf(received, answer === observed), body: answer, streaming })
      },
    })
    call.onGone(() => incoming.cancel())
    const request = { origin: provider.origin, path: provider.chatPath, method: 'POST' as const, headers, body }
    incoming.started(send(request, incoming))
  })
}

const isEventStream = (headers: UpstreamHeaders): boolean =>
  /^text\/event-stream/i.test(String(headers['content-type'] ?? ''))

function refusalOf(
  status: number,
  received: UpstreamHeaders,
  bytes: Buffer,
  dialect: Dialect,
  provider: string,
): Refused {
  if (status < 400 || status > 599) {
    return {
      error: new GatewayError(
        'upstream_invalid',
        `${provider} answered ${status}, which is no answer to a chat. Is its base URL right? Redirects are not followed.`,
      ),
    }
  }
  const headers = replyHeadersOf(received, true)
  const { error, asItCame } = dialect.readError(status, bytes)
  if (asItCame) return { error, asItCame: { status, headers, body: bytes, streaming: false } }
  // The hints go with the error, the description of a body that the client does not get stays behind.
  const { 'content-type': _type, 'content-length': _length, 'content-encoding': _encoding, ...hints } = headers
  return {
    error: new GatewayError(error.code, error.message, { ...error.details, headers: hints as Record<string, string> }),
  }
}

const shortestKey = 8

/** Some providers say back the key that they did not like; neither the client nor a trace is to have it. */
function withoutKey(bytes: Buffer, authorization: string | undefined): Buffer {
  const key = authorization?.replace(/^Bearer /, '') ?? ''
  if (key.length < shortestKey || !bytes.includes(key)) return bytes
  return Buffer.from(bytes.toString('latin1').replaceAll(key, '[key]'), 'latin1')
}
