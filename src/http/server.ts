import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { Bag } from '../core/bag.ts'
import type { Clock } from '../core/clock.ts'
import { GatewayError, toGatewayError } from '../core/error.ts'
import type { Source } from '../core/source.ts'
import type { Done, Door, Exchange, Reply, ReplyHeaders } from './exchange.ts'
import { checkJson, checkSender } from './guard.ts'

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

/** How long the rest of a refused body is read and thrown away. */
const discardMs = 10_000

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
      if (closing) exchange.isLast()
      if (closing) throw new GatewayError('draining', 'Trunkline is stopping. Try again in a moment.')
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

class HttpExchange implements Exchange {
  place = -1
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: IncomingMessage['headers']
  readonly remoteAddress: string
  readonly arrivedUs: number
  readonly replyHeaders: ReplyHeaders = {}
  private readonly req: IncomingMessage
  private readonly res: ServerResponse
  private readonly bodyLimit: number
  private sent = 0
  private goneListener: (() => void) | undefined
  private doneListener: ((done: Done) => void) | undefined
  private failure: GatewayError | undefined

  constructor(
    req: IncomingMessage,
    res: ServerResponse,
    arrivedUs: number,
    bodyLimit: number,
    onLeft: (exchange: HttpExchange) => void,
  ) {
    const url = req.url ?? '/'
    const mark = url.indexOf('?')
    this.method = req.method ?? 'GET'
    this.path = mark < 0 ? url : url.slice(0, mark)
    this.query = mark < 0 ? '' : url.slice(mark + 1)
    this.headers = req.headers
    this.remoteAddress = req.socket.remoteAddress ?? ''
    this.arrivedUs = arrivedUs
    this.req = req
    this.res = res
    this.bodyLimit = bodyLimit
    res.once('close', () => {
      this.closed()
      onLeft(this)
    })
    // What goes wrong with a socket shows in `close`; without a listener it would end the process.
    res.on('error', () => undefined)
    req.on('error', () => undefined)
  }

  body(): Promise<Buffer> {
    const declared = Number(this.headers['content-length'] ?? 0)
    if (declared > this.bodyLimit) return Promise.reject(tooLarge(this.bodyLimit))
    if (this.headers.expect?.toLowerCase() === '100-continue') this.res.writeContinue()
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      let size = 0
      this.req.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size <= this.bodyLimit) return void chunks.push(chunk)
        chunks.length = 0
        reject(tooLarge(this.bodyLimit))
      })
      this.req.once('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size)))
      this.req.once('close', () => {
        if (!this.req.complete) reject(new GatewayError('cancelled', 'The client left before it had sent its request.'))
      })
    })
  }

  onGone(listener: () => void): void {
    this.goneListener = listener
  }

  onDone(listener: (done: Done) => void): void {
    this.doneListener = listener
  }

  answer({ status, headers, body, encodeFailure }: Reply): void {
    if (typeof body === 'string' || Buffer.isBuffer(body)) this.end(status, headers, body)
    else if (this.res.destroyed) body.cancel()
    else this.pump(status, headers, body, encodeFailure)
  }

  private pump(status: number, headers: ReplyHeaders, body: Source, encodeFailure: Reply['encodeFailure']): void {
    const { res } = this
    res.writeHead(status, this.head(headers))
    res.on('drain', () => body.resume())
    body.to({
      write: (chunk) => {
        this.sent += chunk.length
        return res.write(chunk)
      },
      end: () => void res.end(),
      fail: (error) => this.breakOff(error, encodeFailure),
    })
  }

  /** The request is not all there yet, and nothing has been said to it. */
  get isArriving(): boolean {
    return !this.req.complete && !this.res.headersSent
  }

  get isOver(): boolean {
    return this.res.writableFinished
  }

  refuse(error: GatewayError, body: string): void {
    // The first reason is the one: a body that will never be whole is only a consequence.
    if (this.failure) return
    this.failure = error
    if (this.res.destroyed) return
    if (this.res.headersSent) this.breakOff(error, undefined)
    else {
      this.end(error.status, { 'content-type': 'application/json', ...error.details.headers }, body)
      if (!this.req.complete) this.discardBody()
    }
  }

  /**
   * Reads on for a while after a refusal. To close with bytes unread would reset the connection, and the client, still
   * sending, would never see why.
   */
  private discardBody(): void {
    const { socket } = this.req
    const patience = setTimeout(() => socket.destroy(), discardMs).unref()
    this.req.once('close', () => clearTimeout(patience))
    this.req.resume()
  }

  private end(status: number, headers: ReplyHeaders, body: string | Buffer): void {
    // As bytes: before a string node writes the headers in UTF-8 too, and theirs are bytes already.
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    this.sent = bytes.length
    this.res.writeHead(status, this.head({ ...headers, 'content-length': String(bytes.length) }))
    this.res.end(bytes)
  }

  private head(headers: ReplyHeaders): Record<string, string | string[]> {
    return Object.assign(headers, this.replyHeaders) as Record<string, string | string[]>
  }

  /** Ends a reply that has begun so that nobody takes it for whole: a last frame that says so, or a cut connection. */
  private breakOff(error: GatewayError, encodeFailure: ((error: GatewayError) => string) | undefined): void {
    this.failure = error
    if (encodeFailure) this.res.end(encodeFailure(error))
    else this.res.destroy()
  }

  /** The connection ends with this reply. */
  isLast(): void {
    this.res.shouldKeepAlive = false
  }

  private closed(): void {
    const gone = !this.res.writableFinished && this.failure === undefined
    if (gone) this.goneListener?.()
    this.doneListener?.({
      status: this.res.headersSent ? this.res.statusCode : 499,
      bytes: this.sent,
      gone,
      ...(this.failure && { error: this.failure }),
    })
  }
}

const tooLarge = (limit: number): GatewayError =>
  new GatewayError('body_too_large', `The body is larger than ${limit} bytes. Send less, or raise limits.body_bytes.`)
