import { Bag, type InBag } from './bag.ts'

/** Something that runs, and wants to be looked at from time to time while it does. */
export interface OnRounds extends InBag {
  /** What is due is done now. `nowMs` is a time of `performance.now()`. */
  look(nowMs: number): void
  /** It has to end now. */
  cut?(): void
}

/** How often everything that runs is looked at. */
export const roundMs = 50

/**
 * Looks at everything that runs, again and again. A timer for each would cost every call several timers, and nearly all
 * calls are over before any of theirs is due.
 */
export class Rounds {
  private readonly running = new Bag<OnRounds>()
  private timer: NodeJS.Timeout | undefined

  add(one: OnRounds): void {
    this.running.add(one)
    this.timer ??= setInterval(this.go, roundMs).unref()
  }

  remove(one: OnRounds): void {
    this.running.remove(one)
  }

  /** Ends what still runs. */
  cut(): void {
    this.running.visit((one) => one.cut?.())
  }

  private readonly go = (): void => {
    if (this.running.size === 0) {
      clearInterval(this.timer)
      this.timer = undefined
      return
    }
    const nowMs = performance.now()
    this.running.visit((one) => one.look(nowMs))
  }
}
