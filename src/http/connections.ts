import type { Socket } from 'node:net'
import type { HttpExchange } from './http-exchange.ts'

/** How long a new connection may be silent before it makes room for another when there are too many. */
const silenceUs = 1_000_000
/** How long nobody looks again for a connection that could make room when there was none. */
const vainUs = 100_000

const ours = Symbol('connection')

interface ClientSocket extends Socket {
  [ours]?: Connection
}

/** A client's connection. Its requests are answered one after the other, in the order in which they came. */
export class Connection {
  readonly socket: Socket
  /** Beyond as many as are taken: what it asks for is refused. */
  readonly isExtra: boolean
  /** When it was opened or last brought a request. */
  usedUs: number
  isNew = true
  /** It is closed after the requests that it has brought: what else comes is not looked at. */
  isEnding = false
  isDeaf = false
  /** How many of its requests have no whole reply yet, and how many replies have not left. */
  unanswered = 0
  private unsent = 0
  /** The exchange whose turn it is, and the last of those that wait behind it. */
  first: HttpExchange | undefined
  last: HttpExchange | undefined
  /** The last exchange that was over before all of its request had come. */
  private early: HttpExchange | undefined

  constructor(socket: Socket, openedUs: number, isExtra: boolean) {
    this.socket = socket
    this.usedUs = openedUs
    this.isExtra = isExtra
    ;(socket as ClientSocket)[ours] = this
    // A client that has only finished sending looks like one that has left, and that is what nearly all of them have done.
    socket.on('end', () => {
      if (this.unanswered > 0) socket.destroy()
    })
    socket.once('close', () => {
      while (this.first) this.first.closed()
    })
  }

  static of(socket: object): Connection {
    return (socket as ClientSocket)[ours] as Connection
  }

  add(exchange: HttpExchange): void {
    this.unanswered++
    this.unsent++
    this.isNew = false
    this.usedUs = exchange.arrivedUs
    if (this.last) this.last.next = exchange
    else this.first = exchange
    this.last = exchange
  }

  /** An exchange is over: it is the next one's turn. */
  shift(): void {
    const { socket } = this
    this.unsent--
    if (this.first) this.early = this.first.hasWholeRequest ? undefined : this.first
    while (this.first?.isOver) this.first = this.first.next
    if (!this.first) {
      this.last = undefined
      if (this.isEnding) socket.destroySoon()
    } else if (socket.writable) {
      // It has its own time: what was left for the last bytes of the one before does not count.
      socket.setTimeout(0)
      this.first.turn()
    }
  }

  /** It is closed when those are answered that it has brought. */
  end(): void {
    this.last?.isLast()
  }

  /** How many wait behind one that has no answer yet; replies that wait only for the client do not count. */
  get waiting(): number {
    return this.unanswered > 1 ? this.unsent - 1 : 0
  }

  /** There is nothing under way to which an answer could belong, so that one may be written. */
  get isIdle(): boolean {
    return !this.first && (this.early?.hasWholeRequest ?? true)
  }

  /** Throws away what else comes. Who closes with bytes unread resets the connection, and the client loses its answer. */
  deafen(): void {
    if (this.isDeaf) return
    this.isDeaf = true
    this.isEnding = true
    this.socket.removeAllListeners('data').on('data', ignore).resume()
  }
}

const ignore = (): void => undefined

/** All connections of clients, and which of them goes when there are too many. */
export class Connections implements Iterable<Connection> {
  private readonly limit: number
  private readonly all = new Set<Connection>()
  private vainAtUs = Number.NEGATIVE_INFINITY

  constructor(limit: number) {
    this.limit = limit
  }

  open(socket: Socket, nowUs: number): void {
    const isExtra = this.all.size >= this.limit && !this.makeRoom(nowUs)
    const connection = new Connection(socket, nowUs, isExtra)
    this.all.add(connection)
    socket.once('close', () => this.all.delete(connection))
  }

  get areTooMany(): boolean {
    return this.all.size > this.limit
  }

  [Symbol.iterator](): Iterator<Connection> {
    return this.all[Symbol.iterator]()
  }

  /** Closes the connection that has been idle for longest. */
  private makeRoom(nowUs: number): boolean {
    if (nowUs - this.vainAtUs < vainUs) return false
    let idlest: Connection | undefined
    for (const connection of this.all) {
      if (idlest && connection.usedUs >= idlest.usedUs) continue
      if (connection.isIdle && (!connection.isNew || nowUs - connection.usedUs >= silenceUs)) idlest = connection
    }
    if (!idlest) {
      this.vainAtUs = nowUs
      return false
    }
    this.all.delete(idlest)
    idlest.socket.destroy()
    return true
  }
}
