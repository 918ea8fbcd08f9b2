import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Blocks, bodyIn, type ReadyBlock } from './blocks.ts'
import type { BodyAddress } from './schema.ts'

const stretches = (bytes: Buffer) => [{ bytes, start: 0, end: bytes.length }]
const add = (blocks: Blocks, project: string, bytes: Buffer): BodyAddress =>
  blocks.add(project, stretches(bytes), bytes.length)

/** A disk: the newest form of each block. */
function disk() {
  const rows = new Map<number, ReadyBlock>()
  return {
    rows,
    store(blocks: Blocks) {
      for (const block of blocks.ready()) rows.set(block.id, block)
      blocks.stored()
    },
    read: (address: BodyAddress): Buffer => bodyIn((rows.get(address.block) as ReadyBlock).data, address),
  }
}

test('whatever is put into blocks is found at its address, whenever they are stored', () => {
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 500 }),
    fc.nat(400_000).map((length) => new Uint8Array(length).fill(length % 251)),
  )
  const step = fc.record({ project: fc.constantFrom('a', 'b', 'c'), body, flush: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const blocks = new Blocks(1)
      const { store, read, rows } = disk()
      const put = steps.map(({ project, body: bytes, flush }) => {
        const address = add(blocks, project, Buffer.from(bytes))
        if (flush) store(blocks)
        return { project, bytes: Buffer.from(bytes), address }
      })
      store(blocks)
      for (const { project, bytes, address } of put) {
        if (bytes.length === 0) continue
        expect(read(address).equals(bytes)).toBe(true)
        expect(rows.get(address.block)?.projectId).toBe(project)
      }
    }),
    { numRuns: 50 },
  )
})

test('a body in pieces becomes one', () => {
  const blocks = new Blocks(1)
  const { store, read } = disk()
  const bytes = Buffer.from('_Hello_, _world_')
  const address = blocks.add(
    'a',
    [
      { bytes, start: 1, end: 6 },
      { bytes, start: 10, end: 15 },
    ],
    10,
  )
  store(blocks)
  expect(read(address).toString()).toBe('Helloworld')
})

test('projects never share a block, and ids go on from where they were', () => {
  const blocks = new Blocks(41)
  expect(['a', 'b', 'a', 'b'].map((project) => add(blocks, project, Buffer.from('x')).block)).toEqual([41, 42, 41, 42])
})

test('a small block is stored as it grows, and what is there already stays where it is', () => {
  const blocks = new Blocks(1)
  const { store, read, rows } = disk()
  const first = add(blocks, 'a', Buffer.from('first'))
  store(blocks)
  expect(blocks.ready()).toEqual([])
  const second = add(blocks, 'a', Buffer.from('second'))
  expect(second.block).toBe(first.block)
  store(blocks)
  expect(rows.size).toBe(1)
  expect([read(first).toString(), read(second).toString()]).toEqual(['first', 'second'])
})

test('a block with enough in it is closed when it is stored', () => {
  const blocks = new Blocks(1)
  const { store } = disk()
  const first = add(blocks, 'a', Buffer.alloc(64 * 1024))
  store(blocks)
  expect(add(blocks, 'a', Buffer.from('x')).block).toBe(first.block + 1)
})

test('a full block is closed at once, and one body may be larger than a block', () => {
  const blocks = new Blocks(1)
  const { store, read } = disk()
  const full = add(blocks, 'a', Buffer.alloc(256 * 1024, 'f'))
  const large = add(blocks, 'a', Buffer.alloc(3 << 20, 'l'))
  const small = add(blocks, 'a', Buffer.from('s'))
  expect([full.block, large.block, small.block]).toEqual([1, 2, 3])
  store(blocks)
  expect(read(large)).toHaveLength(3 << 20)
  expect(read(small).toString()).toBe('s')
})

test('what could not be stored is ready again, with what came meanwhile', () => {
  const blocks = new Blocks(1)
  const { store, read } = disk()
  const first = add(blocks, 'a', Buffer.alloc(100_000, 'x'))
  expect(blocks.ready()).toHaveLength(1)
  const second = add(blocks, 'a', Buffer.from('y'))
  store(blocks)
  expect([read(first).length, read(second).toString()]).toEqual([100_000, 'y'])
  expect(blocks.ready()).toEqual([])
})
