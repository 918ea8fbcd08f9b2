import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'
import { MessageChannel, Worker } from 'node:worker_threads'
import type { Condition, PartName, Port, Snapshot } from '../core/border.ts'
import { stackOf } from '../core/error.ts'
import { type Link, type LinkHandlers, link } from '../core/link.ts'
import type { PartInit, StartPart } from './part.ts'

/** A part that runs somewhere: its link, and a word when it is gone. */
export interface Running {
  readonly port: Port
  onGone(listener: (reason: string) => void): void
  end(): Promise<void>
}

export type Spawn = (init: PartInit) => Running

/**
 * Parts have memory of their own; without a bound each would let its youngest generation grow as large as it likes. Only
 * the writer has much to do.
 */
const youngMb: Readonly<Record<PartName, number>> = { control: 4, writer: 16, reader: 4 }

/** Each part in a thread of its own: the source beside this file, or its bundle beside ours. */
export const inThreads: Spawn = (init) => {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  // Where the main thread finds its code compiled; a thread of its own does not look there unless it is told to.
  const compiled = getCompileCacheDir()
  const worker = new Worker(new URL(`./${init.part}.${extension}`, import.meta.url), {
    workerData: init,
    ...(compiled !== undefined && { env: { ...process.env, NODE_COMPILE_CACHE: dirname(compiled) } }),
    resourceLimits: { maxYoungGenerationSizeMb: youngMb[init.part] },
  })
  let reason = 'it ended'
  worker.on('error', (error) => {
    reason = stackOf(error)
  })
  return {
    port: Object.assign(worker, { close: () => undefined }) as unknown as Port,
    onGone: (listener) => worker.once('exit', () => listener(reason)),
    end: async () => void (await worker.terminate()),
  }
}

/** All parts in this thread, for tests. The border still clones and detaches. */
export const inThisThread =
  (parts: Readonly<Record<PartName, StartPart>>): Spawn =>
  (init) => {
    const { port1, port2 } = new MessageChannel()
    parts[init.part](port2 as unknown as Port, init)
    return {
      port: port1 as unknown as Port,
      onGone: () => undefined,
      end: async () => {
        port1.close()
        port2.close()
      },
    }
  }

/** How long a part is left dead: it doubles while it keeps dying, up to the longest, and starts anew once it has lived. */
const firstBackoffMs = 100
const longestBackoffMs = 5_000
const aliveMs = 10_000

export interface SupervisedOptions {
  readonly name: PartName
  readonly spawn: () => Running
  readonly handlers: LinkHandlers
  /** Each time that it has been born: everything it must know has to be told again. */
  readonly onBorn: (link: Link) => void
  readonly onCondition: (condition: Condition) => void
  readonly onGone: (reason: string) => void
}

/** One part and its rebirths. A crash behind the gateway is seen in its health and nowhere else. */
export class Supervised {
  condition: Condition | undefined
  private readonly options: SupervisedOptions
  private running: Running | undefined
  private stopping = false
  private backoffMs = firstBackoffMs
  private timer: NodeJS.Timeout | undefined
  private current: Link | undefined
  private restarts = 0
  private settle = (): void => undefined
  private readonly stopped: Promise<void>

  constructor(options: SupervisedOptions) {
    this.options = options
    this.stopped = new Promise((resolve) => {
      this.settle = resolve
    })
  }

  get link(): Link | undefined {
    return this.current
  }

  get problems(): readonly string[] {
    if (this.condition) return this.condition.problems
    return this.restarts === 0 ? [] : [`The ${this.options.name} stopped unexpectedly and is being restarted.`]
  }

  start(): void {
    const { options } = this
    const bornMs = Date.now()
    const running = options.spawn()
    this.running = running
    this.current = link(running.port, {
      ...options.handlers,
      snapshot: (snapshot: Snapshot) => {
        if (snapshot.part === 'condition') {
          this.condition = snapshot.value
          if (snapshot.value.phase === 'stopped') this.settle()
          options.onCondition(snapshot.value)
        } else options.handlers.snapshot?.(snapshot)
      },
    })
    running.onGone((reason) => {
      if (this.stopping) return this.settle()
      if (running !== this.running) return
      // Why one could not begin is of use until it can.
      if (this.condition?.phase !== 'failed') this.condition = undefined
      this.current = undefined
      this.restarts++
      options.onGone(reason)
      if (Date.now() - bornMs > aliveMs) this.backoffMs = firstBackoffMs
      this.timer = setTimeout(() => this.start(), this.backoffMs)
      this.backoffMs = Math.min(this.backoffMs * 2, longestBackoffMs)
    })
    options.onBorn(this.current)
  }

  /** Ends it, to try again: it could not begin its work. */
  restart(): void {
    void this.running?.end()
  }

  /** Lets it finish, and ends it when it has, or when the patience is over. */
  async stop(patienceMs: number): Promise<void> {
    this.stopping = true
    clearTimeout(this.timer)
    const { current, running } = this
    if (current && running) {
      current.post({ kind: 'command', command: 'stop' })
      const patience = setTimeout(this.settle, patienceMs)
      await this.stopped
      clearTimeout(patience)
      await running.end()
    }
  }
}
