import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Body } from './body.ts'

/** What comes, and what is done with all that is held by then. */
const piece = fc.tuple(fc.uint8Array({ maxLength: 50 }), fc.constantFrom('stays', 'is owned', 'moves'))

test('the beginning is kept up to the limit, and of what is longer the length and hash of all', () => {
  fc.assert(
    fc.property(fc.array(piece), fc.nat(200), (pieces, limit) => {
      const body = new Body(limit)
      const whole = Buffer.concat(pieces.map(([bytes]) => bytes))
      let moved = Buffer.alloc(0)
      for (const [bytes, then] of pieces) {
        const slab = Buffer.concat([Buffer.from('head'), bytes, Buffer.from('tail')])
        const before = body.held
        expect(body.add(slab, 4, 4 + bytes.length)).toBe(body.held - before)
        if (then === 'stays') continue
        if (then === 'moves') {
          moved = Buffer.concat([moved, body.bytes()])
          body.moved({ block: 1, offset: 0, length: body.held }, true)
        } else body.own()
        // The slab is somebody else's again.
        slab.fill('x')
      }
      expect(Buffer.concat([moved, body.bytes()]).equals(whole.subarray(0, limit))).toBe(true)
      expect(body.parts.reduce((sum, { length }) => sum + length, body.held)).toBe(body.length)
      expect(body.length).toBe(Math.min(whole.length, limit))
      expect(body.whole()).toEqual(
        whole.length <= limit
          ? {}
          : { whole: { length: whole.length, sha256: createHash('sha256').update(whole).digest('hex') } },
      )
    }),
  )
})
