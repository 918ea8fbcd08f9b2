import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Port } from '../../src/core/border.ts'
import { GatewayError } from '../../src/core/error.ts'
import { defaultProject, type ProjectId, type TraceId } from '../../src/core/ids.ts'
import { newSlabCounters, slabCounters } from '../../src/core/records.ts'
import { Rounds } from '../../src/core/rounds.ts'
import type { Usage } from '../../src/core/usage.ts'
import { dataFiles } from '../../src/store/files.ts'
import { Writer } from '../../src/store/writer.ts'
import { Slabs } from '../../src/telemetry/slabs.ts'
import { errorOf, tracer } from '../../src/telemetry/trace.ts'

/** An empty folder, for as long as it is used. */
export function temporaryFolder(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'trunkline-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** What a test says of a call; the rest is an answered "Hello" of a millisecond a step. */
export interface TestCall {
  readonly traceId?: TraceId
  readonly projectId?: ProjectId
  readonly startedUs?: number
  readonly model?: string
  readonly runId?: string
  readonly threadId?: string
  readonly label?: string
  readonly userAgent?: string
  readonly messages?: readonly object[]
  /** Of the answer; 400 and more is a refusal by the provider. */
  readonly status?: number
  readonly errorMessage?: string
  /** The message that the model gives. */
  readonly says?: object
  readonly usage?: Usage
  /** How many attempts fail before the one that is told here. */
  readonly failsBefore?: number
  readonly gone?: boolean
}

export interface DataFolder {
  readonly dataDir: string
  /** Records a call as the gateway does, and stores it as the writer does. */
  record(call?: TestCall): TraceId
  /** The writer ends; the folder stays. */
  end(): void
  remove(): void
}

/** The start of the first call, when nothing else is said. */
export const firstStartUs = Date.UTC(2026, 0, 31, 12) * 1000

const recording = {
  flushIntervalMs: 1_000,
  flushCount: 2_000,
  flushBytes: 1 << 23,
  inFlightBytes: 1 << 26,
  bodyBytes: 1 << 22,
}

/** A data folder with traces in it, made by what makes them in the program, under a clock of the test's own. */
export async function dataFolder(): Promise<DataFolder> {
  const dataDir = mkdtempSync(join(tmpdir(), 'trunkline-'))
  const counters = slabCounters(newSlabCounters())
  const writer = await Writer.open({
    files: dataFiles(dataDir),
    startedUs: 0,
    counters,
    recording,
    responses: { retentionDays: 30, maxBytes: 1 << 26 },
    onCall() {},
    onNews() {},
    onEmpty() {},
  })
  const slabs = new Slabs(counters, recording.inFlightBytes)
  const direct: Port = {
    postMessage(message) {
      if (message.kind === 'records') writer.take(message)
    },
    on() {},
    close() {},
  }
  slabs.connect(direct)

  let nowUs = firstStartUs
  let calls = 0
  let spans = 0
  let ended = false
  const begin = tracer({
    slabs,
    clock: () => (nowUs += 1_000),
    rounds: new Rounds(),
    newSpanId: () => (++spans).toString(16).padStart(16, '0'),
  })
  const end = (): void => {
    if (!ended) writer.close()
    ended = true
  }

  return {
    dataDir,
    record(call = {}) {
      const { status = 200, model = 'gpt-5-mini', gone = false } = call
      const traceId =
        call.traceId ?? `${(0x019a_8f2c_0000 + ++calls).toString(16).padStart(12, '0')}7000800000000000feed`
      nowUs = call.startedUs ?? nowUs
      const request = Buffer.from(
        JSON.stringify({ model, messages: call.messages ?? [{ role: 'user', content: 'Hello' }] }),
      )
      const trace = begin({
        ids: {
          traceId,
          projectId: call.projectId ?? defaultProject,
          runId: call.runId ?? `run-of-${traceId.slice(0, 12)}`,
          ...(call.threadId !== undefined && { threadId: call.threadId }),
          ...(call.label !== undefined && { label: call.label }),
        },
        startedUs: nowUs,
        method: 'POST',
        path: '/v1/chat/completions',
        dialect: 'openai-chat',
        clientIp: '127.0.0.1',
        userAgent: call.userAgent ?? 'test',
      })
      trace.received(request)
      trace.asked(model, 'openai')
      trace.streams(false)
      const start = {
        provider: 'openai',
        dialect: 'openai-chat',
        model,
        requestBytes: request.length,
        credential: 'config:openai',
      }
      for (let failed = 0; failed < (call.failsBefore ?? 0); failed++) {
        const attempt = trace.attempt(start)
        attempt.connected()
        attempt.head(503, false, undefined)
        attempt.end({ status: 'error', error: { code: 'overloaded', message: 'Try later.' }, usageMissing: 'failed' })
      }
      const attempt = trace.attempt(start)
      attempt.connected()
      attempt.head(status, false, 'req_1')
      const error =
        status >= 400 ? new GatewayError('rate_limited', call.errorMessage ?? 'Too many requests.') : undefined
      if (error) attempt.end({ status: 'error', error: errorOf(error), usageMissing: 'failed' })
      else {
        const usage = call.usage ?? { inputUncached: 5, cacheRead: 3, outputText: 7, reasoning: 2 }
        const message = { role: 'assistant', content: 'Hi there!', ...call.says }
        const answer = {
          id: 'chatcmpl-1',
          model: `${model}-2026-01-01`,
          choices: [{ index: 0, message, finish_reason: 'stop' }],
        }
        attempt.firstContent()
        attempt.data(Buffer.from(JSON.stringify(answer)))
        attempt.end({ status: 'ok', modelAnswered: answer.model, finishReason: 'stop', usage })
      }
      trace.end({ status: gone ? 499 : status, bytes: 100, gone, ...(error && { error }) })
      slabs.send()
      writer.flush()
      return traceId
    },
    end,
    remove() {
      end()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
