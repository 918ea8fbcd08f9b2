import { expect, test } from 'vitest'
import { probeLines } from './credentials-test.ts'

const plain = { paint: (_: unknown, text: string) => text }

test.each([
  [
    { ok: true, status: 200, latency_ms: 12, models: ['a', 'b'] },
    ['It works: HTTP 200 after 12 ms.', '2 models: a, b'],
  ],
  [
    { ok: false, latency_ms: 7, error: { code: 'upstream_unreachable', message: 'Nobody listens there.' } },
    ['It does not work: no answer after 7.0 ms.', 'upstream_unreachable: Nobody listens there.'],
  ],
  [
    { ok: false, latency_ms: 0, error: { code: 'no_credential', message: 'Google cannot be reached.' } },
    ['It does not work: nothing was asked.', 'no_credential: Google cannot be reached.'],
  ],
])('a credential that was tried: %j', (answer, lines) => {
  expect(probeLines(answer, plain)).toEqual(lines)
})
