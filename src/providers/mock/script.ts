import { GatewayError } from '../../core/error.ts'
import type { UpstreamHeaders } from '../../http/upstream.ts'
import { replyTo } from './reply.ts'

/** One thing that happens to a call; they happen in order. */
export type Act =
  | { readonly kind: 'connected' }
  | { readonly kind: 'head'; readonly status: number; readonly headers: UpstreamHeaders }
  | { readonly kind: 'data'; readonly chunk: Buffer }
  /** With 0, whatever else is due comes first. */
  | { readonly kind: 'wait'; readonly ms: number }
  /** Nothing happens any more. */
  | { readonly kind: 'hang' }
  | { readonly kind: 'end' }
  | { readonly kind: 'fail'; readonly error: GatewayError }

/** All that happens to a call with this body, each act worked out when its turn comes. */
export function* scriptOf(body: Buffer): Generator<Act, void> {
  const { status, headers, pieces, options } = replyTo(body)
  const { refuse, delay_ms: delay, hang, chunk_ms: pace = 0, slow_bytes_ms: slow, cut_after: cutAfter } = options
  if (!refuse) yield { kind: 'connected' }
  if (delay) yield { kind: 'wait', ms: delay }
  if (refuse) {
    yield failure('upstream_unreachable', "Nothing listens at the provider's address (the mock refuses).")
    return
  }
  if (hang === 'head') {
    yield { kind: 'hang' }
    return
  }
  yield { kind: 'head', status, headers }
  for (const [index, piece] of pieces.entries()) {
    if (index > 0) yield { kind: 'wait', ms: pace }
    if (slow === undefined) yield { kind: 'data', chunk: piece }
    else yield* byteByByte(piece, slow)
  }
  if (hang === 'body') yield { kind: 'hang' }
  else if (cutAfter !== undefined)
    yield failure('upstream_cut', 'The connection to the provider broke (the mock cut it).')
  else yield { kind: 'end' }
}

function* byteByByte(piece: Buffer, ms: number): Generator<Act, void> {
  for (let at = 0; at < piece.length; at++) {
    if (at > 0) yield { kind: 'wait', ms }
    yield { kind: 'data', chunk: piece.subarray(at, at + 1) }
  }
}

const failure = (code: 'upstream_unreachable' | 'upstream_cut', message: string): Act => ({
  kind: 'fail',
  error: new GatewayError(code, message),
})
