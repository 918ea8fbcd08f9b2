/**
 * The clients, as a process of their own: `node bench/load.ts '<Job as JSON>'`. It warms up, prints a line, waits for a
 * line (so that the driver reads the server's CPU time in between), makes the calls, and prints a `Load`.
 */
import { once } from 'node:events'
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Dispatcher, Pool } from 'undici'
import { endWithParent } from './children.ts'
import { passage } from './text.ts'

export interface Job {
  readonly url: string
  readonly calls: number
  readonly warmup: number
  readonly connections: number
  readonly stream: boolean
  /** Calls a second, each timed from when it was due. Without it, every connection calls again as soon as it can. */
  readonly rate?: number
}

export interface Quantiles {
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

export interface Load {
  readonly calls: number
  readonly failures: number
  readonly firstFailure?: string
  readonly seconds: number
  readonly latencyMs: Quantiles
  /** Until the first byte of content; of streams only. */
  readonly firstTokenMs?: Quantiles
}

const eventsOfStream = 43
const path = '/v1/chat/completions'
const headers = { 'content-type': 'application/json', authorization: 'Bearer bench-client', 'user-agent': 'bench' }

/** No two processes share it, so neither two runs against one gateway send the same request. */
const tag = `${process.pid.toString(36)}${Date.now().toString(36)}`
let sent = 0

class Run {
  readonly latency = createHistogram()
  readonly firstToken = createHistogram()
  failures = 0
  firstFailure: string | undefined

  fail(reason: string): void {
    this.failures++
    this.firstFailure ??= reason
  }
}

/** One call on its way: checks its answer and tells its run. */
class Call implements Dispatcher.DispatchHandler {
  readonly #mark = `${tag}-${(++sent).toString(36)}`
  readonly #run: Run
  readonly #stream: boolean
  readonly #startedMs: number
  readonly #done: () => void
  readonly #parts: Buffer[] = []
  #status = 0
  #sawToken = false

  constructor(run: Run, stream: boolean, startedMs: number, done: () => void) {
    this.#run = run
    this.#stream = stream
    this.#startedMs = startedMs
    this.#done = done
  }

  get options(): Dispatcher.DispatchOptions {
    return { method: 'POST', path, headers, body: request(sent, this.#mark, this.#stream) }
  }

  onRequestStart(): void {}

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#parts.push(chunk)
    if (!this.#stream || this.#sawToken || !/"content":\s*"[^"]/.test(chunk.toString('latin1'))) return
    this.#sawToken = true
    record(this.#run.firstToken, this.#startedMs)
  }

  onResponseEnd(): void {
    record(this.#run.latency, this.#startedMs)
    const text = Buffer.concat(this.#parts).toString('latin1')
    const fault = this.#fault(text)
    if (fault) this.#run.fail(`${fault}: status ${this.#status}, ${text.slice(0, 300)}`)
    this.#done()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#run.fail(String(error))
    this.#done()
  }

  #fault(text: string): string | undefined {
    if (this.#status !== 200) return 'Not a 200'
    if (!text.includes(`chatcmpl-${this.#mark}"`)) return 'Not the answer to this call'
    if (!this.#stream) return text.includes('"total_tokens"') ? undefined : 'An answer without usage'
    if (!text.endsWith('data: [DONE]\n\n')) return 'A stream without its end'
    const events = text.split('\n\n').length - 1
    return events === eventsOfStream ? undefined : `A stream of ${events} events`
  }
}

/** Every connection calls again as soon as it can: what the server can do. */
function asFastAsPossible(pool: Pool, { calls, connections, stream }: Job): Promise<Run> {
  const run = new Run()
  return new Promise((resolve) => {
    let begun = 0
    let left = calls
    const next = () => {
      if (begun === calls) return
      begun++
      const call = new Call(run, stream, performance.now(), () => {
        if (--left === 0) resolve(run)
        else next()
      })
      pool.dispatch(call.options, call)
    }
    for (let i = 0; i < connections; i++) next()
  })
}

/** Calls on a timetable that the server cannot slow down. */
async function onTime(pool: Pool, { calls, stream }: Job, rate: number): Promise<Run> {
  const run = new Run()
  const all = Promise.withResolvers<void>()
  let left = calls
  const startMs = performance.now() + 10
  for (let i = 0; i < calls; i++) {
    // Each call falls somewhere else in its slot: an even beat could always meet, or always miss, a timer of the server.
    const dueMs = startMs + ((i + ((i * 0.618034) % 1)) * 1_000) / rate
    await until(dueMs)
    const call = new Call(run, stream, dueMs, () => {
      if (--left === 0) all.resolve()
    })
    pool.dispatch(call.options, call)
  }
  await all.promise
  return run
}

/** A timer comes up to a millisecond late, which is more than what is measured: the last stretch is spent turning. */
async function until(dueMs: number): Promise<void> {
  const spare = dueMs - performance.now() - 2
  if (spare >= 1) await sleep(spare)
  while (performance.now() < dueMs) await new Promise(setImmediate)
}

const record = (histogram: RecordableHistogram, sinceMs: number) =>
  histogram.record(Math.max(1, Math.round((performance.now() - sinceMs) * 1e6)))

const ms = (histogram: RecordableHistogram): Quantiles => ({
  p50: histogram.percentile(50) / 1e6,
  p90: histogram.percentile(90) / 1e6,
  p99: histogram.percentile(99) / 1e6,
  max: histogram.max / 1e6,
})

/** About 2.5 kB: what an agent with one tool sends on its second turn. */
function request(n: number, mark: string, stream: boolean): string {
  return `{"model":"gpt-4o-mini","messages":[{"role":"system","content":"${system}"},{"role":"user","content":"${passage(n, 0, 12)}?"},{"role":"assistant","content":"${passage(n, 20, 26)}."},{"role":"user","content":"[call ${mark}]${passage(n, 60, 18)}?"}],"tools":[${tool}],"temperature":0.2,"max_completion_tokens":512${stream ? ',"stream":true,"stream_options":{"include_usage":true}' : ''}}`
}

const system =
  'You are a careful assistant of a travel agency. Answer in plain words and in the language of the question. Use the ' +
  'tools for whatever changes from day to day, such as weather, prices and timetables, and never guess these. If a ' +
  'question is unclear, ask one short question back. Keep an answer under one hundred and fifty words unless the ' +
  'traveller asks for more. Never ask for a card number, and never promise a refund; a colleague decides about those.'

const tool = JSON.stringify({
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather forecast for a place, for up to seven days from today.',
    parameters: {
      type: 'object',
      properties: {
        place: { type: 'string', description: 'A town, with its country if there are several of that name.' },
        days: { type: 'integer', minimum: 1, maximum: 7, description: 'How many days, today included.' },
        unit: { type: 'string', enum: ['celsius', 'fahrenheit'] },
      },
      required: ['place', 'days'],
      additionalProperties: false,
    },
  },
})

if (import.meta.main) {
  const job = JSON.parse(process.argv[2] ?? '') as Job
  const pool = new Pool(job.url, { connections: job.connections, headersTimeout: 15_000, bodyTimeout: 15_000 })
  await asFastAsPossible(pool, { ...job, calls: job.warmup })
  console.log(JSON.stringify({ warm: true }))
  endWithParent()
  await once(process.stdin, 'data')

  const startMs = performance.now()
  const run = job.rate === undefined ? await asFastAsPossible(pool, job) : await onTime(pool, job, job.rate)
  const load: Load = {
    calls: job.calls,
    failures: run.failures,
    ...(run.firstFailure !== undefined && { firstFailure: run.firstFailure }),
    seconds: (performance.now() - startMs) / 1_000,
    latencyMs: ms(run.latency),
    ...(job.stream && { firstTokenMs: ms(run.firstToken) }),
  }
  console.log(JSON.stringify(load))
  await pool.destroy()
  process.exit()
}
