import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { Bag } from '../core/bag.ts'
import type { Clock } from '../core/clock.ts'
import { GatewayError, toGatewayError } from '../core/error.ts'
import type { Door } from './exchange.ts'
import { checkJson, checkSender } from './guard.ts'
import { discardMs, HttpExchange } from './http-exchange.ts'

export interface ServerOptions {
  readonly doors: readonly Door[]
  readonly encodeError: (error: GatewayError) => string
  readonly limits: { readonly headerBytes: number; readonly bodyBytes: number }
  readonly clock: Clock
  /** Told of everything that is our own fault, for the log. */
  readonly onFault: (error: unknown) => void
}

export interface HttpServer {
  listen(host: string, port: number): Promise<AddressInfo>
  /** Takes nothing more; resolves when every reply that was due has left, or has been cut. */
  close(): Promise<void>
  /** Ends what is still open: each exchange hears of it. */
  cut(): void
}

/** Bytes to an exchange, and its reply to bytes. Knows paths and limits, and no model. */
export function httpServer(options: ServerOptions): HttpServer {
  const { doors, encodeError, limits, clock, onFault } = options
  const find = doorFinder(doors)
  /** The last request that came on a connection: what is wrong after it may be its body, or come before its reply. */
  const latest = new WeakMap<Duplex, HttpExchange>()

  const open = new Bag<HttpExchange>()
  let closing: { readonly done: () => void } | undefined
  const left = (exchange: HttpExchange): void => {
    open.remove(exchange)
    if (open.size === 0) closing?.done()
  }

  const take = (req: IncomingMessage, res: ServerResponse): void => {
    const exchange = new HttpExchange(req, res, clock(), limits.bodyBytes, left)
    latest.set(req.socket, exchange)
    open.add(exchange)
    try {
      if (closing) {
        exchange.isLast()
        throw new GatewayError('draining', 'Trunkline is stopping. Try again in a moment.')
      }
      checkSender(req.headers, req.rawHeaders)
      const door = find(exchange.method, exchange.path)
      if (door.method === 'POST') checkJson(req.headers)
      const reply = door.handle(exchange)
      if (reply instanceof Promise)
        reply.then((value) => exchange.answer(value)).catch((thrown) => fail(exchange, thrown))
      else exchange.answer(reply)
    } catch (thrown) {
      fail(exchange, thrown)
    }
  }

  const fail = (exchange: HttpExchange, thrown: unknown): void => {
    const error = toGatewayError(thrown)
    if (error.code === 'internal') onFault(error.cause ?? error)
    exchange.refuse(error, encodeError(error))
  }

  const refuseRaw = (error: GatewayError, socket: Duplex): void => {
    const body = encodeError(error)
    const headers = {
      ...error.details.headers,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.end(
      `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}\r\n${lines.join('')}connection: close\r\n\r\n${body}`,
    )
    setTimeout(() => socket.destroy(), discardMs).unref()
  }

  const server: Server = createServer(
    // A missing Host is refused by the check of the sender, in words.
    { maxHeaderSize: limits.headerBytes, noDelay: true, keepAliveTimeout: 65_000, requireHostHeader: false },
    take,
  )
  // A client that asks first is told to go on when its body is read, not before it is known to be wanted.
  server.on('checkContinue', take)
  server.on('checkExpectation', take)
  server.on('connect', (req, socket) => {
    socket.on('error', () => undefined)
    refuseRaw(new GatewayError('method_not_allowed', `Trunkline is no proxy: it does not take ${req.method}.`), socket)
  })

  server.on('clientError', (problem: NodeJS.ErrnoException, socket: Duplex) => {
    if (problem.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
    const error = malformed(problem, limits.headerBytes)
    const before = latest.get(socket)
    if (!before || before.isOver) refuseRaw(error, socket)
    else if (before.isArriving) {
      before.replyHeaders.connection = 'close'
      fail(before, error)
    } else {
      // A second reply in the middle of the first would be read as a part of it.
      socket.destroy()
    }
  })

  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })

  return {
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen({ host, port, exclusive: true }, () => {
          server.off('error', reject)
          resolve(server.address() as AddressInfo)
        })
      }),
    async close() {
      const allLeft = new Promise<void>((resolve) => {
        closing = { done: resolve }
      })
      // A connection that is kept alive would bring the next request.
      for (const exchange of open) exchange.isLast()
      const ended = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      if (open.size > 0) await allLeft
      server.closeAllConnections()
      await ended
    },
    cut: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}

function doorFinder(doors: readonly Door[]): (method: string, path: string) => Door {
  const exact = new Map<string, Door[]>()
  for (const door of doors) exact.set(door.path, [...(exact.get(door.path) ?? []), door])
  const prefixes = doors.filter((door) => door.prefix)
  return (method, path) => {
    const here = exact.get(path) ?? prefixes.filter((door) => path.startsWith(door.path))
    const wanted = method === 'HEAD' ? 'GET' : method
    const door = here.find((candidate) => candidate.method === wanted)
    if (door) return door
    if (here.length === 0) {
      throw new GatewayError(
        'unknown_url',
        `There is nothing at ${path.slice(0, 200)}. Chat is at POST /v1/chat/completions.`,
      )
    }
    const allowed = here.map((candidate) => candidate.method).join(', ')
    throw new GatewayError('method_not_allowed', `${path} takes ${allowed}, not ${method}.`, {
      headers: { allow: allowed },
    })
  }
}

function malformed(problem: NodeJS.ErrnoException, headerBytes: number): GatewayError {
  switch (problem.code) {
    case 'HPE_HEADER_OVERFLOW':
      return new GatewayError(
        'headers_too_large',
        `The request's headers are larger than ${headerBytes} bytes together.`,
      )
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new GatewayError('request_timeout', 'The request did not arrive in time.')
    case 'HPE_INVALID_HEADER_TOKEN':
      return new GatewayError(
        'malformed_http',
        'A header has a character that headers cannot have, such as NUL or a line break.',
      )
    default:
      return new GatewayError('malformed_http', `This is not a valid HTTP request: ${problem.message}.`)
  }
}
