import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Bag } from './bag.ts'

test('a bag holds what a set would, whatever comes and goes', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(8))), (changes) => {
      const items = Array.from({ length: 9 }, (_, name) => ({ name, place: -1 }))
      const bag = new Bag<(typeof items)[number]>()
      const set = new Set<(typeof items)[number]>()
      for (const [adds, name] of changes) {
        const item = items[name] as (typeof items)[number]
        if (!adds) {
          bag.remove(item)
          set.delete(item)
        } else if (item.place < 0) {
          bag.add(item)
          set.add(item)
        }
        expect(new Set(bag)).toEqual(set)
        expect(bag.size).toBe(set.size)
      }
    }),
  )
})
