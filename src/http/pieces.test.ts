import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Pieces } from './pieces.ts'

test('what came in pieces is whole again, however many and how large they were', () => {
  const sizes = fc.array(fc.oneof({ weight: 9, arbitrary: fc.nat(20) }, fc.integer({ min: 1_000, max: 9_000 })), {
    maxLength: 1_500,
    size: 'max',
  })
  fc.assert(
    fc.property(sizes, (lengths) => {
      const pieces = new Pieces()
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
  const pieces = new Pieces()
  const body = Buffer.from('hello')
  pieces.add(body)
  expect(pieces.whole()).toBe(body)
})
