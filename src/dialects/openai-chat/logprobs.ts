import type { TokenLogprob } from '../../core/chat.ts'
import { type Fields, isFields, listOf, numberOf, textOf } from '../values.ts'

/** The tokens of a choice, those of a refusal where there are no others. */
export function tokensOf(logprobs: unknown): readonly TokenLogprob[] | undefined {
  if (!isFields(logprobs)) return undefined
  const written = Array.isArray(logprobs.content) ? logprobs.content : logprobs.refusal
  return Array.isArray(written) ? listOf(written).map(tokenOf) : undefined
}

function tokenOf({ token, logprob, bytes, top_logprobs: top }: Fields): TokenLogprob {
  return {
    token: textOf(token),
    logprob: numberOf(logprob) ?? 0,
    ...(bytes !== undefined && { bytes: Array.isArray(bytes) ? (bytes as number[]) : null }),
    ...(Array.isArray(top) && { top: listOf(top).map(tokenOf) }),
  }
}

export const wireTokens = (tokens: readonly TokenLogprob[]): readonly Fields[] =>
  tokens.map(({ token, logprob, bytes = null, top = [] }) => ({
    token,
    logprob,
    bytes,
    top_logprobs: top.map((one) => ({ token: one.token, logprob: one.logprob, bytes: one.bytes ?? null })),
  }))
