import type { Token } from '../core/credential.ts'
import { type LiveToken, TokenFailure, type TokenSource } from './cloud/token-source.ts'

/** Time as whoever keeps tokens needs it. */
export interface KeeperClock {
  /** The machine's clock, which may be set while we run. In ms since the epoch. */
  readonly wallMs: () => number
  /** Never set, but it may stand still while the machine sleeps. */
  readonly steadyMs: () => number
  /** Runs once after a while, unless what is given back is called before. Keeps no process alive. */
  readonly after: (ms: number, run: () => void) => () => void
}

export interface KeptTokenDeps {
  readonly source: TokenSource
  readonly clock: KeeperClock
  readonly random: () => number
  /** There is another token than before. */
  readonly onChange: () => void
}

/** How long before its end a token is renewed, and at which part of its life. */
const marginMs = 5 * 60_000
const renewAt = 0.8
/** A token that is good for longer is renewed all the same: what its giver says of its end may be wrong. */
const longestMs = 60 * 60_000
/** No token is renewed sooner, unless somebody waits for one. */
const shortestMs = 3_000
const firstDelayMs = 1_000
const longestDelayMs = 60_000
/** How long a timer runs at most: it stands still while the machine sleeps. */
const longestTimerMs = 30_000
/** How long it may take to get a token. */
const fetchMs = 45_000

const tooLong = 'It took too long to get a token.'
const gone: Token = { kind: 'failed', reason: 'This credential has been changed or removed.' }

/** The token of one credential: fetched, renewed before it ends, and still used while that does not work. */
export class KeptToken {
  token: Token | undefined
  private readonly deps: KeptTokenDeps
  /** When the token ends and when it is renewed, by the steady clock. */
  private endMs = Number.POSITIVE_INFINITY
  private dueMs = 0
  /** Before this it is not renewed unasked, whatever the clocks say. */
  private soonestMs = 0
  private failures = 0
  private reason = ''
  private pending: Promise<Token> | undefined
  private stopTimer: () => void = () => undefined
  private isDropped = false

  constructor(deps: KeptTokenDeps) {
    this.deps = deps
  }

  /** One that is good now, if there is any way to have one. All who ask meanwhile wait for the same. */
  async get(): Promise<Token> {
    if (this.isDropped) return gone
    if (this.isAlive()) return this.token as Token
    if (this.pending) return this.pending
    const waits = this.failures > 0 && this.deps.clock.steadyMs() < this.dueMs
    return waits ? this.failed() : this.renew()
  }

  /** Nobody wants it any more. */
  drop(): void {
    this.isDropped = true
    this.stopTimer()
  }

  /** Either clock may say that it has ended: one can be set, and the other stand still. */
  private isAlive(): boolean {
    const { token, endMs, deps } = this
    if (token === undefined || token.kind === 'failed') return false
    return deps.clock.steadyMs() < endMs && deps.clock.wallMs() < (token.expiresMs ?? Number.POSITIVE_INFINITY)
  }

  renew(): Promise<Token> {
    this.pending ??= this.fetched().finally(() => {
      this.pending = undefined
      this.wait()
    })
    return this.pending
  }

  private async fetched(): Promise<Token> {
    try {
      this.succeeded(await this.inTime())
    } catch (thrown) {
      this.refused(thrown)
    }
    if (this.isDropped) return gone
    return this.isAlive() ? (this.token as Token) : this.failed()
  }

  private inTime(): Promise<LiveToken> {
    return new Promise((resolve, reject) => {
      const cancel = this.deps.clock.after(fetchMs, () => reject(new TokenFailure(tooLong)))
      this.deps.source.fetch().then(resolve, reject).finally(cancel)
    })
  }

  private succeeded(token: LiveToken): void {
    const { steadyMs, wallMs } = this.deps.clock
    const now = steadyMs()
    const lifeMs = token.expiresMs === undefined ? Number.POSITIVE_INFINITY : token.expiresMs - wallMs()
    if (lifeMs <= 0) throw new TokenFailure('The token had ended when it came.')
    this.failures = 0
    this.soonestMs = now + shortestMs
    this.endMs = now + lifeMs
    this.dueMs = now + untilRenewal(lifeMs)
    this.become(token)
  }

  private refused(thrown: unknown): void {
    // Whatever else was thrown may repeat what it was given.
    this.reason = thrown instanceof TokenFailure ? thrown.message : 'The token could not be had.'
    this.dueMs = this.deps.clock.steadyMs() + this.delayMs()
    this.failures++
    if (!this.isAlive()) this.become(this.failed())
  }

  private failed(): Token {
    return { kind: 'failed', reason: this.reason }
  }

  /** Doubled each time, and never the same for two that failed together. */
  private delayMs(): number {
    const most = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(this.failures, 10))
    return most * (0.5 + this.deps.random() / 2)
  }

  private become(token: Token): void {
    if (this.isDropped || isSame(token, this.token)) return
    this.token = token
    this.deps.onChange()
  }

  /** Until something is to be done: the token is to be renewed, or has ended. */
  private wait(): void {
    if (this.isDropped) return
    this.stopTimer()
    const now = this.deps.clock.steadyMs()
    const until = Math.min(this.dueMs, this.isAlive() ? this.endMs : Number.POSITIVE_INFINITY) - now
    this.stopTimer = this.deps.clock.after(Math.min(Math.max(until, 0), longestTimerMs), () => this.look())
  }

  private look(): void {
    const now = this.deps.clock.steadyMs()
    const hasEnded = !this.isAlive()
    const isFailing = this.failures > 0
    if (now >= this.dueMs || (hasEnded && !isFailing && now >= this.soonestMs)) void this.renew()
    else {
      if (hasEnded && isFailing) this.become(this.failed())
      this.wait()
    }
  }
}

/** A short life has no room for the margin: then it is half of it. */
function untilRenewal(lifeMs: number): number {
  const untilMs = Math.min(lifeMs * renewAt, lifeMs - Math.min(marginMs, lifeMs / 2), longestMs)
  return Math.max(untilMs, shortestMs)
}

/** Two answers a moment apart tell the same end with a difference of less than this. */
const sameEndMs = 2_000

/** The same token, told again, is no news. */
function isSame(token: Token, before: Token | undefined): boolean {
  if (before === undefined || token.kind !== before.kind) return false
  if (token.kind === 'failed') return before.kind === 'failed' && token.reason === before.reason
  const { expiresMs: end, ...rest } = token
  const { expiresMs: endBefore, ...restBefore } = before as LiveToken
  const isSameEnd = end === endBefore || Math.abs((end ?? 0) - (endBefore ?? 0)) < sameEndMs
  return isSameEnd && JSON.stringify(rest) === JSON.stringify(restBefore)
}
