import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Caller, Scope } from '../core/access.ts'
import type { InBag } from '../core/bag.ts'
import { GatewayError } from '../core/error.ts'
import type { Sink } from '../core/source.ts'
import { nobody } from './caller.ts'
import type { Connection } from './connections.ts'
import type { Done, Exchange, Reply, ReplyHeaders } from './exchange.ts'
import { Pieces } from './pieces.ts'

export interface ExchangeRules {
  /** How large a body may be. */
  readonly bodyBytes: number
  /** How long a client that was told no may take to stop sending, or to hear it. */
  readonly patienceMs: number
  readonly onOver: (exchange: HttpExchange) => void
  /** Asked when a body is there, and it is its turn; throws when whoever sends it may not pass any more. */
  readonly onBody: (exchange: HttpExchange) => void
  /** Told of what is our own fault in a reply that has begun. */
  readonly onFault: (error: unknown) => void
}

/** How long nothing of an answer's last bytes may get through to the client. */
const lastBytesMs = 60_000

/** An exchange on node's request and response: reads the one, and writes what the other becomes. */
export class HttpExchange implements Exchange, InBag, Sink {
  place = -1
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: IncomingMessage['headers']
  readonly remoteAddress: string
  caller: Caller = nobody
  /** That of the door through which it goes. */
  scope: Scope = 'public'
  readonly arrivedUs: number
  readonly replyHeaders: ReplyHeaders = {}
  readonly connection: Connection
  /** The one that came after it on its connection. */
  next: HttpExchange | undefined
  /** The reply has left, or will not. */
  isOver = false
  private readonly req: IncomingMessage
  private readonly res: ServerResponse
  private readonly rules: ExchangeRules
  private sent = 0
  private isAnswered = false
  private goneListener: (() => void) | undefined
  private doneListener: ((done: Done) => void) | undefined
  private encodeFailure: Reply['encodeFailure']
  private failure: GatewayError | undefined
  /** What becomes of a body that is there, but before its turn; and of one that somebody waits for. */
  private onTurn: (() => void) | undefined
  private refuseBody: ((error: GatewayError) => void) | undefined

  constructor(
    req: IncomingMessage,
    res: ServerResponse,
    connection: Connection,
    arrivedUs: number,
    rules: ExchangeRules,
  ) {
    const url = req.url ?? '/'
    const mark = url.indexOf('?')
    this.method = req.method ?? 'GET'
    this.path = mark < 0 ? url : url.slice(0, mark)
    this.query = mark < 0 ? '' : url.slice(mark + 1)
    this.headers = req.headers
    this.remoteAddress = req.socket.remoteAddress ?? ''
    this.arrivedUs = arrivedUs
    this.connection = connection
    this.req = req
    this.res = res
    this.rules = rules
    res.once('close', () => this.closed())
    // What goes wrong with a socket shows in `close`; without a listener it would end the process.
    res.on('error', ignore)
    req.on('error', ignore)
  }

  body(): Promise<Buffer> {
    const { req, rules } = this
    const limit = rules.bodyBytes
    const declared = Number(this.headers['content-length'] ?? 0)
    if (declared > limit) return Promise.reject(tooLarge(limit))
    if (this.headers.expect?.toLowerCase() === '100-continue') this.res.writeContinue()
    return new Promise((resolve, reject) => {
      let pieces: Pieces | undefined = new Pieces(declared)
      this.refuseBody = reject
      req.on('data', (chunk: Buffer) => {
        if (!pieces) return
        if (pieces.size + chunk.length <= limit) pieces.add(chunk)
        else {
          pieces = undefined
          reject(tooLarge(limit))
        }
      })
      req.once('end', () => {
        if (!pieces) return
        const whole = pieces.whole()
        const take = (): void => {
          this.refuseBody = undefined
          try {
            rules.onBody(this)
            resolve(whole)
          } catch (thrown) {
            reject(thrown)
          }
        }
        // Calls that a client sends without waiting are not worked on at the same time: it may leave after the first answer.
        if (this.connection.first === this) take()
        else this.onTurn = take
      })
    })
  }

  /** Those before it on its connection are over. */
  turn(): void {
    if (this.isAnswered) this.hurry(lastBytesMs)
    else this.onTurn?.()
  }

  onGone(listener: () => void): void {
    this.goneListener = listener
  }

  onDone(listener: (done: Done) => void): void {
    this.doneListener = listener
  }

  answer({ status, headers, body, encodeFailure }: Reply): void {
    if (typeof body === 'string' || Buffer.isBuffer(body)) {
      if (!this.failure) this.finish(this.begin(status, headers, body))
    } else if (this.failure || this.res.destroyed) body.cancel()
    else {
      const { res } = this
      this.encodeFailure = encodeFailure
      res.writeHead(status, this.head(headers))
      res.on('drain', () => body.resume())
      body.to(this)
    }
  }

  write(chunk: Buffer): boolean {
    if (this.failure) return true
    this.sent += chunk.length
    return this.res.write(chunk)
  }

  end(): void {
    if (!this.failure) this.finish()
  }

  /** Ends a reply that has begun so that nobody takes it for whole: a last frame that says so, or a cut connection. */
  fail(error: GatewayError): void {
    if (this.failure) return
    if (error.code === 'internal') this.rules.onFault(error.cause ?? error)
    this.breakOff(error)
  }

  private breakOff(error: GatewayError): void {
    this.failure = error
    if (this.encodeFailure) this.finish(this.encodeFailure(error), this.rules.patienceMs)
    else this.res.destroy()
  }

  /** The request is not all there yet, and nothing has been said to it. */
  get isArriving(): boolean {
    return !this.req.complete && !this.res.headersSent
  }

  get hasWholeRequest(): boolean {
    return this.req.complete
  }

  /** `readsOn` is false where nothing more of the request can be read. */
  refuse(error: GatewayError, body: string, readsOn = true): void {
    // The first reason is the one: a body that will never be whole is only a consequence.
    if (this.failure) return
    if (this.res.headersSent) {
      this.breakOff(error)
      return
    }
    this.failure = error
    if (this.res.destroyed) return
    const bytes = this.begin(error.status, { 'content-type': 'application/json', ...error.details.headers }, body)
    const isEarly = readsOn && !this.req.complete
    if (isEarly) this.discardBody()
    if (isEarly && !this.res.shouldKeepAlive) {
      this.res.write(bytes)
      this.req.once('close', () => this.finish())
    } else this.finish(bytes)
  }

  /**
   * Reads on for a while after a refusal. To close with bytes unread would reset the connection, and the client, still
   * sending, would never see why.
   */
  private discardBody(): void {
    const { socket } = this.req
    const patience = setTimeout(() => socket.destroy(), this.rules.patienceMs).unref()
    this.req.once('close', () => clearTimeout(patience))
    this.req.resume()
  }

  /** The server ends before the reply does. */
  stop(error: GatewayError, body: string): void {
    if (this.isAnswered) return
    this.connection.end()
    this.refuse(error, body)
    this.goneListener?.()
  }

  /** The connection ends with this reply, unless its head has already said otherwise. */
  isLast(): void {
    if (this.res.headersSent) return
    this.res.shouldKeepAlive = false
    this.connection.isEnding = true
  }

  closed(): void {
    if (this.isOver) return
    this.isOver = true
    const gone = !this.res.writableFinished && this.failure === undefined
    if (gone) this.goneListener?.()
    this.doneListener?.({
      status: this.res.headersSent ? this.res.statusCode : 499,
      bytes: this.sent,
      gone,
      ...(this.failure && { error: this.failure }),
    })
    this.refuseBody?.(new GatewayError('cancelled', 'The client left before it had sent its request.'))
    this.answered()
    this.connection.shift()
    this.rules.onOver(this)
  }

  /** Writes the head of a reply that is known whole, and gives its bytes. */
  private begin(status: number, headers: ReplyHeaders, body: string | Buffer): Buffer {
    // As bytes: before a string node writes the headers in UTF-8 too, and theirs are bytes already.
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    this.sent = bytes.length
    this.res.writeHead(status, this.head({ ...headers, 'content-length': String(bytes.length) }))
    return bytes
  }

  private finish(bytes?: string | Buffer, patienceMs = lastBytesMs): void {
    if (this.isAnswered) return
    this.answered()
    this.res.end(bytes)
    // Nearly every reply is with the system a moment later; only what is not needs a timer.
    if (this.connection.first === this) process.nextTick(hurry, this, patienceMs)
  }

  /** The last bytes wait for the client, which may have stopped to read for good: they have so long to get through. */
  hurry(patienceMs: number): void {
    const { socket } = this.req
    if (!this.isOver && socket.writableLength > 0) socket.setTimeout(patienceMs)
  }

  private answered(): void {
    if (this.isAnswered) return
    this.isAnswered = true
    this.connection.unanswered--
  }

  private head(headers: ReplyHeaders): Record<string, string | string[]> {
    return Object.assign(headers, this.replyHeaders) as Record<string, string | string[]>
  }
}

const ignore = (): void => undefined

const hurry = (exchange: HttpExchange, patienceMs: number): void => exchange.hurry(patienceMs)

const tooLarge = (limit: number): GatewayError =>
  new GatewayError('body_too_large', `The body is larger than ${limit} bytes. Send less, or raise limits.body_bytes.`)
