import type { AttemptRecord, CallRecord } from './span.ts'

/**
 * Records on their way from the gateway to the writer: a slab is filled from its start with a head of 12 bytes and a
 * payload each. Head: payload length (u32), kind (u8), slot (u8), two bytes unused, the call's number (u32).
 */
export const slabBytes = 1 << 20
export const recordHeadBytes = 12

/**
 * `body` holds captured bytes as they were, `call` and `attempt` JSON. `ledger` is an attempt whose span was dropped, and
 * `forget`, which is empty, ends a call whose span was.
 */
export const recordKinds = { body: 1, call: 2, attempt: 3, ledger: 4, forget: 5 } as const
export type RecordKind = keyof typeof recordKinds

/** The slot of a body within its call: the client's request is 0, the answer to attempt n is n. */
export const requestSlot = 0

export type ReadRecord =
  | { readonly kind: 'body'; readonly call: number; readonly slot: number; readonly bytes: Buffer }
  | { readonly kind: 'call'; readonly call: number; readonly record: CallRecord }
  | { readonly kind: 'attempt' | 'ledger'; readonly call: number; readonly record: AttemptRecord }
  | { readonly kind: 'forget'; readonly call: number }

export interface SlabCounters {
  /** Bytes handed to the writer and not yet on disk. */
  inFlightBytes(): number
  addInFlight(bytes: number): void
  /** What was not recorded since the start. */
  addLost(what: keyof typeof lostCounters, count: number): void
  lost(): Lost
}

export const lostCounters = { bodies: 1, bodyBytes: 2, spans: 3, slabs: 4, slabBytes: 5 } as const
export type Lost = Readonly<Record<keyof typeof lostCounters, number>>

/** Counters that the gateway and the writer share. The first is read for every chunk, so it is a plain 32-bit number. */
export function slabCounters(shared: SharedArrayBuffer): SlabCounters {
  const inFlight = new Int32Array(shared, 0, 1)
  const counts = new BigInt64Array(shared)
  const read = (slot: number): number => Number(Atomics.load(counts, slot))
  return {
    inFlightBytes: () => Atomics.load(inFlight, 0),
    addInFlight: (bytes) => void Atomics.add(inFlight, 0, bytes),
    addLost: (what, count) => void Atomics.add(counts, lostCounters[what], BigInt(count)),
    lost: () => ({
      bodies: read(lostCounters.bodies),
      bodyBytes: read(lostCounters.bodyBytes),
      spans: read(lostCounters.spans),
      slabs: read(lostCounters.slabs),
      slabBytes: read(lostCounters.slabBytes),
    }),
  }
}

export const newSlabCounters = (): SharedArrayBuffer => new SharedArrayBuffer(8 * (1 + Object.keys(lostCounters).length))

export const callNumbers = 2 ** 32

/** The records of a slab in the order in which they were written. Bodies are views on the slab. */
export function* readSlab(slab: ArrayBuffer, used: number): Generator<ReadRecord> {
  const bytes = Buffer.from(slab, 0, used)
  for (let at = 0; at < used; ) {
    const length = bytes.readUInt32LE(at)
    const kind = bytes[at + 4]
    const slot = bytes[at + 5] as number
    const call = bytes.readUInt32LE(at + 8)
    const payload = bytes.subarray(at + recordHeadBytes, at + recordHeadBytes + length)
    at += recordHeadBytes + length
    if (kind === recordKinds.body) yield { kind: 'body', call, slot, bytes: payload }
    else if (kind === recordKinds.call) yield { kind: 'call', call, record: parse<CallRecord>(payload) }
    else if (kind === recordKinds.forget) yield { kind: 'forget', call }
    else yield { kind: kind === recordKinds.ledger ? 'ledger' : 'attempt', call, record: parse<AttemptRecord>(payload) }
  }
}

const parse = <T>(payload: Buffer): T => JSON.parse(payload.toString('utf8')) as T
