import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Body } from './body.ts'

test('the beginning is kept up to the limit, and of what is longer the length and hash of all', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.uint8Array({ maxLength: 50 }), fc.boolean())), fc.nat(200), (pieces, limit) => {
      const body = new Body(limit)
      const whole = Buffer.concat(pieces.map(([bytes]) => bytes))
      for (const [bytes, owns] of pieces) {
        const slab = Buffer.concat([Buffer.from('head'), bytes, Buffer.from('tail')])
        body.add(slab, 4, 4 + bytes.length)
        if (!owns) continue
        body.own()
        // The slab is somebody else's again.
        slab.fill('x')
      }
      expect(body.bytes().equals(whole.subarray(0, limit))).toBe(true)
      expect(body.length).toBe(Math.min(whole.length, limit))
      expect(body.whole()).toEqual(
        whole.length <= limit
          ? {}
          : { whole: { length: whole.length, sha256: createHash('sha256').update(whole).digest('hex') } },
      )
    }),
  )
})
