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

test('a visit sees each once, also when each leaves as it is seen', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 20 }), (leaves) => {
      const bag = new Bag<{ readonly leaves: boolean; place: number }>()
      const items = leaves.map((leaves) => ({ leaves, place: -1 }))
      for (const item of items) bag.add(item)
      const seen: object[] = []
      bag.visit((item) => {
        seen.push(item)
        if (item.leaves) bag.remove(item)
      })
      expect(seen).toHaveLength(items.length)
      expect(new Set(seen)).toEqual(new Set(items))
      expect(new Set(bag)).toEqual(new Set(items.filter(({ leaves }) => !leaves)))
    }),
  )
})

test('a visit misses nobody who stays, whoever else comes and goes meanwhile', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.array(fc.tuple(fc.boolean(), fc.nat(15))), (count, changes) => {
      const bag = new Bag<{ readonly name: number; place: number }>()
      const items = Array.from({ length: 16 }, (_, name) => ({ name, place: -1 }))
      for (const item of items.slice(0, count)) bag.add(item)
      const stays = new Set(items.slice(0, count))
      const seen = new Set<object>()
      const coming = [...changes]
      bag.visit((seenNow) => {
        seen.add(seenNow)
        const [adds, name] = coming.shift() ?? [false, -1]
        const item = items[name]
        if (!item) return
        if (adds && item.place < 0) bag.add(item)
        if (adds) return
        bag.remove(item)
        stays.delete(item)
      })
      expect([...stays].filter((item) => !seen.has(item))).toEqual([])
    }),
  )
})
