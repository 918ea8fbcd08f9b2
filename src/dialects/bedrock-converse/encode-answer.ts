import type { ChatAnswer, Part } from '../../core/chat.ts'
import { type Fields, isFields, present } from '../values.ts'
import { citedBlock, encodeCall, encodeParts, encodeReasoning, type PartContext } from './encode-parts.ts'
import { dialectName, ownEcho, ownFields } from './extras.ts'
import { encodeFinish } from './finish.ts'
import { encodeUsage } from './usage.ts'

/** Only the first choice is shown: there is no place for others. */
export function encodeAnswer({ choices, usage, serviceTier, extra }: ChatAnswer): unknown {
  const [choice] = choices
  const echo = ownEcho(extra)
  return {
    ...ownFields(extra),
    output: { message: { role: 'assistant', content: (choice?.message.parts ?? []).flatMap(answerBlocks) } },
    stopReason: choice?.finish ? encodeFinish(choice.finish) : 'end_turn',
    usage: echo.usage ?? encodeUsage(usage ?? {}),
    metrics: echo.metrics ?? { latencyMs: 0 },
    ...present({ serviceTier: serviceTier === undefined ? undefined : { type: serviceTier } }),
  }
}

/** The seals that a client of this dialect can give back to whom they belong. */
export const isOurSeal = (by: string): boolean => by === 'anthropic' || by === 'bedrock'

const context: PartContext = {
  seals: '',
  plainThoughts: true,
  mediaInResults: true,
  caches: false,
  names: new Set(),
  drop: () => undefined,
}

/** What is shown of a part, which is nothing for what only another dialect could show. */
export function answerBlocks(part: Part): readonly Fields[] {
  switch (part.kind) {
    case 'text':
      if (part.citations?.length) return [citedBlock(part, part.citations)]
      return part.text === '' ? [] : [{ text: part.text }]
    case 'refusal':
      return [{ text: part.text }]
    case 'reasoning':
      if (part.redacted && !(part.seal && isOurSeal(part.seal.by))) return []
      return [encodeReasoning(part, part.seal !== undefined && isOurSeal(part.seal.by))]
    case 'tool-call':
      return [{ toolUse: { ...encodeCall(part), ...ownEcho(part.extra) } }]
    case 'server-tool':
    case 'opaque':
      return part.dialect === dialectName && isFields(part.value) ? [part.value] : []
    case 'image':
    case 'audio':
    case 'video':
    case 'document':
      return encodeParts([part], '', { ...context, names: new Set() })
    case 'tool-result':
      return []
  }
}
