import { hash } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import type { Message, Port, Records } from '../core/border.ts'
import { newSlabCounters, readSlab, requestSlot, slabBytes, slabCounters } from '../core/records.ts'
import type { AttemptDetail, CallDetail, SpanRecord } from '../core/span.ts'
import { Slabs } from './slabs.ts'

afterEach(() => void vi.useRealTimers())

type Read = { kind: string; call: number; slot?: number; bytes?: Buffer; record?: unknown }

/** What the writer would read, pieces of one body joined. */
function readAll(sent: readonly Records[]): Read[] {
  const all: Read[] = []
  for (const { slab, used } of sent) {
    readSlab(Buffer.from(slab), used, {
      body(call, slot, bytes, start, end) {
        const piece = Buffer.from(bytes.subarray(start, end))
        const last = all.at(-1)
        if (last?.kind === 'body' && last.call === call && last.slot === slot)
          last.bytes = Buffer.concat([last.bytes ?? piece, piece])
        else all.push({ kind: 'body', call, slot, bytes: piece })
      },
      call: (call, record, text) => {
        expect(JSON.parse(text)).toEqual(record.detail)
        all.push({ kind: 'call', call, record })
      },
      attempt: (call, record) => all.push({ kind: 'attempt', call, record }),
      ledger: (call, record) => all.push({ kind: 'ledger', call, record }),
      forget: (call) => all.push({ kind: 'forget', call }),
      begin: (call, record) => all.push({ kind: 'begin', call, record }),
    })
  }
  return all
}

/** The same with a digest for its bytes: to compare millions of them one by one takes seconds. */
const inShort = ({ bytes, ...rest }: Read): object => ({
  ...rest,
  ...(bytes && { length: bytes.length, digest: hash('sha256', bytes) }),
})

function openSlabs({ cap = 1 << 30, connected = true } = {}) {
  const counters = slabCounters(newSlabCounters())
  const slabs = new Slabs(counters, cap)
  const sent: Records[] = []
  let hear: (message: Message) => void = () => undefined
  const port: Port = {
    postMessage(message, transfer) {
      sent.push(structuredClone(message as Records, { transfer: (transfer ?? []) as ArrayBuffer[] }))
    },
    on: (_event, listener) => {
      hear = listener
    },
    close: () => undefined,
  }
  if (connected) slabs.connect(port)
  return { slabs, sent, counters, port, hear: (message: Message) => hear(message) }
}

const span = (label: string) => ({ label, projectId: 'default' }) as unknown as SpanRecord
const detail = (error: string) => ({ error }) as unknown as CallDetail | AttemptDetail

test('whatever is written is read again, in order and equal, over all borders of slabs', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.integer({ min: 0, max: 300_000 }).map((length) => new Uint8Array(length).fill(length % 251)),
    fc
      .integer({ min: slabBytes - 40, max: slabBytes * 2 + 40 })
      .map((length) => new Uint8Array(length).fill(length % 251)),
  )
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('ü', '漢', '😀', '\n', '\u2028').chain((one) => fc.nat(120_000).map((times) => one.repeat(times))),
  )
  const write = fc.oneof(
    fc.record({ kind: fc.constant('body' as const), pieces: fc.array(bytes, { maxLength: 3 }) }),
    fc.record({
      kind: fc.constantFrom('call' as const, 'attempt' as const, 'ledger' as const),
      label: text,
      error: text,
    }),
    fc.record({ kind: fc.constant('forget' as const) }),
    fc.record({ kind: fc.constant('send' as const) }),
  )
  fc.assert(
    fc.property(fc.array(write, { maxLength: 12 }), (writes) => {
      const { slabs, sent, counters } = openSlabs()
      const expected: Read[] = []
      for (const [index, one] of writes.entries()) {
        const call = index === 0 ? 2 ** 32 - 1 : index
        if (one.kind === 'body') {
          const whole = Buffer.concat(one.pieces)
          slabs.body(call, requestSlot, one.pieces, whole.length)
          if (whole.length > 0) expected.push({ kind: 'body', call, slot: requestSlot, bytes: whole })
        } else if (one.kind === 'forget') {
          slabs.forget(call)
          expected.push({ kind: 'forget', call })
        } else if (one.kind === 'send') slabs.send()
        else {
          slabs.metadata(one.kind, call, span(one.label), detail(one.error))
          // What is no character cannot be written as UTF-8.
          const record = { span: span(one.label.toWellFormed()), detail: detail(one.error.toWellFormed()) }
          expected.push({ kind: one.kind, call, record })
        }
      }
      slabs.send()
      const read = readAll(sent).filter(({ bytes: found }) => found?.length !== 0)
      expect(read.map(inShort)).toEqual(expected.map(inShort))
      expect(counters.inFlightBytes()).toBe(sent.reduce((sum, { used }) => sum + used, 0))
    }),
    { numRuns: 20 },
  )
})

test('what is recorded is a copy: the memory it came from may be used for something else', () => {
  const { slabs, sent } = openSlabs()
  const chunk = Buffer.from('as it was')
  slabs.body(1, 2, [chunk], chunk.length)
  chunk.fill('x')
  slabs.send()
  expect(readAll(sent)).toEqual([{ kind: 'body', call: 1, slot: 2, bytes: Buffer.from('as it was') }])
})

test('a slab leaves when it is full, and after its time when it is not', () => {
  vi.useFakeTimers()
  const { slabs, sent } = openSlabs()
  const half = Buffer.alloc(slabBytes / 2)
  slabs.body(1, 1, [half], half.length)
  slabs.body(1, 1, [half], half.length)
  expect(sent).toHaveLength(1)
  vi.advanceTimersByTime(39)
  expect(sent).toHaveLength(1)
  vi.advanceTimersByTime(1)
  expect(sent).toHaveLength(2)
  vi.advanceTimersByTime(1_000)
  expect(sent).toHaveLength(2)
  expect(vi.getTimerCount()).toBe(0)
  expect(readAll(sent)).toEqual([{ kind: 'body', call: 1, slot: 1, bytes: Buffer.concat([half, half]) }])
})

test('who holds something back is asked for it before the slab leaves by time', () => {
  vi.useFakeTimers()
  const { slabs, sent } = openSlabs()
  slabs.await({ release: () => slabs.body(1, 1, [Buffer.from('held')], 4) })
  vi.advanceTimersByTime(40)
  expect(readAll(sent)).toMatchObject([{ kind: 'body', bytes: Buffer.from('held') }])
  vi.advanceTimersByTime(1_000)
  expect(sent).toHaveLength(1)
})

test('a barrier goes out behind what is there, and alone when there is nothing', () => {
  const { slabs, sent } = openSlabs()
  slabs.forget(1)
  slabs.send(7)
  slabs.send(8)
  slabs.send()
  expect(sent.map(({ used, barrier }) => [used > 0, barrier])).toEqual([
    [true, 7],
    [false, 8],
  ])
})

test('bodies go when the cap is reached, spans a quarter above it', () => {
  const { slabs, counters } = openSlabs({ cap: 1_000 })
  expect([slabs.takesBodies(), slabs.takesSpans()]).toEqual([true, true])
  counters.addInFlight(1_000)
  expect([slabs.takesBodies(), slabs.takesSpans()]).toEqual([false, true])
  counters.addInFlight(250)
  expect([slabs.takesBodies(), slabs.takesSpans()]).toEqual([false, false])
  counters.addInFlight(-1_000)
  expect([slabs.takesBodies(), slabs.takesSpans()]).toEqual([true, true])
  slabs.lose('spans', 2)
  expect(counters.lost()).toMatchObject({ spans: 2, bodies: 0 })
})

test('what is in the slab that is being filled counts towards the cap, too', () => {
  const { slabs } = openSlabs({ cap: 1_000 })
  slabs.body(1, 1, [Buffer.alloc(1_000)], 1_000)
  expect(slabs.takesBodies()).toBe(false)
})

test('while nobody takes them slabs wait, and go in order to whoever comes', () => {
  const { slabs, sent, port } = openSlabs({ connected: false })
  for (const call of [1, 2]) {
    slabs.forget(call)
    slabs.send()
  }
  slabs.connect(port)
  slabs.forget(3)
  slabs.send()
  slabs.disconnect()
  slabs.forget(4)
  slabs.send()
  expect(readAll(sent).map(({ call }) => call)).toEqual([1, 2, 3])
  slabs.connect(port)
  expect(readAll(sent).map(({ call }) => call)).toEqual([1, 2, 3, 4])
})

test('while nobody takes them slabs leave when they are full, not by time, and are no loss of the writer before', () => {
  vi.useFakeTimers()
  const { slabs, sent, counters, port } = openSlabs({ connected: false })
  const most = Buffer.alloc(slabBytes * 0.6)
  for (const call of [1, 2]) {
    slabs.body(call, 1, [most], most.length)
    vi.advanceTimersByTime(1_000)
  }
  expect(slabs.waitingBytes).toBe(counters.inFlightBytes())
  expect(slabs.waitingBytes).toBeGreaterThan(slabBytes / 2)
  slabs.connect(port)
  slabs.connect(port)
  expect(slabs.waitingBytes).toBe(0)
  expect(sent).toHaveLength(2)
  expect(readAll(sent)).toMatchObject([
    { call: 1, bytes: most },
    { call: 2, bytes: most },
  ])
})

test('what is still held back when a writer comes goes to it, too', () => {
  vi.useFakeTimers()
  const { slabs, sent, port } = openSlabs({ connected: false })
  slabs.await({ release: () => slabs.body(1, 1, [Buffer.from('held')], 4) })
  slabs.connect(port)
  vi.advanceTimersByTime(40)
  expect(readAll(sent)).toMatchObject([{ call: 1, bytes: Buffer.from('held') }])
})

test('rows of the ledger go on far beyond the cap, and those past the bound are counted', () => {
  const { slabs, sent, counters } = openSlabs({ cap: 1_000 })
  counters.addInFlight(60 << 20)
  slabs.metadata('ledger', 1, span(''), detail(''))
  counters.addInFlight(10 << 20)
  slabs.metadata('ledger', 2, span(''), detail(''))
  slabs.metadata('ledger', 3, span(''), detail(''))
  counters.addInFlight(-(10 << 20))
  slabs.metadata('ledger', 4, span(''), detail(''))
  slabs.send()
  expect(readAll(sent).map(({ call }) => call)).toEqual([1, 4])
  expect(counters.lost().ledgerRows).toBe(2)
})

test('a slab that comes back is filled again, from its start; one of another size is let go', () => {
  const { slabs, sent, hear } = openSlabs()
  slabs.body(1, 1, [Buffer.alloc(100_000, 'old')], 100_000)
  slabs.send()
  const back = (sent.pop() as Records).slab
  const odd = new ArrayBuffer(5)
  hear({ kind: 'records', slab: odd, used: 0 })
  hear({ kind: 'records', slab: back, used: 0 })
  slabs.body(2, 1, [Buffer.from('new')], 3)
  slabs.send()
  expect(readAll(sent)).toEqual([{ kind: 'body', call: 2, slot: 1, bytes: Buffer.from('new') }])
  expect(odd.detached).toBe(false)
  expect(back.detached).toBe(true)
})
