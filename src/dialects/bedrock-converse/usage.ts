import { inputTokens, outputTokens, type Usage } from '../../core/usage.ts'
import { countOf, type Fields, fieldsOf, listOf, present } from '../values.ts'

/** `inputTokens` leaves out what was read from and written to caches. Some names come twice, with `Count` at their end. */
export function usageOf(wire: Fields): Usage {
  const written = countOf(wire.cacheWriteInputTokens) ?? countOf(wire.cacheWriteInputTokenCount)
  const longer = listOf(wire.cacheDetails)
    .filter(({ ttl }) => ttl === '1h')
    .reduce<number | undefined>((sum, { inputTokens: count }) => (sum ?? 0) + (countOf(count) ?? 0), undefined)
  return present({
    inputUncached: countOf(wire.inputTokens),
    cacheRead: countOf(wire.cacheReadInputTokens) ?? countOf(wire.cacheReadInputTokenCount),
    cacheWrite5m: written === undefined ? undefined : Math.max(0, written - (longer ?? 0)),
    cacheWrite1h: longer,
    outputText: countOf(wire.outputTokens),
  })
}

/** `undefined` when the provider gave no numbers. */
export const usageIn = (wire: unknown): Usage | undefined => {
  const usage = usageOf(fieldsOf(wire))
  return Object.keys(usage).length === 0 ? undefined : usage
}

/** Pictures and sounds are counted with all other input here. */
export function encodeUsage(usage: Usage): Fields {
  const { cacheRead, cacheWrite5m, cacheWrite1h } = usage
  const written =
    cacheWrite5m === undefined && cacheWrite1h === undefined ? undefined : (cacheWrite5m ?? 0) + (cacheWrite1h ?? 0)
  const input = inputTokens(usage) ?? 0
  const output = outputTokens(usage) ?? 0
  return present({
    inputTokens: input - (cacheRead ?? 0) - (written ?? 0),
    outputTokens: output,
    totalTokens: input + output,
    cacheReadInputTokens: cacheRead,
    cacheWriteInputTokens: written,
    cacheDetails: cacheWrite1h
      ? [...(cacheWrite5m ? [{ ttl: '5m', inputTokens: cacheWrite5m }] : []), { ttl: '1h', inputTokens: cacheWrite1h }]
      : undefined,
  })
}
