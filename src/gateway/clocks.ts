import type { Timeouts } from '../core/config.ts'
import { type ErrorCode, GatewayError } from '../core/error.ts'

/** The clocks by their names in the configuration and in the codes of errors. */
const clocks = {
  connect: { limit: 'connectMs', went: 'did not accept a connection within' },
  headers: { limit: 'headersMs', went: 'did not begin its answer within' },
  first_content: { limit: 'firstContentMs', went: 'sent no content within' },
  idle: { limit: 'idleMs', went: 'was silent in the middle of its answer for' },
  total: { limit: 'totalMs', went: 'did not finish its answer within' },
} as const satisfies Record<string, { limit: keyof Timeouts; went: string }>

type ClockName = keyof typeof clocks

/**
 * The five clocks of one attempt, in milliseconds of `performance.now()`. They are read in rounds, so they go off up to
 * three rounds late and never early. One has to be over in two rounds: a process that was held up or asleep finds them
 * all over before it has read what arrived meanwhile.
 */
export class Clocks {
  private readonly limits: Timeouts
  private readonly provider: string
  private readonly startedMs: number
  private totalMs: number
  private connectedMs: number | undefined
  private heardMs = 0
  /** Whether anything was heard since the last round. */
  private isFresh = false
  private hasHead = false
  private hasContent = false
  private isPaused = false
  /** The first round of those in a row that found one over. */
  private overSinceMs: number | undefined

  constructor(limits: Timeouts, provider: string, nowMs: number) {
    this.limits = limits
    this.provider = provider
    this.startedMs = nowMs
    this.totalMs = limits.totalMs
  }

  connected(nowMs: number): void {
    this.connectedMs = nowMs
  }

  headed(): void {
    this.hasHead = true
  }

  /** Some bytes came, whatever they are. */
  heard(): void {
    this.isFresh = true
  }

  /** From here on silence counts. */
  content(): void {
    this.hasContent = true
  }

  /** While the client does not keep up, the silence is its own. */
  paused(isPaused: boolean): void {
    this.isPaused = isPaused
    this.isFresh = true
  }

  /** From now on it may take so long at most. */
  atMost(ms: number): void {
    this.totalMs = Math.min(this.totalMs, performance.now() - this.startedMs + ms)
  }

  /** How long nothing had come when this round began. */
  silentMs(nowMs: number): number {
    return nowMs - this.heardMs
  }

  /** What went wrong if a clock is over. */
  over(nowMs: number): GatewayError | undefined {
    if (this.isFresh) this.heardMs = nowMs
    this.isFresh = false
    const name = this.find(nowMs)
    if (name === undefined) {
      this.overSinceMs = undefined
      return undefined
    }
    this.overSinceMs ??= nowMs
    return nowMs > this.overSinceMs ? this.error(name) : undefined
  }

  private find(nowMs: number): ClockName | undefined {
    const { limits, startedMs, connectedMs, heardMs } = this
    if (nowMs - startedMs > this.totalMs) return 'total'
    if (connectedMs === undefined) return nowMs - startedMs > limits.connectMs ? 'connect' : undefined
    if (this.hasContent) return !this.isPaused && nowMs - heardMs > limits.idleMs ? 'idle' : undefined
    if (!this.hasHead && nowMs - connectedMs > limits.headersMs) return 'headers'
    return nowMs - connectedMs > limits.firstContentMs ? 'first_content' : undefined
  }

  private error(name: ClockName): GatewayError {
    const { limit, went } = clocks[name]
    const code: ErrorCode = `timeout_${name}`
    return new GatewayError(
      code,
      `${this.provider} ${went} ${this.limits[limit]} ms. If it needs longer, raise timeouts.${name}_ms or providers.${this.provider}.timeouts.${name}_ms.`,
    )
  }
}
