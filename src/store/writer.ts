import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { AnswerFacts } from '../core/answer.ts'
import type { Records } from '../core/border.ts'
import type { RecordingConfig } from '../core/config.ts'
import { type RecordHandlers, readSlab, requestSlot, type SlabCounters } from '../core/records.ts'
import type { AttemptDetail, AttemptRecord, CallRecord, SpanRecord } from '../core/span.ts'
import { dialectNamed } from '../dialects/index.ts'
import { Blocks } from './blocks.ts'
import { Body } from './body.ts'
import { attemptRow, callRow, ledgerRow, rowIds, traceRow } from './rows.ts'
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
  /** By slot. */
  readonly bodies: (Body | undefined)[]
  /** Of the last attempt: what the writer found out by reading its whole answer. */
  found: AnswerFacts | undefined
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
  private readonly touched: Body[] = []
  private timer: NodeJS.Timeout | undefined
  private barriers: { readonly id: number; readonly reached: () => void }[] = []
  private passed = 0
  /** The last barrier before which everything is on disk. */
  private reached = 0

  private readonly handlers: RecordHandlers = {
    body: (call, slot, slab, start, end) => this.takeBody(call, slot, slab, start, end),
    attempt: (call, record, text) => this.takeAttempt(call, { record, text }),
    ledger: (call, record) => {
      this.takeOut(this.calls.get(call), record.detail.number)
      this.rows.ledger.push(ledgerRow(record, rowIds(record.span)))
    },
    call: (call, record, text) => this.takeCall(call, { record, text }),
    forget: (call) => void this.calls.delete(call),
    begin: () => undefined,
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
    this.touched.length = 0
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

  /** Stores what is waiting. */
  flush(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    const { deps, statements } = this
    try {
      if (this.rows.ledger.length > 0) {
        inTransaction(deps.ledger, () => this.insertAll(statements.ledger, this.rows.ledger))
        this.rows.ledger = []
      }
      const blocks = this.blocks.ready()
      if (blocks.length > 0 || this.rows.spans.length > 0 || this.rows.traces.length > 0) {
        inTransaction(deps.traces, () => {
          for (const { id, projectId, size, data } of blocks) statements.blocks.run(id, projectId, size, data)
          this.insertAll(statements.spans, this.rows.spans)
          this.insertAll(statements.traces, this.rows.traces)
        })
        this.blocks.stored()
        this.rows.spans = []
        this.rows.traces = []
      }
    } catch (thrown) {
      deps.onTrouble(`Traces cannot be written: ${(thrown as Error).message}`)
      this.timer = setTimeout(() => this.flush(), retryMs)
      return
    }
    deps.counters.addInFlight(-this.pendingBytes)
    this.pendingBytes = 0
    this.reached = this.passed
    deps.onTrouble(undefined)
    this.reachBarriers()
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
      open = { bodies: [], found: undefined }
      this.calls.set(call, open)
    }
    let body = open.bodies[slot]
    if (!body) {
      body = new Body(this.deps.recording.bodyBytes)
      open.bodies[slot] = body
    }
    body.add(slab, start, end)
    if (this.touched.at(-1) !== body) this.touched.push(body)
  }

  /** A body that nothing more is added to. */
  private takeOut(open: OpenCall | undefined, slot: number): Body | undefined {
    const body = open?.bodies[slot]
    if (open && body) open.bodies[slot] = undefined
    return body
  }

  private takeAttempt(call: number, sent: Sent<AttemptRecord>): void {
    const open = this.calls.get(call)
    const { number } = sent.record.detail
    const answer = this.takeOut(open, number)
    const facts = sent.record.span.unread && answer ? factsOf(sent.record.detail, answer) : undefined
    if (open) open.found = facts
    const { record, text } = facts ? attemptWith(sent.record, facts) : sent
    const ids = rowIds(record.span)
    this.rows.ledger.push(ledgerRow(record, ids))
    this.rows.spans.push(attemptRow(record, ids, text, this.place(record.span.projectId, answer)))
  }

  private takeCall(call: number, sent: Sent<CallRecord>): void {
    const open = this.calls.get(call)
    this.calls.delete(call)
    const { record, text } = open?.found ? callWith(sent.record, open.found) : sent
    const ids = rowIds(record.span)
    this.rows.spans.push(callRow(record, ids, text, this.place(record.span.projectId, this.takeOut(open, requestSlot))))
    this.rows.traces.push(traceRow(record, ids))
    this.deps.onCall(record)
  }

  private place(projectId: string, body: Body | undefined): BodyAddress | undefined {
    if (!body || body.length === 0) return undefined
    const address = { ...this.blocks.add(projectId, body.stretches, body.length), ...body.whole() }
    body.letGo()
    return address
  }

  /** A row that the database refuses is left out and counted, so that it does not hold up all others for ever. */
  private insertAll(statement: StatementSync, rows: readonly Row[]): void {
    for (const row of rows) {
      try {
        statement.run(...row)
      } catch (thrown) {
        if (!isOfRow(thrown)) throw thrown
        this.deps.counters.addLost('spans', 1)
      }
    }
  }

  private reachBarriers(): void {
    this.barriers = this.barriers.filter(({ id, reached }) => {
      if (id > this.reached) return true
      reached()
      return false
    })
  }
}

/** How soon a flush that failed is tried again. */
const retryMs = 1_000

/** Whether it is the row that cannot be stored and not the file that cannot be written: to try it again would be for nothing. */
function isOfRow(thrown: unknown): boolean {
  const { code, errcode = 0 } = thrown as { code?: string; errcode?: number }
  return code === 'ERR_INVALID_ARG_TYPE' || code === 'ERR_OUT_OF_RANGE' || refusals.has(errcode & 0xff)
}

/** SQLite's numbers for too big, a broken constraint, a wrong type. */
const refusals: ReadonlySet<number> = new Set([18, 19, 20])

/** A record and the text of its detail, which is stored as it came. */
interface Sent<R> {
  readonly record: R
  readonly text: string
}

/** What a whole answer tells whose end did not tell what it used. */
function factsOf({ dialect, streaming }: AttemptDetail, answer: Body): AnswerFacts | undefined {
  try {
    return dialectNamed(dialect)?.readAnswer(answer.bytes(), streaming)
  } catch {
    // Nobody can read everything that a provider may write; the bytes themselves are stored.
    return undefined
  }
}

/** What the watch at the gateway found stands where the writer, who may have less of the answer, found nothing. */
function attemptWith({ span, detail }: AttemptRecord, facts: AnswerFacts): Sent<AttemptRecord> {
  const {
    usage = detail.usage,
    usageReported = detail.usageReported,
    finishReason = detail.finishReason,
    model: modelAnswered = detail.modelAnswered,
    error = detail.error,
  } = facts
  const usageMissing = usage ? undefined : detail.usageMissing
  const told = { ...detail, usage, usageReported, usageMissing, finishReason, modelAnswered, error }
  return { record: { span: spanWith(span, facts), detail: told }, text: JSON.stringify(told) }
}

/** The call of such an attempt knows no more than the attempt did. */
function callWith({ span, detail }: CallRecord, facts: AnswerFacts): Sent<CallRecord> {
  const {
    usage = detail.usage,
    finishReason = detail.finishReason,
    model: modelAnswered = detail.modelAnswered,
    error = detail.error,
  } = facts
  const told = { ...detail, usage, finishReason, modelAnswered, error }
  return { record: { span: spanWith(span, facts), detail: told }, text: JSON.stringify(told) }
}

const spanWith = (span: SpanRecord, { error }: AnswerFacts): SpanRecord => (error ? { ...span, status: 'error' } : span)
