import type { IncomingMessage, ServerResponse } from 'node:http'
import type { InBag } from '../core/bag.ts'
import { GatewayError } from '../core/error.ts'
import type { Source } from '../core/source.ts'
import type { Done, Exchange, Reply, ReplyHeaders } from './exchange.ts'

/** How long the rest of a refused body is read and thrown away. */
export const discardMs = 10_000

/** An exchange on node's request and response: reads the one, and writes what the other becomes. */
export class HttpExchange implements Exchange, InBag {
  place = -1
  readonly method: string
  readonly path: string
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
