/** A provider that never comes to an end, each call by its model's name, and a client for it: both in this process, on one clock. */
import { createServer, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { path } from '../chat.ts'

/** Times are by `performance.now()`. */
interface Seen {
  readonly arrivedMs: number
  /** When its head was sent, and its last byte. */
  headMs: number
  lastByteMs: number
  readonly closed: Promise<number>
}

/** How each model hangs. */
const behaviours = {
  silent: () => undefined,
  /** Comments come, and nothing else. */
  'no-content': (response: ServerResponse, seen: Seen) => {
    send(response, seen, event('"role":"assistant","content":""'))
    return setInterval(() => send(response, seen, ': still here\n\n'), 50)
  },
  idle: (response: ServerResponse, seen: Seen) => {
    send(response, seen, event('"role":"assistant","content":"Well"'))
    return undefined
  },
  endless: (response: ServerResponse, seen: Seen) => {
    send(response, seen, event('"role":"assistant","content":"Well"'))
    return setInterval(() => send(response, seen, event('"content":", well"')), 20)
  },
} as const

export type Behaviour = keyof typeof behaviours

const event = (delta: string): string =>
  `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{${delta}},"finish_reason":null}]}\n\n`

function send(response: ServerResponse, seen: Seen, text: string): void {
  if (!response.headersSent) {
    seen.headMs = performance.now()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
  }
  seen.lastByteMs = performance.now()
  response.write(text)
}

export interface Hanging {
  readonly url: string
  /** Resolves when this call's request has arrived. */
  seen(mark: string): Promise<Seen>
  stop(): void
}

export async function startHanging(): Promise<Hanging> {
  const calls = new Map<string, PromiseWithResolvers<Seen>>()
  const callOf = (mark: string): PromiseWithResolvers<Seen> => {
    const known = calls.get(mark) ?? Promise.withResolvers<Seen>()
    calls.set(mark, known)
    return known
  }
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (part: Buffer) => {
      text += part
    })
    request.on('end', () => {
      const { model, messages } = JSON.parse(text) as { model: Behaviour; messages: { content: string }[] }
      const now = performance.now()
      const closed = new Promise<number>((resolve) => response.once('close', () => resolve(performance.now())))
      const seen: Seen = { arrivedMs: now, headMs: now, lastByteMs: now, closed }
      const timer = behaviours[model](response, seen)
      response.once('close', () => clearInterval(timer))
      callOf(messages[0]?.content ?? '').resolve(seen)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: (mark) => callOf(mark).promise,
    stop() {
      server.close()
      server.closeAllConnections()
    },
  }
}

export interface OpenCall {
  readonly mark: string
  readonly startedMs: number
  readonly firstByte: Promise<void>
  /** The end of whatever came, and when. */
  readonly over: Promise<{ readonly atMs: number; readonly text: string }>
  leave(): void
}

let marks = 0

export function openCall(url: string, model: string, stream: boolean): OpenCall {
  const mark = `call ${++marks}`
  const firstByte = Promise.withResolvers<void>()
  const over = Promise.withResolvers<{ atMs: number; text: string }>()
  let text = ''
  const end = (): void => over.resolve({ atMs: performance.now(), text })
  const startedMs = performance.now()
  // Each client has a connection of its own, which goes with it.
  const asked = request(`${url}${path}`, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json' },
  })
  asked.on('response', (response) => {
    response.on('data', (part: Buffer) => {
      text += part
      firstByte.resolve()
    })
    response.once('close', end)
    response.on('error', () => undefined)
  })
  asked.on('error', end)
  asked.end(JSON.stringify({ model, stream, messages: [{ role: 'user', content: mark }] }))
  return { mark, startedMs, firstByte: firstByte.promise, over: over.promise, leave: () => void asked.destroy() }
}
