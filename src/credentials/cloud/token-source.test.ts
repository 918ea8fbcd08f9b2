import { expect, test } from 'vitest'
import { endOf, TokenFailure } from './token-source.ts'

const now = Date.UTC(2026, 5, 1)
const hour = 3_600_000

test.each<[what: string, expiryMs: number, serverMs: number | undefined, leftMs: number]>([
  ['the clocks agree', now + hour, now, hour],
  ["the giver's clock is hours ahead", now + 8 * hour, now + 7 * hour, hour],
  ["the giver's clock is hours behind", now - 6 * hour, now - 7 * hour, hour],
  ["nobody knows the giver's clock", now + hour, undefined, hour],
  ["nobody knows the giver's clock, and by ours it has ended", now - hour, undefined, hour / 4],
  ["nobody knows the giver's clock, and by ours it never ends", now + 1_000 * hour, undefined, hour / 4],
])('a token is good for as long as its giver meant where %s', (_what, expiryMs, serverMs, leftMs) => {
  expect(endOf(expiryMs, serverMs, now) - now).toBe(leftMs)
})

test('a token that has ended by the clock of its giver is none', () => {
  expect(() => endOf(now + hour, now + 2 * hour, now)).toThrow(TokenFailure)
})
