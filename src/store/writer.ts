import type { Records } from '../core/border.ts'
import type { RecordingConfig, ResponsesConfig } from '../core/config.ts'
import { type RecordHandlers, readSlab, requestSlot, type SlabCounters } from '../core/records.ts'
import type { AttemptRecord, CallRecord, SpanRecord } from '../core/span.ts'
import { outputTokens } from '../core/usage.ts'
import { dialectNamed } from '../dialects/index.ts'
import { Blocks, bodyIn } from './blocks.ts'
import { Body } from './body.ts'
import { estimatedUsage } from './estimate.ts'
import { attemptWith, callWith, type Found, type Sent } from './found.ts'
import { markInterrupted } from './interrupted.ts'
import { LedgerRows, type LedgerStatements, ledgerFile } from './ledger-rows.ts'
import { Responses } from './responses.ts'
import { attemptRow, callRow, ledgerRow, rowIds, traceRow } from './rows.ts'
import type { BodyAddress, BodyPart } from './schema.ts'
import type { Row } from './sqlite/inserts.ts'
import { type BeginEntry, type TraceEntry, type TraceStatements, tracesFile, writeEntry } from './trace-entries.ts'
import { type FileNews, WrittenFile } from './written-file.ts'

export interface WriterDeps {
  readonly files: { readonly traces: string; readonly ledger: string }
  /** When the process started: calls that are older and still run in the files were interrupted. */
  readonly startedUs: number
  readonly counters: SlabCounters
  readonly recording: RecordingConfig
  readonly responses: ResponsesConfig
  /** Told of each call as its record comes in. */
  readonly onCall: (call: CallRecord) => void
  /** Something is wrong with a file, or right again; what is wrong now is in `problems`. */
  readonly onNews: (news: FileNews) => void
  /** Gives a slab back when nothing refers to it any more. */
  readonly onEmpty: (slab: ArrayBuffer) => void
}

/** What is held of a call until its own record has come. */
interface OpenCall {
  /** By slot. */
  readonly bodies: (Body | undefined)[]
  /** Of the last attempt: what the writer found out by reading its whole answer. */
  found: Found | undefined
  /** Attempts that have ended: they are stored with their call or behind its begin, never before. */
  attempts: Row[]
  attemptBytes: number
  begin: BeginEntry | undefined
}

/** What an entry takes in memory besides its text. */
const entryBytes = 500
/** How much of a body is held at most once its call has been running for a while: the rest is in blocks already. */
const heldBytes = 64 * 1024
/** And how much when what is held of all calls takes this share of what may be in flight: many long streams run. */
const fewHeldBytes = 4 * 1024
const heldShare = 1 / 4

/**
 * Turns records into rows, the only one to do so. Rows wait for the next flush: after an interval, or when they are many
 * or large. The two files do not wait for each other: what one of them cannot take waits on, and what waits for the traces
 * counts as in flight, as does what is held of calls that run, so that the gateway stops sending what can be spared.
 */
export class Writer {
  /** How many calls an earlier process left running. */
  readonly interrupted: number
  private readonly deps: WriterDeps
  private recording: RecordingConfig
  private readonly traces: WrittenFile<TraceStatements>
  private readonly ledger: WrittenFile<LedgerStatements>
  private readonly ledgerRows: LedgerRows
  private readonly kept: Responses
  private readonly blocks: Blocks
  /** Calls that began before may have lost the beginning of a body with a writer that crashed. */
  private readonly brokenBeforeUs: number
  private readonly calls = new Map<number, OpenCall>()
  private entries: TraceEntry[] = []
  private waitingSpans = 0
  /** What waits for the next flush of the traces, and what is held of calls that run. */
  private waitingBytes = 0
  private openBytes = 0
  /** How much of both the shared counter knows of. */
  private countedBytes = 0
  private readonly touched: Body[] = []
  private timer: NodeJS.Timeout | undefined
  private barriers: { readonly id: number; readonly reached: () => void }[] = []
  private passed = 0
  /** The last barrier before which every trace is on disk. */
  private reached = 0

  private readonly handlers: RecordHandlers = {
    body: (call, slot, slab, start, end) => this.takeBody(call, slot, slab, start, end),
    attempt: (call, record, text) => this.takeAttempt(call, { record, text }),
    ledger: (call, record) => {
      this.lose(this.takeOut(this.calls.get(call), record.detail.number))
      this.ledgerRows.add(ledgerRow(record, rowIds(record.span)))
    },
    begin: (call, record, text) => this.takeBegin(call, { record, text }),
    call: (call, record, text) => this.takeCall(call, { record, text }),
    forget: (call) => this.takeForget(call),
  }

  /** Opens the files and settles what an earlier process left. What is wrong with them for good is thrown in words. */
  static async open(deps: WriterDeps): Promise<Writer> {
    const ledger = await WrittenFile.open(ledgerFile(deps.files.ledger))
    let traces: WrittenFile<TraceStatements> | undefined
    try {
      traces = await WrittenFile.open(tracesFile(deps.files.traces))
      return new Writer(deps, traces, ledger, await markInterrupted(traces, ledger, deps.startedUs))
    } catch (thrown) {
      traces?.close()
      ledger.close()
      throw thrown
    }
  }

  private constructor(
    deps: WriterDeps,
    traces: WrittenFile<TraceStatements>,
    ledger: WrittenFile<LedgerStatements>,
    interrupted: number,
  ) {
    this.deps = deps
    this.recording = deps.recording
    this.traces = traces
    this.ledger = ledger
    this.interrupted = interrupted
    this.brokenBeforeUs = deps.counters.lost().slabBytes > 0 ? Date.now() * 1000 : 0
    this.ledgerRows = new LedgerRows(ledger, deps.counters)
    this.kept = new Responses(traces, deps.responses)
    this.blocks = new Blocks((traces.read(({ lastBlock }) => lastBlock) ?? 0) + 1)
    const { onNews } = deps
    const onDue = (): void => this.flush()
    ledger.watch({ onNews, onDue, onReplaced: () => undefined })
    // Calls that run have begun in the file that is gone.
    const onReplaced = (): void => {
      this.kept.recount()
      const begun = [...this.calls.values()].flatMap(({ begin }) => (begin ? [begin] : []))
      this.entries.unshift(...begun)
      this.waitingSpans += begun.length
      this.waitingBytes += begun.length * entryBytes
    }
    traces.watch({ onNews, onDue, onReplaced })
  }

  /** What comes from now on goes by it. */
  configure({ recording, responses }: Pick<WriterDeps, 'recording' | 'responses'>): void {
    this.recording = recording
    this.kept.config = responses
  }

  /** What an operator should know of the files, in a sentence each. */
  get problems(): readonly string[] {
    return [...this.ledger.problems, ...this.traces.problems]
  }

  take({ slab, used, barrier }: Pick<Records, 'slab' | 'used' | 'barrier'>): void {
    readSlab(Buffer.from(slab), used, this.handlers)
    for (const body of this.touched) {
      this.hold(body, heldBytes)
      // What is still arriving must not hold on to the slab.
      body.own()
    }
    this.touched.length = 0
    if (this.openBytes > this.recording.inFlightBytes * heldShare) {
      for (const { bodies } of this.calls.values()) for (const body of bodies) if (body) this.hold(body, fewHeldBytes)
    }
    if (used > 0) this.deps.onEmpty(slab)
    this.count(used)
    if (barrier !== undefined) this.passed = Math.max(this.passed, barrier)

    const { flushIntervalMs, flushCount, flushBytes } = this.recording
    if (barrier !== undefined || this.waitingBytes >= flushBytes || this.waitingSpans >= flushCount) this.flush()
    else this.timer ??= setTimeout(() => this.flush(), flushIntervalMs)
  }

  /** Resolves when all traces up to the barrier are stored. */
  stored(barrier: number): Promise<void> {
    return new Promise((resolve) => {
      this.barriers.push({ id: barrier, reached: resolve })
      this.reachBarriers()
    })
  }

  /** Answers that are kept for whoever goes on by their id. */
  get responses(): Responses {
    return this.kept
  }

  /** Stores what is waiting, each file for itself: the ledger first, so that what was paid for is known before it is shown. */
  flush(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    this.ledgerRows.store()
    if (this.storeTraces()) {
      this.reached = this.passed
      this.reachBarriers()
    }
    this.count(0)
  }

  /** Stores what it can. What a file in trouble does not take is lost, and counted. */
  close(): void {
    this.traces.hurry()
    this.ledger.hurry()
    this.flush()
    clearTimeout(this.timer)
    this.deps.counters.addLost('spans', this.waitingSpans)
    this.ledgerRows.giveUp()
    this.traces.close()
    this.ledger.close()
  }

  private storeTraces(): boolean {
    while (this.waitingBytes > 0) {
      let writing: TraceEntry | undefined
      try {
        const isStored = this.traces.store((statements) => {
          for (const { id, projectId, size, data } of this.blocks.ready()) {
            statements.blocks.run(id, projectId, size, data)
          }
          for (writing of this.entries) writeEntry(statements, writing)
        })
        if (!isStored) return false
        this.blocks.stored()
        this.entries = []
        this.waitingSpans = 0
        this.waitingBytes = 0
      } catch (thrown) {
        if (!writing) throw thrown
        // The database refuses this one for itself. The others are stored without it, and no row of it stands alone.
        this.entries = this.entries.filter((entry) => entry !== writing)
        const spans = spansIn(writing)
        this.waitingSpans -= spans
        this.deps.counters.addLost('spans', spans)
      }
    }
    return true
  }

  private takeBody(call: number, slot: number, slab: Buffer, start: number, end: number): void {
    const open = this.openCall(call)
    let body = open.bodies[slot]
    if (!body) {
      body = new Body(this.recording.bodyBytes, open.begin && projectOf(open.begin))
      open.bodies[slot] = body
    }
    this.openBytes += body.add(slab, start, end)
    if (this.touched.at(-1) !== body) this.touched.push(body)
  }

  private takeBegin(call: number, { record, text }: Sent<CallRecord>): void {
    const open = this.openCall(call)
    const ids = rowIds(record.span)
    const { projectId } = record.span
    const body = this.whole(this.takeOut(open, requestSlot), record.detail.requestBytes, record.span)
    const request = this.place(projectId, body)
    open.begin = { kind: 'begin', call: callRow(record, ids, text, request), trace: traceRow(record, ids) }
    this.push(open.begin, text.length + this.takeAttemptBytes(open))
    for (const attempt of open.attempts.splice(0)) this.push({ kind: 'attempt', attempt }, 0)
    for (const body of open.bodies) if (body) body.projectId = projectId
  }

  private takeAttempt(call: number, sent: Sent<AttemptRecord>): void {
    const open = this.openCall(call)
    const { number, answerBytes } = sent.record.detail
    const answer = this.whole(this.takeOut(open, number), answerBytes, sent.record.span)
    const read = sent.record.span.unread && answer ? this.factsOf(sent.record, answer) : undefined
    const facts = this.withEstimate(sent.record, read, open, answer)
    open.found = facts
    const { record, text } = facts ? attemptWith(sent.record, facts) : sent
    const ids = rowIds(record.span)
    this.ledgerRows.add(ledgerRow(record, ids))
    const attempt = attemptRow(record, ids, text, this.place(record.span.projectId, answer))
    if (open.begin) this.push({ kind: 'attempt', attempt }, text.length)
    else {
      open.attempts.push(attempt)
      open.attemptBytes += text.length + entryBytes
      this.openBytes += text.length + entryBytes
    }
  }

  private takeCall(call: number, sent: Sent<CallRecord>): void {
    const open = this.calls.get(call)
    this.calls.delete(call)
    const { record, text } = open?.found ? callWith(sent.record, open.found) : sent
    const ids = rowIds(record.span)
    const { projectId, begun = false } = record.span
    const request = this.whole(this.takeOut(open, requestSlot), record.detail.requestBytes, record.span)
    const row = callRow(record, ids, text, this.place(projectId, request))
    this.push(
      { kind: 'call', call: row, trace: traceRow(record, ids), attempts: open?.attempts ?? [], begun },
      text.length + (open ? this.takeAttemptBytes(open) : 0),
    )
    if (open) for (const body of open.bodies) this.lose(body)
    this.deps.onCall(record)
  }

  /** The call has ended, and its record was left out: so are its attempts, unless it had begun. */
  private takeForget(call: number): void {
    const open = this.calls.get(call)
    if (!open) return
    this.calls.delete(call)
    for (const body of open.bodies) this.lose(body)
    this.takeAttemptBytes(open)
    if (open.attempts.length > 0) this.deps.counters.addLost('spans', open.attempts.length)
    if (open.begin) this.push({ kind: 'forget', begin: open.begin }, 0)
  }

  private openCall(call: number): OpenCall {
    let open = this.calls.get(call)
    if (!open) {
      open = { bodies: [], found: undefined, attempts: [], attemptBytes: 0, begin: undefined }
      this.calls.set(call, open)
    }
    return open
  }

  /** Its attempts wait for their call no more. */
  private takeAttemptBytes(open: OpenCall): number {
    const { attemptBytes } = open
    open.attemptBytes = 0
    this.openBytes -= attemptBytes
    return attemptBytes
  }

  private push(entry: TraceEntry, bytes: number): void {
    this.entries.push(entry)
    this.waitingSpans += spansIn(entry)
    this.waitingBytes += bytes + entryBytes
  }

  /** A body that nothing more is added to. */
  private takeOut(open: OpenCall | undefined, slot: number): Body | undefined {
    const body = open?.bodies[slot]
    if (open && body) open.bodies[slot] = undefined
    return body
  }

  /** The end of a body alone is none: nobody could read it. */
  private whole(body: Body | undefined, bytes: number, { startedUs }: SpanRecord): Body | undefined {
    if (!body || body.total === bytes || startedUs > this.brokenBeforeUs) return body
    return this.lose(body)
  }

  private place(projectId: string, body: Body | undefined): BodyAddress | undefined {
    if (!body) return undefined
    if (body.held > 0) this.moveToBlock(projectId, body, false)
    const [first, ...rest] = body.parts
    return first && { ...first, ...(rest.length > 0 && { rest }), ...body.whole() }
  }

  /** Of a body that is still arriving no more than so much. */
  private hold(body: Body, mostBytes: number): void {
    if (body.projectId !== undefined && body.held >= mostBytes) this.moveToBlock(body.projectId, body, true)
  }

  private moveToBlock(projectId: string, body: Body, goesOn: boolean): void {
    const { held } = body
    body.moved(this.blocks.add(projectId, body.stretches, held), goesOn)
    this.openBytes -= held
    this.waitingBytes += held
  }

  private lose(body: Body | undefined): undefined {
    if (!body) return
    this.openBytes -= body.held
    body.letGo()
    this.deps.counters.addLost('bodies', 1)
    this.deps.counters.addLost('bodyBytes', body.length)
  }

  /** What a whole answer tells whose end did not tell what it used. */
  private factsOf({ span, detail }: AttemptRecord, answer: Body): Found | undefined {
    const { dialect, streaming, answerBytes } = detail
    try {
      const before = answer.parts.map((part) => this.bytesOf(part))
      const facts = dialectNamed(dialect)?.readAnswer(Buffer.concat([...before, answer.bytes()]), streaming)
      if (!facts) return undefined
      const isPlain = streaming && span.status === 'ok' && answer.length === answerBytes
      return isPlain && !facts.finishReason && !facts.error ? { ...facts, unterminated: true } : facts
    } catch {
      // Nobody can read everything that a provider may write; the bytes themselves are stored.
      return undefined
    }
  }

  /** What a call used although nobody told: only of an answer that said something before it failed, if it did. */
  private withEstimate(
    { span, detail }: AttemptRecord,
    read: Found | undefined,
    open: OpenCall,
    answer: Body | undefined,
  ): Found | undefined {
    const { httpStatus = 0, usage, answerBytes } = detail
    if (usage || read?.usage || httpStatus < 200 || httpStatus > 299) return read
    // Of an answer that was not kept whole nobody can say how much it was.
    if ((answer?.length ?? 0) !== answerBytes) return read
    try {
      const request = this.requestOf(open)
      const answered = answer && Buffer.concat([...answer.parts.map((part) => this.bytesOf(part)), answer.bytes()])
      const estimate = request && estimatedUsage(detail, request, answered)
      const isNothing = !estimate || (span.status === 'error' && !outputTokens(estimate))
      return isNothing ? read : { ...read, usage: estimate, isEstimated: true }
    } catch {
      // Cut off, or in a form that nobody can read: what it used stays unknown.
      return read
    }
  }

  private requestOf({ bodies, begin }: OpenCall): Buffer | undefined {
    const body = bodies[requestSlot]
    if (body) return Buffer.concat([...body.parts.map((part) => this.bytesOf(part)), body.bytes()])
    const stored = begin?.call.at(-1)
    const { request } = (typeof stored === 'string' ? JSON.parse(stored) : {}) as { request?: BodyAddress }
    return request && Buffer.concat([request, ...(request.rest ?? [])].map((part) => this.bytesOf(part)))
  }

  private bytesOf(part: BodyPart): Buffer {
    const here = this.blocks.read(part)
    if (here) return here
    const row = this.traces.read(({ block }) => block.get(part.block)) as { data: Uint8Array }
    return bodyIn(row.data, part)
  }

  /** Tells the gateway how much is held, instead of what has just arrived. */
  private count(arrived: number): void {
    const { counters } = this.deps
    const bytes = this.openBytes + this.waitingBytes
    counters.addInFlight(bytes - this.countedBytes - arrived)
    counters.setLedgerRows(this.ledgerRows.waiting)
    this.countedBytes = bytes
  }

  private reachBarriers(): void {
    this.barriers = this.barriers.filter(({ id, reached }) => {
      if (id > this.reached) return true
      reached()
      return false
    })
  }
}

const spansIn = (entry: TraceEntry): number => (entry.kind === 'call' ? 1 + entry.attempts.length : 1)

const projectOf = ({ call: [projectId] }: BeginEntry): string => String(projectId)
