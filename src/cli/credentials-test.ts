import type { ProbeAnswer } from './api-types.ts'
import { oneCredential } from './one-credential.ts'
import { type Screen, terminal } from './screen.ts'
import { plainLine } from './text.ts'
import { counted, duration } from './units.ts'

export const credentialsTest = oneCredential({
  name: 'test',
  summary: 'Try a credential with the cheapest call that its provider has',
  examples: [['trunkline credentials test 0197a1b2-5c3d-7e4f-8a9b-0c1d2e3f4a5b', 'ends with 1 when it is refused']],
  async work(api, path) {
    const result = await api.post<ProbeAnswer>(`${path}/test`)
    if (!result.ok) process.exitCode = 1
    return result
  },
  lines: (result) => probeLines(result, terminal()),
})

const mostModels = 10

export function probeLines(
  { ok, status, latency_ms: ms, models, error }: ProbeAnswer,
  { paint }: Pick<Screen, 'paint'>,
): string[] {
  const answered = status === undefined ? 'no answer' : `HTTP ${status}`
  // Where a cloud gives no token, its provider is not asked at all.
  const what = status === undefined && ms === 0 ? 'nothing was asked' : `${answered} after ${duration(ms * 1000)}`
  const head = `${ok ? paint('green', 'It works') : paint('red', 'It does not work')}: ${what}.`
  const reason = error ? [`${plainLine(error.code)}: ${plainLine(error.message)}`] : []
  if (!models || models.length === 0) return [head, ...reason]
  const more = models.length - mostModels
  return [
    head,
    ...reason,
    `${counted(models.length, 'model')}: ${models.slice(0, mostModels).map(plainLine).join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
  ]
}
