import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Records } from '../core/border.ts'
import type { RecordingConfig } from '../core/config.ts'
import { readSlab, requestSlot, type SlabCounters } from '../core/records.ts'
import type { AttemptRecord, CallRecord } from '../core/span.ts'
import { dialectNamed } from '../dialects/index.ts'
import { Blocks } from './blocks.ts'
import { Body } from './body.ts'
import { attemptRow, callRow, ledgerRow, traceRow } from './rows.ts'
import type { BodyAddress } from './schema.ts'
import { inserts, inTransaction, prepared, type Row } from './sqlite/inserts.ts'

export interface WriterDeps {
  readonly traces: DatabaseSync
  readonly ledger: DatabaseSync
  readonly counters: SlabCounters
  readonly recording: RecordingConfig
  /** Told of each call as its record comes in. */
  readonly onCall: (call: CallRecord) => void
  readonly onTrouble: (problem: string | undefined) => void
}

/** What is held of a call until its own record has come. */
interface OpenCall {
  readonly bodies: Map<number, Body>
  /** Of the last attempt: what the writer found out by reading its whole answer. */
  found: Pick<CallRecord, 'usage' | 'finishReason' | 'modelAnswered'> | undefined
}

/**
 * Turns records into rows, the only one to do so. Rows wait for the next flush: after an interval, or when they are many
 * or large. When a flush fails they wait on, counted as in flight, so that the gateway stops sending what can be spared.
 */
export class Writer {
  private readonly deps: WriterDeps
  private readonly blocks: Blocks
  private readonly statements: Readonly<Record<keyof typeof inserts, StatementSync>>
  private readonly calls = new Map<number, OpenCall>()
  private rows: Record<'ledger' | 'spans' | 'traces', Row[]> = { ledger: [], spans: [], traces: [] }
  private pendingBytes = 0
  private timer: NodeJS.Timeout | undefined
  private barriers: { readonly id: number; readonly reached: () => void }[] = []
  private passed = 0

  constructor(deps: WriterDeps) {
    this.deps = deps
    const { traces, ledger } = deps
    const last = traces.prepare('select max(id) as id from blocks').get() as { id: number | null }
    this.blocks = new Blocks((last.id ?? 0) + 1)
    this.statements = {
      ledger: prepared(ledger, inserts.ledger),
      spans: prepared(traces, inserts.spans),
      traces: prepared(traces, inserts.traces),
      blocks: prepared(traces, inserts.blocks),
    }
  }

  take({ slab, used, barrier }: Pick<Records, 'slab' | 'used' | 'barrier'>): void {
    const touched = new Set<Body>()
    for (const record of readSlab(slab, used)) {
      switch (record.kind) {
        case 'body': {
          const body = this.bodyOf(record.call, record.slot)
          body.add(record.bytes)
          touched.add(body)
          break
        }
        case 'attempt':
          this.takeAttempt(record.call, record.record)
          break
        case 'ledger':
          this.calls.get(record.call)?.bodies.delete(record.record.number)
          this.rows.ledger.push(ledgerRow(record.record))
          break
        case 'call':
          this.takeCall(record.call, record.record)
          break
        case 'forget':
          this.calls.delete(record.call)
      }
    }
    // What is still arriving must not hold on to the slab.
    for (const body of touched) if (!body.placed) body.own()
    this.pendingBytes += used
    if (barrier !== undefined) this.passed = Math.max(this.passed, barrier)

    const { flushIntervalMs, flushCount, flushBytes } = this.deps.recording
    if (barrier !== undefined || this.pendingBytes >= flushBytes || this.rows.spans.length >= flushCount) this.flush()
    else this.timer ??= setTimeout(() => this.flush(), flushIntervalMs)
  }

  /** Resolves when everything up to the barrier is stored. */
  stored(barrier: number): Promise<void> {
    return new Promise((resolve) => {
      this.barriers.push({ id: barrier, reached: resolve })
      this.reachBarriers()
    })
  }

  /** Stores what is waiting; true when all of it is on disk. */
  flush(): boolean {
    clearTimeout(this.timer)
    this.timer = undefined
    const { deps, statements } = this
    try {
      if (this.rows.ledger.length > 0) {
        inTransaction(deps.ledger, () => insertAll(statements.ledger, this.rows.ledger))
        this.rows.ledger = []
      }
      const blocks = this.blocks.ready()
      if (blocks.length > 0 || this.rows.spans.length > 0 || this.rows.traces.length > 0) {
        inTransaction(deps.traces, () => {
          for (const { id, projectId, size, data } of blocks) statements.blocks.run(id, projectId, size, data)
          insertAll(statements.spans, this.rows.spans)
          insertAll(statements.traces, this.rows.traces)
        })
        this.blocks.stored()
        this.rows.spans = []
        this.rows.traces = []
      }
    } catch (thrown) {
      deps.onTrouble(`Traces cannot be written: ${(thrown as Error).message}`)
      this.timer = setTimeout(() => this.flush(), retryMs)
      return false
    }
    deps.counters.addInFlight(-this.pendingBytes)
    this.pendingBytes = 0
    deps.onTrouble(undefined)
    this.reachBarriers()
    return true
  }

  close(): void {
    this.flush()
    clearTimeout(this.timer)
    this.deps.traces.close()
    this.deps.ledger.close()
  }

  private bodyOf(call: number, slot: number): Body {
    let open = this.calls.get(call)
    if (!open) this.calls.set(call, (open = { bodies: new Map(), found: undefined }))
    let body = open.bodies.get(slot)
    if (!body) open.bodies.set(slot, (body = new Body(this.deps.recording.bodyBytes)))
    return body
  }

  private takeAttempt(call: number, sent: AttemptRecord): void {
    const open = this.calls.get(call)
    const answer = open?.bodies.get(sent.number)
    const record = sent.unread && answer ? read(sent, answer) : sent
    if (open && record !== sent) {
      const { usage, finishReason, modelAnswered } = record
      open.found = { ...(usage && { usage }), ...(finishReason && { finishReason }), ...(modelAnswered && { modelAnswered }) }
    }
    open?.bodies.delete(sent.number)
    this.rows.ledger.push(ledgerRow(record))
    this.rows.spans.push(attemptRow(record, this.place(record.projectId, answer)))
  }

  private takeCall(call: number, sent: CallRecord): void {
    const open = this.calls.get(call)
    this.calls.delete(call)
    const record = open?.found ? { ...sent, ...open.found } : sent
    this.rows.spans.push(callRow(record, this.place(record.projectId, open?.bodies.get(requestSlot))))
    this.rows.traces.push(traceRow(record))
    this.deps.onCall(record)
  }

  private place(projectId: string, body: Body | undefined): BodyAddress | undefined {
    if (!body || body.length === 0) return undefined
    body.placed = true
    return { ...this.blocks.add(projectId, body.parts, body.length), ...body.whole() }
  }

  private reachBarriers(): void {
    if (this.pendingBytes > 0) return
    this.barriers = this.barriers.filter(({ id, reached }) => {
      if (id > this.passed) return true
      reached()
      return false
    })
  }
}

/** How soon a flush that failed is tried again. */
const retryMs = 1_000

function insertAll(statement: StatementSync, rows: readonly Row[]): void {
  for (const row of rows) statement.run(...row)
}

/** An attempt whose end did not tell what it used: the whole answer does, if anything. */
function read(record: AttemptRecord, answer: Body): AttemptRecord {
  const facts = dialectNamed(record.dialect)?.readAnswer(answer.bytes(), record.streaming)
  if (!facts) return record
  const { usage, usageReported, finishReason, model } = facts
  const { usageMissing, ...known } = record
  return {
    ...known,
    ...(usage ? { usage, usageReported } : usageMissing !== undefined && { usageMissing }),
    ...(finishReason !== undefined && { finishReason }),
    ...(model !== undefined && { modelAnswered: model }),
  }
}
