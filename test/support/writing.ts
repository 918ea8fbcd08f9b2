import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import type { Port, Records } from '../../src/core/border.ts'
import type { RecordingConfig, ResponsesConfig } from '../../src/core/config.ts'
import { newSlabCounters, slabCounters } from '../../src/core/records.ts'
import type { AttemptDetail, CallDetail, SpanRecord } from '../../src/core/span.ts'
import { showTrace, type TraceView } from '../../src/store/show.ts'
import { kyselyOn, openForReading } from '../../src/store/sqlite/open.ts'
import { Writer, type WriterDeps } from '../../src/store/writer.ts'
import { Slabs } from '../../src/telemetry/slabs.ts'

const usual: RecordingConfig = {
  flushIntervalMs: 100,
  flushCount: 1_000,
  flushBytes: 1 << 24,
  inFlightBytes: 1 << 26,
  bodyBytes: 1 << 22,
}

export interface WritingOptions {
  readonly recording?: Partial<RecordingConfig>
  readonly responses?: Partial<ResponsesConfig>
  /** When the process started that the writer is in; all calls of a test are younger unless it says so. */
  readonly startedUs?: number
  /** A folder that another writer has left. */
  readonly folder?: string
  /** How much an earlier writer of the same process had in memory when it crashed. */
  readonly lostBytes?: number
}

type File = 'traces' | 'ledger'

export type Writing = Awaited<ReturnType<typeof openWriter>>

/** A writer on a folder of its own, fed by the slabs that would feed it. */
export async function openWriter({
  recording,
  responses,
  startedUs = 0,
  folder: given,
  lostBytes = 0,
}: WritingOptions = {}) {
  const folder = given ?? mkdtempSync(join(tmpdir(), 'trunkline-writer-'))
  const files = { traces: join(folder, 'traces.db'), ledger: join(folder, 'ledger.db') }
  const counters = slabCounters(newSlabCounters())
  counters.addLost('slabBytes', lostBytes)
  const news: string[] = []
  const deps: WriterDeps = {
    files,
    startedUs,
    counters,
    recording: { ...usual, ...recording },
    responses: { retentionDays: 30, maxBytes: 1 << 26, ...responses },
    onCall: () => undefined,
    onNews: ({ text }) => void news.push(text),
    onEmpty: (slab) => void new Uint8Array(slab).fill(0xee),
  }
  const writer = await Writer.open(deps)
  const slabs = new Slabs(counters, 1 << 26)
  const port: Port = {
    postMessage: (message) => writer.take(message as Records),
    on: () => undefined,
    close: () => undefined,
  }
  slabs.connect(port)
  let calls = 0
  const body = (call: number, slot: number, text: string): void =>
    slabs.body(call, slot, [Buffer.from(text)], Buffer.byteLength(text))
  const attempt = (call: number, detail: Partial<AttemptDetail> = {}, span: Partial<SpanRecord> = {}): void =>
    slabs.metadata('attempt', call, spanOf(call, 1 + (detail.number ?? 1), span), { ...attemptDetail, ...detail })
  const end = (call: number, detail: Partial<CallDetail> = {}, span: Partial<SpanRecord> = {}): void =>
    slabs.metadata('call', call, spanOf(call, 1, span), { ...callDetail, ...detail })
  const dropped = (call: number): void => slabs.metadata('ledger', call, spanOf(call, 2, {}), attemptDetail)
  const rows = (file: File, sql: string, ...values: SQLInputValue[]): Record<string, unknown>[] => {
    using database = new DatabaseSync(files[file], { readOnly: true })
    return database
      .prepare(sql)
      .all(...values)
      .map((row) => ({ ...row }))
  }
  const shown = async (call: number): Promise<TraceView | undefined> => {
    using database = openForReading(files.traces)
    const found = await showTrace(kyselyOn(database), 'default', traceIdOf(call))
    return found.found === 'one' ? found.view : undefined
  }
  return {
    writer,
    slabs,
    counters,
    folder,
    files,
    news,
    body,
    attempt,
    /** An attempt whose span was given up. */
    dropped,
    end,
    rows,
    shown,
    /** A call that has run for a while: with its request, and an attempt that has not ended. */
    begin(call: number, detail: Partial<CallDetail> = {}, span: Partial<SpanRecord> = {}): void {
      const running: Partial<SpanRecord> = { status: 'running', endedUs: 1_000 * call + 1 }
      slabs.metadata('begin', call, spanOf(call, 1, { ...running, ...span }), {
        ...callDetail,
        httpStatus: 0,
        provider: 'openai',
        ...detail,
      })
    },
    /** A whole call with both bodies; its number. */
    call(text = 'Hello'): number {
      const number = ++calls
      const [request, answer] = [requestOf(text), answerOf(text)]
      body(number, 0, request)
      body(number, 1, answer)
      attempt(number, { answerBytes: Buffer.byteLength(answer) })
      end(number, { requestBytes: Buffer.byteLength(request) })
      return number
    },
    count: (table: 'traces' | 'spans' | 'ledger'): number =>
      Number(rows(table === 'ledger' ? 'ledger' : 'traces', `select count(*) as n from ${table}`)[0]?.n),
    /** What was said in a call, as it is shown. */
    async said(call: number): Promise<(string | undefined)[]> {
      const first = (await shown(call))?.spans[0]
      if (!first) return []
      const { messages = [], answer } = (first.kind === 'call' && first.conversation) || {}
      return [messages[0], answer?.choices[0]?.message].map((message) => message && JSON.stringify(message.parts))
    },
    /** The writer's own connection, whose pragmas can make a disk of any kind. */
    connection: (file: File): DatabaseSync =>
      (writer as unknown as Record<File, { opened: { database: DatabaseSync } }>)[file].opened.database,
    /** Ends as a killed process does: what waits is gone. */
    kill(): void {
      const inside = writer as unknown as Record<File, { close(): void }>
      inside.traces.close()
      inside.ledger.close()
    },
    async [Symbol.asyncDispose]() {
      writer.close()
      if (!given) rmSync(folder, { recursive: true, force: true })
    },
  }
}

export const requestOf = (text: string): string =>
  JSON.stringify({ model: 'some', messages: [{ role: 'user', content: text }] })
export const answerOf = (text: string): string =>
  JSON.stringify({ choices: [{ message: { content: text }, finish_reason: 'stop' }] })
export const parts = (text: string): string => JSON.stringify([{ kind: 'text', text }])
export const traceIdOf = (call: number): string => call.toString(16).padStart(32, '0')
const spanIdOf = (call: number, which: number): string => (call * 16 + which).toString(16).padStart(16, '0')

/** A call's own span is 1, that of its first attempt 2. */
const spanOf = (call: number, which: number, span: Partial<SpanRecord>): SpanRecord => ({
  traceId: traceIdOf(call),
  projectId: 'default',
  runId: 'run',
  spanId: spanIdOf(call, which),
  parentId: which === 1 ? undefined : spanIdOf(call, 1),
  startedUs: 1_000 * call + which,
  endedUs: 2_000 * call + which,
  status: 'ok',
  ...span,
})

const attemptDetail: AttemptDetail = {
  number: 1,
  httpStatus: 200,
  provider: 'openai',
  dialect: 'openai-chat',
  model: 'some',
  streaming: false,
  requestBytes: 1,
  answerBytes: 1,
}

const callDetail: CallDetail = {
  method: 'POST',
  path: '/v1/chat/completions',
  httpStatus: 200,
  dialect: 'openai-chat',
  streaming: false,
  modelAsked: 'some',
  attempts: 1,
  requestBytes: 1,
  answerBytes: 1,
}
