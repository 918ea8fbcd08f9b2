/**
 * The clients, as a process of their own: `node bench/load.ts '<Job as JSON>'`. It warms up, prints a line, waits for a
 * line (so that the driver reads the server's CPU time in between), makes the calls, and prints a `Load`.
 */
import { once } from 'node:events'
import { createHistogram } from 'node:perf_hooks'
import { type Dispatcher, Pool } from 'undici'
import { contentsOfStream, faultOf, headers, path, request, tag } from './chat.ts'
import { endWithParent } from './children.ts'
import { type Quantiles, quantiles, record, until } from './timing.ts'

export interface Job {
  readonly url: string
  readonly calls: number
  readonly warmup: number
  readonly connections: number
  readonly stream: boolean
  /** Calls a second, each timed from when it was due. Without it, every connection calls again as soon as it can. */
  readonly rate?: number
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
    const fault = faultOf({ status: this.#status, text }, this.#mark, this.#stream ? contentsOfStream : undefined)
    if (fault) this.#run.fail(fault)
    this.#done()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#run.fail(String(error))
    this.#done()
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
    latencyMs: quantiles(run.latency),
    ...(job.stream && { firstTokenMs: quantiles(run.firstToken) }),
  }
  console.log(JSON.stringify(load))
  await pool.destroy()
  process.exit()
}
