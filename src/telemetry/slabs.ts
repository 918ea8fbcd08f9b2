import type { Port, Records } from '../core/border.ts'
import {
  type lostCounters,
  type RecordKind,
  recordHeadBytes,
  recordKinds,
  type SlabCounters,
  slabBytes,
} from '../core/records.ts'
import type { AttemptDetail, CallDetail, SpanRecord } from '../core/span.ts'

/** What describes a call is far below this. A record that is not, since somebody's names are, has a slab of its own size. */
const longestMetadata = slabBytes - recordHeadBytes

const mostSpare = 4

/** A body up to this size begins a new slab rather than being divided. */
const smallBody = slabBytes / 16

/** Somebody who has something for the slab and waits until there is more of it. */
export interface Holder {
  release(): void
}

/** How far over the cap bodies alone are dropped; beyond it spans are too. */
const spanCapFactor = 1.25
/** And how much there may be of what is left then, rows of the ledger. */
const ledgerBytes = 1 << 26

/**
 * Copies what is to be recorded into slabs and hands them to the writer when they are full or `sendEveryMs` old.
 * Copies, since the chunks of a socket are views on memory that its parser still uses. Ports have no back-pressure,
 * so the bytes that the writer has not yet stored are counted, and past the cap the large and least important go first.
 */
export class Slabs {
  private slab = Buffer.alloc(0)
  private used = 0
  private timer: NodeJS.Timeout | undefined
  private port: Port | undefined
  private readonly holders: Holder[] = []
  private readonly backlog: Records[] = []
  private readonly spare: ArrayBuffer[] = []
  private readonly counters: SlabCounters
  private readonly inFlightCap: number
  private readonly sendEveryMs: number

  constructor(counters: SlabCounters, inFlightCap: number, sendEveryMs = 40) {
    this.counters = counters
    this.inFlightCap = inFlightCap
    this.sendEveryMs = sendEveryMs
  }

  /** From now on slabs go here: the writer is new, or back after a crash. What waited for it goes first. */
  connect(port: Port): void {
    if (port === this.port) return
    this.port = port
    // A slab that comes back is used again: a new one costs the system a million bytes of zeros.
    port.on('message', (message) => {
      if (message.kind !== 'records' || message.slab.byteLength !== slabBytes) return
      if (this.spare.length < mostSpare) this.spare.push(message.slab)
    })
    for (const records of this.backlog.splice(0)) port.postMessage(records, [records.slab])
    this.send()
  }

  /** The writer is gone: what is recorded waits, counted like everything on its way, until there is another. */
  disconnect(): void {
    this.port = undefined
  }

  /** How many bytes wait for a writer: they are not lost with the one that is gone. */
  get waitingBytes(): number {
    return this.backlog.reduce((sum, { used }) => sum + used, 0)
  }

  /** True while a body may still be recorded. */
  takesBodies(): boolean {
    return this.counters.inFlightBytes() + this.used < this.inFlightCap
  }

  takesSpans(): boolean {
    return this.counters.inFlightBytes() + this.used < this.inFlightCap * spanCapFactor
  }

  private takesLedgerRows(): boolean {
    return this.counters.inFlightBytes() + this.used < this.inFlightCap * spanCapFactor + ledgerBytes
  }

  lose(what: keyof typeof lostCounters, count: number): void {
    this.counters.addLost(what, count)
  }

  /** Whoever still holds something back is asked for it before the next slab leaves by time. */
  await(holder: Holder): void {
    this.holders.push(holder)
    this.timer ??= setTimeout(() => this.send(), this.sendEveryMs)
  }

  /** Copies pieces of a body: small ones together as one record, and what has no room in one slab over several. */
  body(call: number, slot: number, pieces: readonly Uint8Array[], length: number): void {
    if (length <= smallBody) {
      this.room(recordHeadBytes + length)
      this.head('body', call, slot, length)
      for (const piece of pieces) {
        this.slab.set(piece, this.used)
        this.used += piece.length
      }
    } else for (const piece of pieces) this.spread(call, slot, piece)
  }

  private spread(call: number, slot: number, bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; ) {
      const room = this.room(recordHeadBytes + Math.min(bytes.length - from, smallBody))
      const piece = bytes.subarray(from, from + room - recordHeadBytes)
      this.head('body', call, slot, piece.length)
      this.slab.set(piece, this.used)
      this.used += piece.length
      from += piece.length
    }
  }

  /** Writes what describes a call or an attempt: plain objects, each a line of JSON. */
  metadata(
    kind: 'call' | 'attempt' | 'ledger' | 'begin',
    call: number,
    span: SpanRecord,
    detail: CallDetail | AttemptDetail,
  ): void {
    if (kind === 'ledger' && !this.takesLedgerRows()) {
      this.lose('ledgerRows', 1)
      return
    }
    const text = `${JSON.stringify(span)}\n${JSON.stringify(detail)}`
    // A character takes three bytes of UTF-8 at most.
    let bound = text.length * 3
    let encoded: Buffer | undefined
    if (bound > longestMetadata) {
      encoded = Buffer.from(text)
      bound = encoded.length
    }
    this.room(recordHeadBytes + bound)
    const start = this.used
    this.used += recordHeadBytes
    const length = encoded ? encoded.copy(this.slab, this.used) : this.slab.write(text, this.used)
    this.used = start
    this.head(kind, call, 0, length)
    this.used += length
  }

  /** Nothing more comes of this call. */
  forget(call: number): void {
    this.room(recordHeadBytes)
    this.head('forget', call, 0, 0)
  }

  /** Hands over what there is, so that the writer can store it; `barrier` stands behind it. */
  send(barrier?: number): void {
    for (const holder of this.holders) holder.release()
    this.holders.length = 0
    clearTimeout(this.timer)
    this.timer = undefined
    // While nobody takes them slabs are filled first: each takes its megabyte however little is in it.
    if (this.port || barrier !== undefined) this.handOver(barrier)
  }

  private handOver(barrier?: number): void {
    clearTimeout(this.timer)
    this.timer = undefined
    if (this.used === 0 && barrier === undefined) return
    const { slab, used } = this
    this.slab = Buffer.alloc(0)
    this.used = 0
    this.counters.addInFlight(used)
    const bytes = used === 0 ? new ArrayBuffer(0) : (slab.buffer as ArrayBuffer)
    const records: Records = { kind: 'records', slab: bytes, used, ...(barrier !== undefined && { barrier }) }
    if (this.port) this.port.postMessage(records, [bytes])
    else this.backlog.push(records)
  }

  /** Makes room for a record and says how much there is in all. */
  private room(wanted: number): number {
    if (this.slab.length - this.used < wanted) {
      this.handOver()
      const spare = wanted > slabBytes ? undefined : this.spare.pop()
      this.slab = Buffer.from(spare ?? new ArrayBuffer(Math.max(slabBytes, wanted)))
      this.timer ??= setTimeout(() => this.send(), this.sendEveryMs)
    }
    return this.slab.length - this.used
  }

  private head(kind: RecordKind, call: number, slot: number, length: number): void {
    const { slab, used } = this
    slab.writeUInt32LE(length, used)
    slab[used + 4] = recordKinds[kind]
    slab[used + 5] = slot
    slab.writeUInt32LE(call, used + 8)
    this.used = used + recordHeadBytes
  }
}
