import { expect, test } from 'vitest'
import type { Records } from '../core/border.ts'
import { newSlabCounters, readSlab, slabCounters } from '../core/records.ts'
import { Capture } from './capture.ts'
import { Slabs } from './slabs.ts'

function openCapture(cap: number) {
  const counters = slabCounters(newSlabCounters())
  const slabs = new Slabs(counters, cap)
  const records: string[] = []
  slabs.connect({
    postMessage(message) {
      const { slab, used } = message as Records
      const nothing = (): void => undefined
      readSlab(Buffer.from(slab), used, {
        body: (_call, _slot, bytes, start, end) => void records.push(bytes.toString('latin1', start, end)),
        call: nothing,
        attempt: nothing,
        ledger: nothing,
        forget: nothing,
        begin: nothing,
      })
    },
    on: () => undefined,
    close: () => undefined,
  })
  return { counters, slabs, records, capture: new Capture(slabs, 1, 1) }
}

test('small chunks become one record, when there are enough of them or somebody sends', () => {
  const { capture, slabs, records } = openCapture(1 << 20)
  for (const chunk of ['a', 'b', 'c']) capture.add(Buffer.from(chunk))
  slabs.send()
  capture.add(Buffer.from('d'))
  capture.add(Buffer.alloc(5_000, 'e'))
  capture.add(Buffer.from('f'))
  capture.release()
  slabs.send()
  expect(records).toEqual(['abc', `d${'e'.repeat(5_000)}`, 'f'])
  expect(capture.bytes).toBe(5_005)
})

test('behind a gap nothing more is recorded, but all of it is counted', () => {
  const { capture, slabs, counters, records } = openCapture(1_000)
  capture.add(Buffer.from('kept'))
  slabs.send()
  counters.addInFlight(1_000)
  capture.add(Buffer.from('lost'))
  slabs.send()
  counters.addInFlight(-counters.inFlightBytes())
  capture.add(Buffer.from('after'))
  slabs.send()
  expect(records).toEqual(['kept'])
  expect(capture.bytes).toBe(13)
  expect(counters.lost()).toMatchObject({ bodies: 1, bodyBytes: 9 })
})
