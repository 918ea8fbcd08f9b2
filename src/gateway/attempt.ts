import type { AnswerWatch } from '../core/answer.ts'
import type { CancelConfig } from '../core/config.ts'
import { GatewayError } from '../core/error.ts'
import type { OnRounds, Rounds } from '../core/rounds.ts'
import type { Source } from '../core/source.ts'
import type { Dialect } from '../dialects/dialect.ts'
import type { ReplyHeaders } from '../http/exchange.ts'
import { type Begin, gather, Incoming } from '../http/incoming.ts'
import { inflated, type Stoppable } from '../http/inflated.ts'
import { wholeLines } from '../http/lines.ts'
import { stepped } from '../http/stepped.ts'
import type { Send, UpstreamHeaders, UpstreamRequest } from '../http/upstream.ts'
import type { Target } from '../routing/plan.ts'
import { observe, type Pulse } from '../telemetry/observe.ts'
import { type AttemptTrace, errorOf } from '../telemetry/trace.ts'
import type { Answer } from './answer.ts'
import type { Call } from './call.ts'
import { Clocks } from './clocks.ts'
import { replyHeadersOf, requestIdIn, upstreamHeaders } from './headers.ts'
import { type Beginning, Opening } from './opening.ts'

/** How much of a provider's error is read; nobody writes more of use. */
const errorBytes = 1 << 20
/** How long a provider may take to explain why it refuses. */
const refusalMs = 10_000
/** How much of a whole answer is held back until it is complete, and how much of a stream until it has begun. */
const mostOfWhole = 256 * 1024
const mostOfStream = 64 * 1024
/** How long the client is kept waiting for more than signs of life before it gets those. */
const signsOfLifeMs = 1_000

/** A provider said no, or nothing of use. */
export interface Refused {
  readonly error: GatewayError
  /** The provider's own bytes, where they already are what the client's dialect wants to hear. */
  readonly asItCame?: Answer
}

export interface AttemptDeps {
  readonly send: Send
  readonly rounds: Rounds
  readonly cancel: CancelConfig
}

/** One try at one target, and the only request that goes out for it: an answer that begins well, or why there is none. */
export const attempt = (call: Call, target: Target, deps: AttemptDeps): Promise<Answer | Refused> =>
  new Promise((resolve) => new Attempt(call, target, deps, resolve).start())

class Attempt implements Begin, Beginning, Pulse, OnRounds {
  place = -1
  /** The client has left, and the answer is read on for what it used. */
  isLeft = false
  hasAll = false
  private readonly call: Call
  private readonly target: Target
  private readonly deps: AttemptDeps
  private readonly resolve: (outcome: Answer | Refused) => void
  private readonly addsUsage: boolean
  private readonly request: UpstreamRequest
  private readonly trace: AttemptTrace
  private readonly clocks: Clocks
  private readonly incoming: Incoming
  /** Where the answer's bytes come from, and where it can be ended: what unpacks it may still run when all has come. */
  private source: Stoppable
  /** From the head of a good answer on. */
  private answering: Answering | undefined
  private opening: Opening | undefined

  constructor(call: Call, target: Target, deps: AttemptDeps, resolve: (outcome: Answer | Refused) => void) {
    const { provider, model } = target
    const { dialect } = provider.provider
    const { facts } = call
    this.call = call
    this.target = target
    this.deps = deps
    this.resolve = resolve
    this.addsUsage = facts.stream && !facts.asksUsage && provider.addsStreamUsage
    this.request = {
      origin: provider.origin,
      path: provider.chatPath,
      method: 'POST',
      headers: upstreamHeaders(call, target),
      body: dialect.editRequest(call.body, facts, { model, addUsage: this.addsUsage }),
      connectMs: provider.timeouts.connectMs,
    }
    this.trace = call.trace.attempt({
      provider: provider.name,
      dialect: dialect.name,
      model,
      requestBytes: this.request.body.length,
    })
    this.clocks = new Clocks(provider.timeouts, provider.name, performance.now())
    this.incoming = new Incoming(this)
    this.source = this.incoming
  }

  start(): void {
    const { call, target, deps, request, incoming } = this
    deps.rounds.add(this)
    call.onGone(() => this.left())
    const { send = deps.send } = target.provider.provider
    incoming.started(send(request, incoming))
  }

  connected(): void {
    this.clocks.connected(performance.now())
    this.trace.connected()
  }

  head(status: number, received: UpstreamHeaders): void {
    const { incoming, trace, call } = this
    const isGood = status >= 200 && status < 300
    const streaming = isEventStream(received, isGood && call.facts.stream)
    this.clocks.headed()
    trace.head(status, streaming, requestIdIn(received))
    const encoding = encodingOf(received)
    const source = encoding === undefined ? incoming : inflated(incoming, encoding)
    const headers = encoding === undefined ? received : withoutEncoding(received)
    if (source) this.source = source
    if (!source) this.giveUp(`answered in the encoding ${encoding}, which it was not asked for`)
    else if (!isGood) this.readRefusal(source, status, headers)
    else if (streaming && !call.facts.stream) this.giveUp('was asked for a whole answer and sent a stream')
    else this.open(source, { status, headers, streaming })
  }

  /** Holds the answer back until it is known to be one. */
  private open(source: Source, head: Head): void {
    const { call, target, trace, addsUsage } = this
    const { streaming } = head
    const { dialect } = target.provider.provider
    const watch = dialect.watchAnswer(streaming)
    const problem = streaming === call.facts.stream ? undefined : notAsked(target)
    const observed = observe(source, { streaming, trace, watch, pulse: this, problem })
    const edited = streaming ? stepped(observed, addsUsage ? dialect.withoutAddedUsage() : wholeLines()) : observed
    this.answering = { ...head, watch, problem, sinceMs: performance.now() }
    this.opening = new Opening(edited, streaming ? mostOfStream : mostOfWhole, this)
    this.opening.start()
    if (this.isLeft) this.drain()
  }

  mayBegin(): boolean {
    const { watch, streaming } = this.answering as Answering
    // Nobody reads on after an error that stands where an answer should begin.
    if (watch.refusal) this.source.stop(watch.refusal)
    return streaming && watch.hasBegun && !watch.refusal
  }

  begins(body: Source): void {
    const { status, headers, streaming, problem } = this.answering as Answering
    if (problem) {
      // It is too long to be read for what it used.
      this.source.stop(problem)
      this.resolve({ error: withHints(problem, headers) })
      return
    }
    // Of a stream nobody knows how long it will be: an error may come behind it.
    const sameBytes = !streaming
    this.resolve({ status, headers: streamHeaders(replyHeadersOf(headers, sameBytes), streaming), body, streaming })
  }

  ended(body: Buffer): void {
    const { watch, problem, status, headers, streaming } = this.answering as Answering
    const error = watch.refusal ?? problem
    if (error) this.resolve({ error: withHints(error, headers) })
    else this.resolve({ status, headers: streamHeaders(replyHeadersOf(headers, false), streaming), body, streaming })
  }

  /** There is no answer, or none that the client has heard of. */
  failed(error: GatewayError): void {
    this.refuse({ error: this.answering ? withHints(error, this.answering.headers) : error })
  }

  heard(): void {
    this.clocks.heard()
  }

  content(): void {
    this.clocks.content()
  }

  paused(isPaused: boolean): void {
    this.clocks.paused(isPaused)
  }

  over(): void {
    this.deps.rounds.remove(this)
  }

  look(nowMs: number): void {
    const { answering, opening, source } = this
    const late = this.clocks.over(nowMs)
    if (late && this.isLeft) source.cancel()
    else if (late) source.stop(late)
    else if (answering && !answering.watch.hasBegun && nowMs - answering.sinceMs > signsOfLifeMs) opening?.letGo()
  }

  cut(): void {
    this.source.cancel()
  }

  /** The client has left: nobody needs the answer, but what it costs may be worth knowing. */
  private left(): void {
    const { mode, drainMs } = this.deps.cancel
    this.hasAll = this.answering?.watch.isDone ?? false
    if (mode === 'abort') {
      this.source.cancel()
      return
    }
    this.isLeft = !this.hasAll
    this.clocks.atMost(drainMs)
    this.drain()
  }

  private drain(): void {
    this.opening?.drain(this.deps.cancel.drainBytes, () => this.source.cancel())
  }

  private readRefusal(source: Source, status: number, headers: UpstreamHeaders): void {
    const { target, trace, request } = this
    const { name, provider } = target.provider
    this.clocks.atMost(refusalMs)
    void gather(source, errorBytes).then(({ bytes, failure }) => {
      const clean = withoutKey(bytes, request.headers.authorization)
      trace.data(clean)
      // The status tells more than the way in which its explanation broke off.
      if (failure?.code === 'cancelled') this.refuse({ error: failure })
      else this.refuse(refusalOf(status, headers, clean, provider.dialect, name))
    })
  }

  private giveUp(reason: string): void {
    const error = new GatewayError('upstream_invalid', `${this.target.provider.name} ${reason}.`)
    this.source.stop(error)
    this.refuse({ error })
  }

  private refuse(refused: Refused): void {
    const { error } = refused
    const status = error.code === 'cancelled' ? 'cancelled' : 'error'
    this.over()
    this.trace.end({ status, error: errorOf(error), usageMissing: status === 'error' ? 'failed' : status })
    this.resolve(refused)
  }
}

/** The head of a good answer. */
interface Head {
  readonly status: number
  readonly headers: UpstreamHeaders
  readonly streaming: boolean
}

interface Answering extends Head {
  readonly watch: AnswerWatch
  readonly problem: GatewayError | undefined
  readonly sinceMs: number
}

const notAsked = ({ provider: { name } }: Target): GatewayError =>
  new GatewayError('upstream_invalid', `${name} was asked for a stream and answered whole.`)

/** Some hosts call a stream something else; where one was asked for, only what is plainly no stream is none. */
function isEventStream(headers: UpstreamHeaders, wasAsked: boolean): boolean {
  const type = String(headers['content-type'] ?? '')
  return /^text\/event-stream/i.test(type) || (wasAsked && !/json|html/i.test(type))
}

const streamHeaders = (headers: ReplyHeaders, streaming: boolean): ReplyHeaders =>
  streaming && !/^text\/event-stream/i.test(String(headers['content-type']))
    ? { ...headers, 'content-type': 'text/event-stream' }
    : headers

function encodingOf(headers: UpstreamHeaders): string | undefined {
  const encoding = headers['content-encoding']
  return encoding === undefined || /^(identity)?$/i.test(String(encoding)) ? undefined : String(encoding)
}

function withoutEncoding(headers: UpstreamHeaders): UpstreamHeaders {
  const { 'content-encoding': _encoding, 'content-length': _length, ...rest } = headers
  return rest
}

function refusalOf(
  status: number,
  received: UpstreamHeaders,
  bytes: Buffer,
  dialect: Dialect,
  provider: string,
): Refused {
  if (status < 400 || status > 599) {
    return {
      error: new GatewayError(
        'upstream_invalid',
        `${provider} answered ${status}, which is no answer to a chat. Is its base URL right? Redirects are not followed.`,
      ),
    }
  }
  const { error, asItCame } = dialect.readError(status, bytes)
  if (asItCame) {
    return { error, asItCame: { status, headers: replyHeadersOf(received, true), body: bytes, streaming: false } }
  }
  return { error: withHints(error, received) }
}

/** The provider's hints go with the error; the description of a body that the client does not get stays behind. */
function withHints(error: GatewayError, received: UpstreamHeaders): GatewayError {
  const {
    'content-type': _type,
    'content-length': _length,
    'content-encoding': _encoding,
    ...hints
  } = replyHeadersOf(received, true)
  return new GatewayError(error.code, error.message, { ...error.details, headers: hints as Record<string, string> })
}

const shortestKey = 8

/** Some providers say back the key that they did not like; neither the client nor a trace is to have it. */
function withoutKey(bytes: Buffer, authorization: string | undefined): Buffer {
  const key = authorization?.replace(/^Bearer /, '') ?? ''
  if (key.length < shortestKey || !bytes.includes(key)) return bytes
  return Buffer.from(bytes.toString('latin1').replaceAll(key, '[key]'), 'latin1')
}
