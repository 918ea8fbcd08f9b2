import type { AttemptRecord, CallRecord } from './span.ts'

/**
 * Records on their way from the gateway to the writer: a slab is filled from its start with a head of 12 bytes and a
 * payload each. Head: payload length (u32), kind (u8), slot (u8), two bytes unused, the call's number (u32).
 */
export const slabBytes = 1 << 20
export const recordHeadBytes = 12

/**
 * `body` holds captured bytes as they were. `call` and `attempt` hold two lines of JSON, the span and its
 * detail, of which the second is stored as it came. `ledger` is an attempt whose span was dropped, and
 * `forget`, which is empty, ends a call whose span was. `begin` is a call that has run for a while: what is known of it so
 * far, so that it is not lost if nobody sees its end.
 */
export const recordKinds = { body: 1, call: 2, attempt: 3, ledger: 4, forget: 5, begin: 6 } as const
export type RecordKind = keyof typeof recordKinds

/** The slot of a body within its call: the client's request is 0, the answer to attempt n is n. */
export const requestSlot = 0

/** What a reader of slabs does with each kind of record. Bodies are places in the slab, which is not theirs to keep. */
export interface RecordHandlers {
  body(call: number, slot: number, slab: Buffer, start: number, end: number): void
  /** `detailText` is the detail as it came. */
  call(call: number, record: CallRecord, detailText: string): void
  attempt(call: number, record: AttemptRecord, detailText: string): void
  ledger(call: number, record: AttemptRecord): void
  forget(call: number): void
  begin(call: number, record: CallRecord, detailText: string): void
}

export interface SlabCounters {
  /** Bytes handed to the writer and not yet on disk. */
  inFlightBytes(): number
  addInFlight(bytes: number): void
  /** How many rows of the ledger the writer holds until they are on disk. */
  ledgerRows(): number
  setLedgerRows(count: number): void
  /** What was not recorded since the start. */
  addLost(what: keyof typeof lostCounters, count: number): void
  lost(): Lost
}

export const lostCounters = { bodies: 1, bodyBytes: 2, spans: 3, slabBytes: 4, ledgerRows: 5 } as const
export type Lost = Readonly<Record<keyof typeof lostCounters, number>>

/** Counters that the gateway and the writer share. The first is read for every chunk, so it is a plain 32-bit number. */
export function slabCounters(shared: SharedArrayBuffer): SlabCounters {
  const inFlight = new Int32Array(shared, 0, 1)
  const counts = new BigInt64Array(shared)
  const ledgerRows = counts.length - 1
  const read = (slot: number): number => Number(Atomics.load(counts, slot))
  return {
    inFlightBytes: () => Atomics.load(inFlight, 0),
    addInFlight: (bytes) => void Atomics.add(inFlight, 0, bytes),
    ledgerRows: () => read(ledgerRows),
    setLedgerRows: (count) => void Atomics.store(counts, ledgerRows, BigInt(count)),
    addLost: (what, count) => void Atomics.add(counts, lostCounters[what], BigInt(count)),
    lost: () => ({
      bodies: read(lostCounters.bodies),
      bodyBytes: read(lostCounters.bodyBytes),
      spans: read(lostCounters.spans),
      slabBytes: read(lostCounters.slabBytes),
      ledgerRows: read(lostCounters.ledgerRows),
    }),
  }
}

export const newSlabCounters = (): SharedArrayBuffer =>
  new SharedArrayBuffer(8 * (2 + Object.keys(lostCounters).length))

export const callNumbers = 2 ** 32

/** Hands on the records of a slab in the order in which they were written. */
export function readSlab(slab: Buffer, used: number, handlers: RecordHandlers): void {
  for (let at = 0; at < used; ) {
    const start = at + recordHeadBytes
    const end = start + slab.readUInt32LE(at)
    const kind = slab[at + 4]
    const call = slab.readUInt32LE(at + 8)
    switch (kind) {
      case recordKinds.body:
        handlers.body(call, slab[at + 5] as number, slab, start, end)
        break
      case recordKinds.forget:
        handlers.forget(call)
        break
      default: {
        const lines = slab.toString('utf8', start, end)
        const lineEnd = lines.indexOf('\n')
        const text = lines.slice(lineEnd + 1)
        const record: unknown = { span: JSON.parse(lines.slice(0, lineEnd)), detail: JSON.parse(text) }
        if (kind === recordKinds.begin) handlers.begin(call, record as CallRecord, text)
        else if (kind === recordKinds.call) handlers.call(call, record as CallRecord, text)
        else if (kind === recordKinds.attempt) handlers.attempt(call, record as AttemptRecord, text)
        else handlers.ledger(call, record as AttemptRecord)
      }
    }
    at = end
  }
}
