import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
import { anybody } from '../core/access.ts'
import { GatewayError } from '../core/error.ts'
import type { Sink, Source } from '../core/source.ts'
import { type Done, type Door, jsonReply } from './exchange.ts'
import type { HttpExchange } from './http-exchange.ts'
import { type HttpServer, httpServer, type ServerLimits } from './server.ts'

const roomy: ServerLimits = {
  headerBytes: 16_384,
  bodyBytes: 1 << 20,
  connections: 100,
  headerMs: 10_000,
  requestMs: 10_000,
}

interface Running extends AsyncDisposable {
  readonly server: HttpServer
  readonly port: number
  readonly faults: readonly unknown[]
  /** The server's time, in µs. */
  nowUs: number
}

async function start(
  doors: readonly Door[],
  limits: Partial<ServerLimits> = {},
  patienceMs = 10_000,
): Promise<Running> {
  const faults: unknown[] = []
  const server = httpServer({
    doors,
    admit: () => anybody,
    encodeError: ({ code }) => JSON.stringify({ code }),
    limits: { ...roomy, ...limits },
    hosts: () => [],
    anyAddress: false,
    clock: () => running.nowUs,
    onFault: (error) => faults.push(error),
    patienceMs,
  })
  const { port } = await server.listen('127.0.0.1', 0)
  const running: Running = {
    server,
    port,
    faults,
    nowUs: 1,
    async [Symbol.asyncDispose]() {
      server.cut()
      await server.close()
      expect(faults).toEqual([])
    },
  }
  return running
}

const get = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'

async function client({ port }: Running): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

const hello: Door = { method: 'GET', path: '/', scope: 'public', handle: () => jsonReply(200, 'hello') }

/** A stream of more than both ends of a connection hold for a client that does not read. */
function unread(): { door: Door; sink: Promise<Sink>; done: Promise<Done>; cancelled: () => boolean } {
  const began = Promise.withResolvers<Sink>()
  const over = Promise.withResolvers<Done>()
  let cancelled = false
  const body: Source = {
    to(sink) {
      const piece = Buffer.alloc(1 << 20)
      for (let sent = 0; sent < 32; sent++) sink.write(piece)
      began.resolve(sink)
    },
    resume() {},
    cancel() {
      cancelled = true
    },
  }
  const door: Door = {
    method: 'GET',
    path: '/',
    scope: 'public',
    handle(exchange) {
      exchange.onDone(over.resolve)
      exchange.onGone(() => body.cancel())
      return { status: 200, headers: {}, body, encodeFailure: ({ code }) => code }
    },
  }
  return { door, sink: began.promise, done: over.promise, cancelled: () => cancelled }
}

test('a client that does not read how its answer failed is cut off', async () => {
  const { door, sink, done } = unread()
  await using running = await start([door], {}, 50)
  const socket = await client(running)
  socket.pause()
  socket.write(get)
  const error = new GatewayError('timeout_idle', 'It fell silent.')
  ;(await sink).fail(error)
  expect(await done).toMatchObject({ status: 200, error, gone: false })
  socket.destroy()
})

test('a server that is cut waits a moment for a client to read, and not longer', async () => {
  const { door, sink, done, cancelled } = unread()
  await using running = await start([door])
  const socket = await client(running)
  socket.pause()
  socket.write(get)
  await sink
  const closed = running.server.close()
  running.server.cut()
  expect(cancelled()).toBe(true)
  expect(await done).toMatchObject({ error: { code: 'draining' } })
  await closed
  socket.destroy()
})

test('what a source says after the end of its answer is not heard', async () => {
  const { door, sink, done } = unread()
  await using running = await start([door])
  const socket = await client(running)
  let bytes = 0
  socket.on('data', (chunk: Buffer) => (bytes += chunk.length))
  socket.write(get)
  const taker = await sink
  taker.fail(new GatewayError('upstream_cut', 'It broke.'))
  taker.write(Buffer.from('more'))
  taker.fail(new GatewayError('cancelled', 'The client left.'))
  taker.end()
  expect(await done).toMatchObject({ bytes: 32 << 20, error: { code: 'upstream_cut' } })
  await vi.waitFor(() => expect(bytes).toBeGreaterThan(32 << 20))
  socket.destroy()
})

test('a client that stops to read has as long for answers that waited behind others as for the first', async () => {
  const sockets: Socket[] = []
  const long: Door = {
    method: 'GET',
    path: '/',
    scope: 'public',
    handle(exchange) {
      sockets.push((exchange as HttpExchange).connection.socket)
      return { status: 200, headers: {}, body: Buffer.alloc(1 << 20) }
    },
  }
  await using running = await start([long])
  const socket = await client(running)
  let bytes = 0
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > 4 << 20) socket.pause()
  })
  socket.write(get.repeat(32))
  let before = -1
  await vi.waitFor(() => {
    const sent = sockets[0]?.bytesWritten ?? 0
    const isStill = socket.isPaused() && sent === before
    before = sent
    expect(isStill).toBe(true)
  })
  expect(running.server.running).toBeGreaterThan(0)
  expect(sockets[0]?.timeout).toBe(60_000)
  socket.destroy()
})

test('a connection that never says anything makes room for another, but not at once', async () => {
  await using running = await start([hello], { connections: 1 })
  const silent = await client(running)
  const ask = async (): Promise<string> => {
    const socket = await client(running)
    socket.write(get)
    const [said] = (await once(socket, 'data')) as [Buffer]
    socket.destroy()
    return said.toString()
  }
  expect(await ask()).toMatch(/^HTTP\/1\.1 503 .*too_many_connections/s)
  running.nowUs += 2_000_000
  const closed = once(silent, 'close')
  expect(await ask()).toMatch(/^HTTP\/1\.1 200 /)
  await closed
})

test('a body in single bytes is read', async () => {
  const body = JSON.stringify({ text: 'x'.repeat(20_000) })
  const door: Door = {
    method: 'POST',
    path: '/',
    scope: 'public',
    handle: async (exchange) => jsonReply(200, (await exchange.body()).toString() === body),
  }
  await using running = await start([door])
  const socket = await client(running)
  const head =
    'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n'
  socket.write(`${head}${[...body].map((byte) => `1\r\n${byte}\r\n`).join('')}0\r\n\r\n`)
  const [said] = (await once(socket, 'data')) as [Buffer]
  expect(said.toString()).toMatch(/^HTTP\/1\.1 200 .*true$/s)
  socket.destroy()
})
