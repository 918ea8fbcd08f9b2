import { expect, test } from 'vitest'
import { duration, futureUs, momentUs, size } from './units.ts'

const nowUs = Date.UTC(2026, 0, 31, 12) * 1000

test('durations are as exact as they are short', () => {
  const cases = [0, 420, 4_200, 312_400, 999_600, 1_240_000, 59_996_000, 125_000_000, 3_720_000_000]
  expect(cases.map(duration)).toEqual([
    '0.00 ms',
    '0.42 ms',
    '4.2 ms',
    '312 ms',
    '1.00 s',
    '1.24 s',
    '1m 00s',
    '2m 05s',
    '1h 02m',
  ])
})

test('sizes are decimal', () => {
  const bytes = [0, 999, 1_200, 999_960, 3_400_000, 999_960_000, 83_161_700_000]
  expect(bytes.map(size)).toEqual(['0 B', '999 B', '1.2 kB', '1.0 MB', '3.4 MB', '1.0 GB', '83.2 GB'])
})

test('a time is a duration back from now, or a date', () => {
  expect(momentUs('15m', nowUs)).toBe(nowUs - 15 * 60_000_000)
  expect(momentUs('1.5h', nowUs)).toBe(nowUs - 90 * 60_000_000)
  expect(momentUs('7d', nowUs)).toBe(nowUs - 7 * 86_400_000_000)
  expect(momentUs('2026-01-30T10:00:00Z', nowUs)).toBe(Date.UTC(2026, 0, 30, 10) * 1000)
  expect(momentUs('2026-01-30T10:00', nowUs)).toBe(new Date(2026, 0, 30, 10).getTime() * 1000)
  expect(momentUs('2026-01-30 10:00', nowUs)).toBe(new Date(2026, 0, 30, 10).getTime() * 1000)
})

test('a date alone begins where the reader is, not in Greenwich', () => {
  expect(momentUs('2026-01-30', nowUs)).toBe(new Date(2026, 0, 30).getTime() * 1000)
})

test('what is no time is none', () => {
  for (const written of ['', 'yesterday', '15', '15 m', '-2h', '2026-13-01', '2026-01-30Tx', '99999999999w']) {
    expect(momentUs(written, nowUs), written).toBeUndefined()
  }
})

test('what is to come is a duration from now on, or a date', () => {
  const nowUs = Date.UTC(2026, 0, 31, 12) * 1000
  expect(futureUs('30d', nowUs)).toBe(Date.UTC(2026, 2, 2, 12) * 1000)
  expect(futureUs('2026-02-01T00:00:00Z', nowUs)).toBe(Date.UTC(2026, 1, 1) * 1000)
  expect(['soon', '', '999999999999d', '2026-99-99'].map((written) => futureUs(written, nowUs))).toEqual(
    Array(4).fill(undefined),
  )
})
