import type { TokenLogprob } from '../../core/chat.ts'
import { type Fields, listOf, numberOf, textOf } from '../values.ts'
import { named } from './wire.ts'

export function logprobsOf(result: Fields): TokenLogprob[] {
  const tops = listOf(result.topCandidates)
  return listOf(result.chosenCandidates).map((chosen, index) => {
    const top = tops[index]
    return { ...tokenOf(chosen), ...(top && { top: listOf(top.candidates).map(tokenOf) }) }
  })
}

function tokenOf(written: Fields): TokenLogprob {
  const { token, logProbability } = named(written)
  return { token: textOf(token), logprob: numberOf(logProbability) ?? 0 }
}

export function logprobsResultOf(tokens: readonly TokenLogprob[]): Fields {
  const wire = ({ token, logprob }: TokenLogprob): Fields => ({ token, logProbability: logprob })
  const hasTops = tokens.some(({ top }) => top !== undefined && top.length > 0)
  return {
    chosenCandidates: tokens.map(wire),
    ...(hasTops && { topCandidates: tokens.map(({ top }) => ({ candidates: (top ?? []).map(wire) })) }),
  }
}
