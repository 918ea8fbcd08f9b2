import { once } from 'node:events'
import { STATUS_CODES } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'

/** What a faulty provider does next on a connection: write these bytes, or something that is no writing. */
export type Step = string | Uint8Array | ((wire: Wire) => unknown)

/** The provider's end of a connection. */
export interface Wire {
  readonly isGone: boolean
  /** Resolves once the kernel has the bytes, or the connection is gone. */
  write(bytes: string | Uint8Array): Promise<void>
  /** Resolves after so long, or when the connection is gone; at 0 in the next turn of the event loop. */
  pause(ms: number): Promise<void>
  end(): void
  reset(): void
  readonly closed: Promise<Closed>
}

export interface Closed {
  /** Who was the first to end it. */
  readonly by: 'provider' | 'client'
  readonly how: 'end' | 'reset'
  /** On the clock of `performance.now()`. */
  readonly atMs: number
}

export interface SeenConnection {
  /** How many requests have come on it. */
  readonly requests: number
  readonly closed: Promise<Closed>
}

export interface SeenRequest {
  readonly connection: SeenConnection
  /** Counted from 1 within its connection. */
  readonly number: number
  readonly head: string
  readonly body: Buffer
  /** What the body asks for; nothing where it is no JSON. */
  readonly asks: { readonly model?: string; readonly stream?: boolean }
}

/** What is done with a request. A connection whose steps have been taken waits for the next one. */
export type Script = (request: SeenRequest) => readonly Step[]

export interface FaultyOptions {
  /** Taken on every connection as soon as it is there. */
  readonly atAccept?: readonly Step[]
}

export interface Faulty extends AsyncDisposable {
  readonly url: string
  /** Every request whose body was complete, in order. */
  readonly requests: readonly SeenRequest[]
  readonly connections: readonly SeenConnection[]
  /** From now on requests are answered by this; a list is used up, and after it every answer is right. */
  script(script: Script | readonly (readonly Step[])[]): void
}

/** A provider on a real socket that writes its answers byte by byte, and so can write wrong ones. */
export async function startFaulty({ atAccept = [] }: FaultyOptions = {}): Promise<Faulty> {
  const requests: SeenRequest[] = []
  const connections: Connection[] = []
  let script: Script = rightAnswer

  const server = createServer({ noDelay: true }, (socket) => {
    const connection = new Connection(socket, (request) => {
      requests.push(request)
      return script(request)
    })
    connections.push(connection)
    connection.take(atAccept)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    url: urlAt((server.address() as AddressInfo).port),
    requests,
    connections,
    script(given) {
      if (typeof given === 'function') {
        script = given
        return
      }
      const queue = [...given]
      script = (request) => queue.shift() ?? rightAnswer(request)
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const { wire } of connections) wire.reset()
      await closed
    },
  }
}

const urlAt = (port: number): string => `http://127.0.0.1:${port}`

class Connection implements SeenConnection {
  requests = 0
  readonly wire: SocketWire
  private readonly onRequest: Script
  private arrived = Buffer.alloc(0)
  private taken: Promise<void> = Promise.resolve()

  constructor(socket: Socket, onRequest: Script) {
    this.onRequest = onRequest
    this.wire = new SocketWire(socket)
    socket.on('data', (bytes) => {
      this.arrived = Buffer.concat([this.arrived, bytes])
      this.read()
    })
  }

  get closed(): Promise<Closed> {
    return this.wire.closed
  }

  /** After what is still being done for a request before. */
  take(steps: readonly Step[]): void {
    this.taken = this.taken.then(async () => {
      for (const step of steps) {
        if (this.wire.isGone) return
        await (typeof step === 'function' ? step(this.wire) : this.wire.write(step))
      }
    })
  }

  private read(): void {
    const blank = this.arrived.indexOf('\r\n\r\n')
    if (blank < 0) return
    const head = this.arrived.toString('latin1', 0, blank)
    const bodyStart = blank + 4
    const bodyEnd = bodyStart + Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
    if (this.arrived.length < bodyEnd) return
    const body = this.arrived.subarray(bodyStart, bodyEnd)
    this.arrived = this.arrived.subarray(bodyEnd)
    this.requests++
    this.take(this.onRequest({ connection: this, number: this.requests, head, body, asks: askedIn(body) }))
    this.read()
  }
}

function askedIn(body: Buffer): SeenRequest['asks'] {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return {}
  }
}

class SocketWire implements Wire {
  readonly closed: Promise<Closed>
  private readonly socket: Socket
  private readonly gone = new AbortController()
  private ended: Closed | undefined

  constructor(socket: Socket) {
    this.socket = socket
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.ends('client', 'reset')
        this.gone.abort()
        resolve(this.ended as Closed)
      })
    })
    socket.once('end', () => {
      this.ends('client', 'end')
      socket.destroy()
    })
    socket.on('error', () => this.ends('client', 'reset'))
  }

  get isGone(): boolean {
    return this.ended !== undefined
  }

  write(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      if (this.isGone) resolve()
      else this.socket.write(bytes, () => resolve())
    })
  }

  pause(ms: number): Promise<void> {
    if (ms === 0) return setImmediate()
    return setTimeout(ms, undefined, { signal: this.gone.signal }).catch(() => undefined)
  }

  end(): void {
    this.ends('provider', 'end')
    this.socket.end()
  }

  reset(): void {
    this.ends('provider', 'reset')
    this.socket.resetAndDestroy()
  }

  private ends(by: Closed['by'], how: Closed['how']): void {
    this.ended ??= { by, how, atMs: performance.now() }
  }
}

/** Nothing more, but the connection stays. */
export const hang: Step = (wire) => wire.closed
export const end: Step = (wire) => wire.end()
export const reset: Step = (wire) => wire.reset()

export const pause =
  (ms: number): Step =>
  (wire) =>
    wire.pause(ms)

/** Goes on when something else has happened. */
export const until =
  (event: Promise<unknown>): Step =>
  (wire) =>
    Promise.race([event, wire.closed])

/** One byte a packet. */
export const bytewise =
  (bytes: string | Uint8Array, pauseMs: number): Step =>
  async (wire) => {
    for (const byte of Buffer.from(bytes)) {
      await wire.write(Uint8Array.of(byte))
      await wire.pause(pauseMs)
    }
  }

/** The same again and again until the other side has had enough. */
export const forever =
  (bytes: string | Uint8Array, pauseMs: number): Step =>
  async (wire) => {
    while (!wire.isGone) {
      await wire.write(bytes)
      await wire.pause(pauseMs)
    }
  }

export type Headers = Readonly<Record<string, string | readonly string[]>>

export function head(status: number, headers: Headers = {}): string {
  const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}\r\n`))
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Odd'}\r\n${lines.join('')}\r\n`
}

export function chunked(bytes: string | Uint8Array): Buffer {
  const body = Buffer.from(bytes)
  return Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n')])
}

export const lastChunk = '0\r\n\r\n'

export const event = (data: unknown): string => `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`

const answer = { id: 'chatcmpl-1', created: 1_700_000_000, model: 'faulty-1' }
const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
const chunk = (delta: object, finish_reason: string | null = null): string =>
  event({ ...answer, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }], usage: null })

/** The events of a right stream. */
export const events = {
  role: chunk({ role: 'assistant', content: '' }),
  hello: chunk({ content: 'Hello' }),
  there: chunk({ content: ' there' }),
  finish: chunk({}, 'stop'),
  usage: event({ ...answer, object: 'chat.completion.chunk', choices: [], usage }),
  done: event('[DONE]'),
}

/** A right whole answer. */
export const completion = JSON.stringify({
  ...answer,
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello there' }, finish_reason: 'stop' }],
  usage,
})

export const eventStream: Headers = { 'content-type': 'text/event-stream', 'transfer-encoding': 'chunked' }
export const jsonOf = (body: string | Uint8Array): Headers => ({
  'content-type': 'application/json',
  'content-length': String(Buffer.byteLength(body)),
})

/** What a healthy provider answers, on a connection that stays. */
export const rightAnswer: Script = ({ asks }) =>
  asks.stream === true
    ? [head(200, eventStream), ...Object.values(events).map(chunked), lastChunk]
    : [head(200, jsonOf(completion)), completion]

/** Where nobody listens: a port that was somebody's until now. */
export async function refusedUrl(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return urlAt(port)
}

export interface Deaf extends AsyncDisposable {
  readonly url: string
}

/** Holds a listening socket and never accepts: its thread sleeps until it is woken. */
const sleeper = `
  const { parentPort, workerData } = require('node:worker_threads')
  const server = require('node:net').createServer()
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port)
    Atomics.wait(workerData, 0, 0)
    process.exit()
  })`

/** Linux completes one connection more than the backlog; it drops the first packet of every other. */
const linuxTakes = 2

/** A provider to whom a connection is never made, because it does not accept and those who wait are as many as may. */
export async function startDeaf(): Promise<Deaf> {
  const asleep = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(sleeper, { eval: true, workerData: asleep })
  const [port] = (await once(worker, 'message')) as [number]
  const waiting = Array.from({ length: linuxTakes }, () => connect(port, '127.0.0.1'))
  await Promise.all(waiting.map((socket) => once(socket, 'connect')))
  for (const socket of waiting) socket.on('error', () => undefined)
  return {
    url: urlAt(port),
    async [Symbol.asyncDispose]() {
      const exited = once(worker, 'exit')
      Atomics.store(asleep, 0, 1)
      Atomics.notify(asleep, 0)
      for (const socket of waiting) socket.destroy()
      await exited
    },
  }
}
