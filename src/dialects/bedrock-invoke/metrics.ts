import type { Usage } from '../../core/usage.ts'
import type { Frame } from '../../http/frames.ts'
import { countOf, type Fields, fieldsOf, jsonOf, present } from '../values.ts'

const metricsField = 'amazon-bedrock-invocationMetrics'

/** What AWS counted itself, in a stream's last event. Reads from and writes to caches are counted apart. */
export function metricsIn({ data }: Frame): { readonly usage: Usage; readonly reported: Fields } | undefined {
  if (!data.includes(metricsField)) return undefined
  const reported = fieldsOf(fieldsOf(jsonOf(data))[metricsField])
  const usage = present({
    inputUncached: countOf(reported.inputTokenCount),
    cacheRead: countOf(reported.cacheReadInputTokenCount),
    cacheWrite5m: countOf(reported.cacheWriteInputTokenCount),
    outputText: countOf(reported.outputTokenCount),
  })
  return Object.keys(usage).length === 0 ? undefined : { usage, reported }
}
