/**
 * Clients of several kinds at once, as a process of their own: `node bench/clients.ts '<Crowd as JSON>'`. It prints a line
 * and then does what it reads: `go` begins the calls, `open` is answered with how many answers are on their way, `stop`
 * breaks off whatever runs. When the last call is over it prints a `CrowdResult`.
 */
import { randomBytes } from 'node:crypto'
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Dispatcher, Pool } from 'undici'
import { contentsOfStream, faultOf, headers, path, request, requestWithImage, tag, usualModel } from './chat.ts'
import { endWithParent } from './children.ts'
import { type Quantiles, quantiles, record } from './timing.ts'

export interface Crowd {
  readonly url: string
  readonly connections: number
  /** Without it they call until they are told to stop. */
  readonly calls?: number
  /** Calls a second. Without it, every connection calls again as soon as it can. */
  readonly rate?: number
  /** Which share of the calls, from 0 to 1, are streams at the usual pace; the rest asks for whole answers. */
  readonly streams?: number
  /** Which share are streams whose events come `ms` apart, with `contents` pieces of content. */
  readonly paced?: { readonly share: number; readonly ms: number; readonly contents: number }
  /** Which share of the clients leave: before the first byte, at it or after it. */
  readonly leaving?: number
  /** How long the upstream is to wait with a whole answer. */
  readonly waitMs?: number
  /** How large an image each request has, in bytes of base64. */
  readonly imageBytes?: number
  /** Tell of each call, for whoever compares them with what was stored. */
  readonly tell?: boolean
}

export interface CrowdResult {
  readonly calls: number
  /** Whose client left before the end. */
  readonly left: number
  readonly failures: number
  /** In ms since the epoch. */
  readonly firstFailure?: { readonly reason: string; readonly atMs: number }
  readonly seconds: number
  /** From the request to the end of the answer, of those that came to their end at the usual pace. */
  readonly wholeMs: Quantiles
  readonly streamMs: Quantiles
  readonly told: readonly Told[]
}

/** A call that was answered, at least with a head; times are ms since the epoch. */
export interface Told {
  readonly traceId: string
  readonly begunMs: number
  readonly endedMs: number
  readonly outcome: 'ended' | 'left' | 'failed'
}

interface Kind {
  readonly model: string
  /** Of a stream. */
  readonly contents?: number
  /** How long its calls took. */
  readonly histogram?: RecordableHistogram
}

const crowd = JSON.parse(process.argv[2] ?? '') as Crowd
const { url, connections, rate, streams = 0, paced, leaving = 0, waitMs, imageBytes, tell = false } = crowd
const calls = crowd.calls ?? Number.POSITIVE_INFINITY

const whole = { model: waitMs === undefined ? usualModel : `wait-${waitMs}`, histogram: createHistogram() }
const stream = { model: usualModel, contents: contentsOfStream, histogram: createHistogram() }
const slow = paced ? { model: `paced-${paced.ms}-${paced.contents}`, contents: paced.contents } : stream

/** Random, so that nobody can compress it, and twice as long as an image, so that no two images need be the same. */
const pixels = Buffer.from(randomBytes((imageBytes ?? 0) * 2).toString('base64'))

const told: Told[] = []
let begun = 0
let running = 0
/** Whose answer has begun. */
let answering = 0
let left = 0
let failures = 0
let firstFailure: CrowdResult['firstFailure']

/** When a client leaves. */
type Leaving = 'waiting' | 'head' | 'content'
const moments: readonly Leaving[] = ['waiting', 'head', 'content']
const longestWaitMs = 5

class Call implements Dispatcher.DispatchHandler {
  readonly #mark: string
  readonly #number: number
  readonly #kind: Kind
  readonly #leaves: Leaving | undefined
  readonly #done: () => void
  readonly #startedMs = performance.now()
  readonly #parts: Buffer[] = []
  #controller: Dispatcher.DispatchController | undefined
  /** How many more pieces of the answer the client waits for. */
  #leavesAfter: number
  #hasLeft = false
  #isOver = false
  #traceId: string | undefined
  #status = 0

  constructor(number: number, done: () => void) {
    this.#number = number
    this.#mark = `${tag}-${number.toString(36)}`
    this.#kind = kindOf(Math.random())
    this.#leaves = Math.random() < leaving ? moments[number % moments.length] : undefined
    this.#leavesAfter = this.#kind === slow ? 1 + Math.floor(Math.random() * 5) : 1
    this.#done = done
  }

  get options(): Dispatcher.DispatchOptions {
    const { model, contents } = this.#kind
    const body =
      imageBytes === undefined
        ? request(this.#number, this.#mark, contents !== undefined, model)
        : requestWithImage(this.#mark, model, image(imageBytes))
    return { method: 'POST', path, headers, body }
  }

  /** The request is written in this turn of the loop: whoever leaves in a later one has sent all of it. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#leaves === 'waiting') setTimeout(() => this.#leave(), Math.random() * longestWaitMs)
  }

  onResponseStart(_controller: unknown, status: number, received: Record<string, string | string[] | undefined>): void {
    this.#status = status
    this.#traceId = received['x-trace-id'] as string | undefined
    answering++
    if (this.#leaves === 'head') this.#leave()
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    this.#parts.push(chunk)
    if (this.#leaves === 'content' && --this.#leavesAfter === 0) this.#leave()
  }

  onResponseEnd(): void {
    const { histogram, contents } = this.#kind
    if (histogram) record(histogram, this.#startedMs)
    const text = Buffer.concat(this.#parts).toString('latin1')
    this.#over(faultOf({ status: this.#status, text }, this.#mark, contents))
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#over(String(error))
  }

  #leave(): void {
    if (this.#isOver) return
    this.#hasLeft = true
    this.#controller?.abort(new Error('The client leaves.'))
  }

  #over(fault: string | undefined): void {
    this.#isOver = true
    if (this.#status !== 0) answering--
    const endedMs = Date.now()
    const outcome = this.#hasLeft ? 'left' : fault === undefined ? 'ended' : 'failed'
    if (outcome === 'left') left++
    if (!this.#hasLeft && fault !== undefined) {
      failures++
      firstFailure ??= { reason: fault, atMs: endedMs }
    }
    if (tell && this.#traceId !== undefined) {
      told.push({ traceId: this.#traceId, begunMs: performance.timeOrigin + this.#startedMs, endedMs, outcome })
    }
    this.#done()
  }
}

const kindOf = (random: number): Kind => {
  const slowShare = paced?.share ?? 0
  if (random < slowShare) return slow
  return random < slowShare + streams ? stream : whole
}

function image(bytes: number): Buffer {
  const from = Math.floor(Math.random() * (pixels.length - bytes))
  return pixels.subarray(from, from + bytes)
}

const pool = new Pool(url, { connections, headersTimeout: 60_000, bodyTimeout: 60_000 })
const all = Promise.withResolvers<void>()
let stopped = false

function call(next: () => void): void {
  running++
  const one = new Call(++begun, () => {
    running--
    if (running === 0 && (stopped || begun >= calls)) all.resolve()
    else next()
  })
  pool.dispatch(one.options, one)
}

function asFastAsPossible(): void {
  const next = (): void => {
    if (begun < calls && !stopped) call(next)
  }
  for (let i = 0; i < connections; i++) next()
}

async function onTime(perSecond: number): Promise<void> {
  const startMs = performance.now()
  while (begun < calls && !stopped) {
    // Each call falls somewhere else in its slot: an even beat could always meet, or always miss, a timer of the server.
    const dueMs = startMs + ((begun + ((begun * 0.618034) % 1)) * 1_000) / perSecond
    const spare = dueMs - performance.now()
    if (spare >= 1) await sleep(spare)
    else call(() => undefined)
  }
}

function stop(): void {
  stopped = true
  if (running === 0) all.resolve()
  void pool.destroy(new Error('The clients were stopped.'))
}

console.log(JSON.stringify({ ready: true }))
endWithParent()
const startMs = Promise.withResolvers<number>()
createInterface({ input: process.stdin }).on('line', (line) => {
  if (line === 'open') console.log(JSON.stringify({ answering }))
  if (line === 'stop') stop()
  if (line !== 'go') return
  startMs.resolve(performance.now())
  if (rate === undefined) asFastAsPossible()
  else void onTime(rate)
})

await all.promise
const result: CrowdResult = {
  calls: begun,
  left,
  failures,
  ...(firstFailure !== undefined && { firstFailure }),
  seconds: (performance.now() - (await startMs.promise)) / 1_000,
  wholeMs: quantiles(whole.histogram),
  streamMs: quantiles(stream.histogram),
  told,
}
// A long result does not fit into the pipe at once: the process ends when it has gone.
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit())
