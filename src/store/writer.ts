import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Records } from '../core/border.ts'
import type { RecordingConfig } from '../core/config.ts'
import { type RecordHandlers, readSlab, requestSlot, type SlabCounters } from '../core/records.ts'
import type { AttemptDetail, AttemptRecord, CallDetail, CallRecord } from '../core/span.ts'
import { inputTokens, outputTokens } from '../core/usage.ts'
import type { AnswerFacts } from '../dialects/dialect.ts'
import { dialectNamed } from '../dialects/index.ts'
import { Blocks } from './blocks.ts'
import { Body } from './body.ts'
import { type AttemptIds, attemptRow, bytesOf, callRow, ledgerRow, traceRow } from './rows.ts'
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
  /** Gives a slab back when nothing refers to it any more. */
  readonly onEmpty: (slab: ArrayBuffer) => void
}

/** What is held of a call until its own record has come. */
interface OpenCall {
  readonly bodies: Map<number, Body>
  /** Of the last attempt: what the writer found out by reading its whole answer. */
  found: Found | undefined
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
  private readonly touched = new Set<Body>()
  private timer: NodeJS.Timeout | undefined
  private barriers: { readonly id: number; readonly reached: () => void }[] = []
  private passed = 0

  private readonly handlers: RecordHandlers = {
    body: (call, slot, slab, start, end) => this.takeBody(call, slot, slab, start, end),
    attempt: (call, record, detail) => this.takeAttempt(call, record, detail),
    ledger: (call, record) => {
      this.calls.get(call)?.bodies.delete(record.number)
      this.rows.ledger.push(ledgerRow(record, idsOf(record)))
    },
    call: (call, record, detail) => this.takeCall(call, record, detail),
    forget: (call) => void this.calls.delete(call),
  }

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
    readSlab(Buffer.from(slab), used, this.handlers)
    // What is still arriving must not hold on to the slab.
    for (const body of this.touched) body.own()
    this.touched.clear()
    if (used > 0) this.deps.onEmpty(slab)
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

  private takeBody(call: number, slot: number, slab: Buffer, start: number, end: number): void {
    let open = this.calls.get(call)
    if (!open) {
      open = { bodies: new Map(), found: undefined }
      this.calls.set(call, open)
    }
    let body = open.bodies.get(slot)
    if (!body) {
      body = new Body(this.deps.recording.bodyBytes)
      open.bodies.set(slot, body)
    }
    body.add(slab, start, end)
    this.touched.add(body)
  }

  private takeAttempt(call: number, sent: AttemptRecord, sentDetail: string): void {
    const open = this.calls.get(call)
    const answer = open?.bodies.get(sent.number)
    open?.bodies.delete(sent.number)
    const found = sent.unread && answer ? readWhole(sent, sentDetail, answer) : undefined
    if (open) open.found = found
    const record = found?.record ?? sent
    const ids = idsOf(record)
    this.rows.ledger.push(ledgerRow(record, ids))
    this.rows.spans.push(attemptRow(record, ids, found?.detail ?? sentDetail, this.place(record.projectId, answer)))
  }

  private takeCall(call: number, sent: CallRecord, sentDetail: string): void {
    const open = this.calls.get(call)
    this.calls.delete(call)
    const { record, detail } = open?.found ? completed(sent, sentDetail, open.found) : { record: sent, detail: sentDetail }
    const trace = bytesOf(record.traceId)
    this.rows.spans.push(callRow(record, trace, detail, this.place(record.projectId, open?.bodies.get(requestSlot))))
    this.rows.traces.push(traceRow(record, trace))
    this.deps.onCall(record)
  }

  private place(projectId: string, body: Body | undefined): BodyAddress | undefined {
    if (!body || body.length === 0) return undefined
    this.touched.delete(body)
    return { ...this.blocks.add(projectId, body.stretches, body.length), ...body.whole() }
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

const idsOf = ({ traceId, spanId }: AttemptRecord): AttemptIds => ({ trace: bytesOf(traceId), span: bytesOf(spanId) })

interface Found {
  readonly record: AttemptRecord
  readonly detail: string
  readonly facts: AnswerFacts
}

/** An attempt whose end did not tell what it used: the whole answer does, if anything. */
function readWhole(record: AttemptRecord, detail: string, answer: Body): Found | undefined {
  const facts = dialectNamed(record.dialect)?.readAnswer(answer.bytes(), record.streaming)
  if (!facts) return undefined
  const { usage = record.usage, usageReported, finishReason, model: modelAnswered = record.modelAnswered, error } = facts
  const usageMissing = usage ? undefined : record.usageMissing
  const known = { usage, usageMissing, modelAnswered, ...(error && { status: 'error' as const }) }
  return {
    facts,
    record: { ...record, ...known, ...(error && { errorCode: error.code }) },
    detail: JSON.stringify({ ...(JSON.parse(detail) as AttemptDetail), ...known, usageReported, finishReason, error }),
  }
}

/** The call of such an attempt, told what the attempt's answer told. */
function completed(record: CallRecord, detail: string, { facts }: Found): { record: CallRecord; detail: string } {
  const { usage, finishReason, model: modelAnswered } = facts
  return {
    record: usage ? { ...record, inputTokens: inputTokens(usage), outputTokens: outputTokens(usage) } : record,
    detail: JSON.stringify({ ...(JSON.parse(detail) as CallDetail), usage, finishReason, modelAnswered }),
  }
}
