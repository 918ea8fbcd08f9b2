import { toGatewayError } from '../../core/error.ts'
import type { Send, UpstreamCall, UpstreamListener } from '../../http/upstream.ts'
import { type Act, scriptOf } from './script.ts'

/** Answers in this process, and as a connection would: later, in order, not while paused, and never after an abort. */
export const send: Send = (request, listener) => new PlayedCall(scriptOf(request.body), listener)

class PlayedCall implements UpstreamCall {
  private readonly acts: Iterator<Act, void>
  private readonly listener: UpstreamListener
  private paused = false
  private over = false
  /** An act that has to wait for a reader. */
  private held: Act | undefined
  private cancelWait: (() => void) | undefined

  constructor(acts: Iterator<Act, void>, listener: UpstreamListener) {
    this.acts = acts
    this.listener = listener
    this.wait(0)
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
    if (this.held && !this.cancelWait) this.wait(0)
  }

  abort(): void {
    this.over = true
    this.cancelWait?.()
    this.cancelWait = undefined
  }

  private wait(ms: number): void {
    const go = (): void => {
      this.cancelWait = undefined
      this.play()
    }
    if (ms === 0) {
      const turn = setImmediate(go)
      this.cancelWait = () => clearImmediate(turn)
    } else {
      const timer = setTimeout(go, ms)
      this.cancelWait = () => clearTimeout(timer)
    }
  }

  private play(): void {
    while (!this.over) {
      const act = this.held ?? this.nextAct()
      this.held = undefined
      if (act.kind === 'hang') return
      if (act.kind === 'wait') {
        this.wait(act.ms)
        return
      }
      if (this.paused && (act.kind === 'data' || act.kind === 'end' || act.kind === 'fail')) {
        this.held = act
        return
      }
      this.perform(act)
    }
  }

  /** A fault in the mock itself ends the call; nobody else could catch it here. */
  private nextAct(): Act {
    try {
      return this.acts.next().value ?? { kind: 'hang' }
    } catch (thrown) {
      return { kind: 'fail', error: toGatewayError(thrown) }
    }
  }

  private perform(act: Exclude<Act, { kind: 'wait' | 'hang' }>): void {
    switch (act.kind) {
      case 'connected':
        this.listener.connected()
        break
      case 'head':
        this.listener.head(act.status, act.headers)
        break
      case 'data':
        this.listener.data(act.chunk)
        break
      case 'end':
        this.over = true
        this.listener.end()
        break
      case 'fail':
        this.over = true
        this.listener.fail(act.error)
    }
  }
}
