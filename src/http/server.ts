import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo, ListenOptions } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Caller, Scope } from '../core/access.ts'
import { Bag } from '../core/bag.ts'
import type { Clock } from '../core/clock.ts'
import { GatewayError, toGatewayError } from '../core/error.ts'
import type { Credentials } from './caller.ts'
import { Connection, Connections } from './connections.ts'
import type { Door } from './exchange.ts'
import { doorFinder } from './find-door.ts'
import { checkJson, checkSender, framingProblem, isEmpty, type Names } from './guard.ts'
import { HttpExchange } from './http-exchange.ts'
import { createServer, STATUS_CODES } from './node-http.ts'

export interface ServerLimits {
  readonly headerBytes: number
  readonly bodyBytes: number
  readonly connections: number
  /** How long the head of a request, and all of it, may take to arrive. */
  readonly headerMs: number
  readonly requestMs: number
}

export interface ServerOptions extends Names {
  readonly doors: readonly Door[]
  /** Where the doors are, for somebody who misses them all. */
  readonly hint?: string
  /** Says who asks, or refuses them, once it is known at which door. */
  readonly admit: (request: Credentials, scope: Scope) => Caller
  /** How an error is written for clients of a path: behind each door they expect another form. */
  readonly encodeError: (error: GatewayError, path: string) => string
  readonly limits: ServerLimits
  readonly clock: Clock
  /** Told of everything that is our own fault, for the log. */
  readonly onFault: (error: unknown) => void
  /** How long a client that was told no may take to stop sending, or to hear it; ten seconds unless a test says otherwise. */
  readonly patienceMs?: number
}

export interface HttpServer {
  listen(host: string, port: number): Promise<AddressInfo>
  /** The same on a local socket, or a named pipe. Who may open it is for whoever makes its folder to say. */
  listenAt(path: string): Promise<void>
  /** How many requests have no whole reply yet. */
  readonly running: number
  /** Takes nothing more; resolves when every reply that was due has left, or has been cut. */
  close(): Promise<void>
  /** Ends what is still open: each client is told, each exchange hears of it. */
  cut(): void
}

/** How many headers a request may have; nobody sends a tenth of them. */
const mostHeaders = 200
/** How many requests may wait on a connection for the answer before them. */
const mostWaiting = 10
/** How many more connections than are taken may be open to be told so. Those beyond are closed as they come. */
const extraConnections = 1_000
/** How long a client has to read that the server stops. */
const partingMs = 1_000
/** After so long it is asked once more who sends a request: a key that is revoked is good for less than a second more. */
const lateUs = 500_000
/** When one that was refused for the moment may come again. */
const soon = { headers: { 'retry-after': '1' } }

/** Bytes to an exchange, and its reply to bytes. Knows paths and limits, and no model. */
export function httpServer(options: ServerOptions): HttpServer {
  const { doors, hint = '', admit, encodeError, limits, clock, onFault, patienceMs = 10_000 } = options
  const find = doorFinder(doors, hint)
  const connections = new Connections(limits.connections)
  const open = new Bag<HttpExchange>()
  let closing: { readonly done: () => void } | undefined

  const rules = {
    bodyBytes: limits.bodyBytes,
    patienceMs,
    onFault,
    onOver(exchange: HttpExchange): void {
      open.remove(exchange)
      if (open.size === 0) closing?.done()
    },
    onBody(exchange: HttpExchange): void {
      if (clock() - exchange.arrivedUs > lateUs) exchange.caller = admit(exchange, exchange.scope)
    },
  }

  const take = (req: IncomingMessage, res: ServerResponse): void => {
    const connection = Connection.of(req.socket)
    if (connection.isEnding) {
      connection.deafen()
      return
    }
    const exchange = new HttpExchange(req, res, connection, clock(), rules)
    connection.add(exchange)
    open.add(exchange)
    // Of what comes in one piece with a wish to change the protocol, node loses what stands behind it.
    const wantsOther = req.headers.upgrade !== undefined
    if (!res.shouldKeepAlive || closing || connection.isExtra || wantsOther) exchange.isLast()
    const unclear = framingProblem(req)
    if (unclear) {
      endUnread(exchange, unclear)
      return
    }
    try {
      checkQueue(connection)
      checkSender(req.headers, req.rawHeaders, options)
      const door = find(exchange.method, exchange.path)
      if (!door.always) checkLoad(connection)
      exchange.scope = door.scope
      exchange.caller = admit(exchange, door.scope)
      if (bringsBody(exchange.method) && !(door.mayBeEmpty && isEmpty(req.headers))) checkJson(req.headers)
      const reply = door.handle(exchange)
      if (reply instanceof Promise)
        reply.then((value) => exchange.answer(value)).catch((thrown) => fail(exchange, thrown))
      else exchange.answer(reply)
    } catch (thrown) {
      fail(exchange, thrown)
    }
  }

  const checkQueue = (connection: Connection): void => {
    if (connection.waiting <= mostWaiting) return
    connection.end()
    throw new GatewayError(
      'too_many_waiting',
      `More than ${mostWaiting} requests wait on this connection for the answer before them. Use more connections.`,
      soon,
    )
  }

  const checkLoad = (connection: Connection): void => {
    if (closing) throw new GatewayError('draining', 'Trunkline is stopping. Try again in a moment.', soon)
    if (connection.isExtra && connections.areTooMany) {
      throw new GatewayError(
        'too_many_connections',
        `More than ${limits.connections} connections are open. Close some, or raise limits.connections.`,
        soon,
      )
    }
  }

  const fail = (exchange: HttpExchange, thrown: unknown, readsOn = true): void => {
    const error = toGatewayError(thrown)
    if (error.code === 'internal') onFault(error.cause ?? error)
    exchange.refuse(error, encodeError(error, exchange.path), readsOn)
  }

  /** Nobody can say where its request ends, so nothing that comes after it is looked at. */
  const endUnread = (exchange: HttpExchange, error: GatewayError): void => {
    exchange.connection.end()
    fail(exchange, error, false)
    exchange.connection.deafen()
  }

  const refuseRaw = (error: GatewayError, connection: Connection): void => {
    const { socket } = connection
    const body = encodeError(error, '')
    const headers = {
      ...error.details.headers,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    connection.deafen()
    socket.end(
      `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}\r\n${lines.join('')}connection: close\r\n\r\n${body}`,
    )
    const patience = setTimeout(() => socket.destroy(), patienceMs).unref()
    socket.once('close', () => clearTimeout(patience))
  }

  const server: Server = createServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: Math.min(limits.headerMs, limits.requestMs),
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: Math.ceil(Math.min(limits.headerMs, limits.requestMs, 2_000) / 2),
      noDelay: true,
      keepAliveTimeout: 65_000,
      // A missing Host is refused by the check of the sender, in words.
      requireHostHeader: false,
    },
    take,
  )
  server.maxHeadersCount = mostHeaders
  server.maxConnections = limits.connections + extraConnections
  // A client that asks first is told to go on when its body is read, not before it is known to be wanted.
  server.on('checkContinue', take)
  server.on('checkExpectation', take)
  server.on('connection', (socket) => connections.open(socket, clock()))
  server.on('connect', (req, socket) => {
    const connection = Connection.of(socket)
    socket.on('error', () => undefined)
    if (connection.isIdle)
      refuseRaw(
        new GatewayError('method_not_allowed', `Trunkline is no proxy: it does not take ${req.method}.`),
        connection,
      )
    else socket.destroy()
  })

  server.on('clientError', (problem: NodeJS.ErrnoException, socket: Duplex) => {
    const connection = Connection.of(socket)
    const { last } = connection
    const isLate = problem.code === 'ERR_HTTP_REQUEST_TIMEOUT'
    // What comes is not read any more, and has its own time.
    if (isLate && connection.isDeaf) return
    // The client left, or there is nobody to tell, or nothing to tell to one that never said anything.
    if (leftCodes.has(problem.code ?? '') || !socket.writable || connection.isDeaf) return void socket.destroy()
    if (isLate && connection.isNew && connection.socket.bytesRead === 0) return void socket.destroy()
    const error = malformed(problem, limits, last?.isArriving === true)
    if (last?.isArriving) endUnread(last, error)
    else if (connection.isIdle) refuseRaw(error, connection)
    // A second reply in the middle of the first would be read as a part of it.
    else if (last) connection.deafen()
    else socket.destroy()
  })

  const listen = (where: ListenOptions): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen({ ...where, exclusive: true }, () => {
        server.off('error', reject)
        resolve()
      })
    })

  return {
    async listen(host, port) {
      await listen({ host, port })
      return server.address() as AddressInfo
    },
    listenAt: (path) => listen({ path }),
    get running() {
      return open.size
    },
    async close() {
      const allOver = new Promise<void>((resolve) => {
        closing = { done: resolve }
      })
      // A connection that is kept alive would bring the next request.
      for (const { connection } of open) connection.end()
      const ended = new Promise<void>((resolve) => server.close(() => resolve()))
      if (open.size > 0) await allOver
      for (const { socket } of connections) socket.destroy()
      await ended
    },
    cut() {
      const error = new GatewayError('draining', 'Trunkline stopped before the answer was complete.', soon)
      for (const exchange of [...open]) exchange.stop(error, encodeError(error, exchange.path))
      setTimeout(() => {
        for (const { socket } of connections) socket.destroy()
      }, partingMs).unref()
    },
  }
}

const bringsBody = (method: string): boolean => method === 'POST' || method === 'PUT' || method === 'PATCH'

/** A client that closes or resets its connection in the middle of a request has left. */
const leftCodes: ReadonlySet<string> = new Set(['ECONNRESET', 'HPE_INVALID_EOF_STATE'])

function malformed(problem: NodeJS.ErrnoException, limits: ServerLimits, hasHead: boolean): GatewayError {
  switch (problem.code) {
    case 'HPE_HEADER_OVERFLOW':
      return new GatewayError(
        'headers_too_large',
        `The request's headers are larger than ${limits.headerBytes} bytes together, or more than ${mostHeaders}.`,
      )
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new GatewayError('headers_too_large', 'The extensions of its chunks are larger than 16 kB together.')
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new GatewayError(
        'request_timeout',
        hasHead
          ? `The request did not arrive within ${limits.requestMs} ms (limits.request_ms).`
          : `The head of the request did not arrive within ${limits.headerMs} ms (limits.header_ms).`,
      )
    case 'HPE_INVALID_HEADER_TOKEN':
      return new GatewayError(
        'malformed_http',
        'A header has a character that headers cannot have, such as NUL or a line break.',
      )
    default:
      return new GatewayError('malformed_http', `This is not a valid HTTP request: ${problem.message}.`)
  }
}
