import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Pieces } from './pieces.ts'

test('what came in pieces is whole again, however many and how large they were', () => {
  const sizes = fc.array(fc.oneof({ weight: 9, arbitrary: fc.nat(20) }, fc.integer({ min: 1_000, max: 9_000 })), {
    maxLength: 1_500,
    size: 'max',
  })
  fc.assert(
    fc.property(sizes, fc.constantFrom('right', 'none', 'too few', 'too many'), (lengths, said) => {
      const sum = lengths.reduce((total, length) => total + length, 0)
      const pieces = new Pieces({ right: sum, none: 0, 'too few': sum >> 1, 'too many': sum * 3 }[said])
      const all = lengths.map((length, index) => Buffer.alloc(length, index))
      for (const piece of all) pieces.add(piece)
      const whole = Buffer.concat(all)
      expect(pieces.size).toBe(whole.length)
      expect(pieces.whole().equals(whole)).toBe(true)
    }),
    { numRuns: 50 },
  )
})

test('what came at once is not copied', () => {
  const pieces = new Pieces(5)
  const body = Buffer.from('hello')
  pieces.add(body)
  expect(pieces.whole()).toBe(body)
})

test.each([0, 3_000_000, 1_000_000_000])(
  'what is kept of a body that was said to have %i bytes is little more than it',
  (declared) => {
    const pieces = new Pieces(declared)
    for (let at = 0; at < 3_000_000; at += 60_000) pieces.add(Buffer.alloc(60_000))
    expect(pieces.whole().buffer.byteLength).toBeLessThanOrEqual(4_000_000)
  },
)
