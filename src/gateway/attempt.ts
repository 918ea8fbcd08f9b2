import type { AnswerWatch } from '../core/answer.ts'
import type { CancelConfig } from '../core/config.ts'
import { GatewayError, toGatewayError } from '../core/error.ts'
import type { OnRounds, Rounds } from '../core/rounds.ts'
import type { Source } from '../core/source.ts'
import { compose, type Step } from '../core/steps.ts'
import type { Dialect } from '../dialects/dialect.ts'
import type { ReplyHeaders } from '../http/exchange.ts'
import type { Framing } from '../http/frames.ts'
import { type Begin, gather, Incoming } from '../http/incoming.ts'
import { inflated, type Stoppable } from '../http/inflated.ts'
import { wholeLines } from '../http/lines.ts'
import { stepped } from '../http/stepped.ts'
import type { Send, UpstreamHeaders, UpstreamRequest } from '../http/upstream.ts'
import type { Header } from '../providers/key-headers.ts'
import { observe, type Pulse } from '../telemetry/observe.ts'
import { type AttemptTrace, errorOf } from '../telemetry/trace.ts'
import type { Answer } from './answer.ts'
import type { Call } from './call.ts'
import { Clocks } from './clocks.ts'
import type { PaidTarget } from './credential.ts'
import { encodingOf, withoutEncoding } from './encoding.ts'
import { headerText, replyHeadersOf, requestIdIn, upstreamHeaders } from './headers.ts'
import { lostInHeader } from './lost-fields.ts'
import { type Beginning, Opening } from './opening.ts'
import { idFor, translatedError, withHints } from './told.ts'
import { Translation, writerOf } from './translation.ts'
import { type Way, wayTo } from './way.ts'
import { headersWithoutKeys, starsForKeys, withoutKeys } from './without-keys.ts'

/** How much of a provider's error is read; nobody writes more of use. */
const errorBytes = 1 << 20
/** How long a provider may take to explain why it refuses. */
const refusalMs = 10_000
/** How much of a whole answer is held back until it is complete, and how much of a stream until it has begun. */
const mostOfWhole = 256 * 1024
const mostOfStream = 64 * 1024
/** How long the connection may stay open when all of a stream has come that is written anew: then its client has its end. */
const partingMs = 3_000
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
  readonly newId: () => string
}

/** A target, and how the credential for it is shown. */
export interface ReadyTarget extends PaidTarget {
  readonly header: Header | undefined
}

/** One try at one target, and the only request that goes out for it: an answer that begins well, or why there is none. */
export const attempt = (call: Call, target: ReadyTarget, deps: AttemptDeps): Promise<Answer | Refused> =>
  new Promise((resolve) => new Attempt(call, target, deps, resolve).start())

class Attempt implements Begin, Beginning, Pulse, OnRounds {
  place = -1
  /** The client has left, and the answer is read on for what it used. */
  isLeft = false
  hasAll = false
  private readonly call: Call
  private readonly target: ReadyTarget
  private readonly deps: AttemptDeps
  private readonly resolve: (outcome: Answer | Refused) => void
  private readonly way: Way
  private readonly request: UpstreamRequest
  private readonly trace: AttemptTrace
  private readonly clocks: Clocks
  private readonly incoming: Incoming
  /** Where the answer's bytes come from, and where it can be ended: what unpacks it may still run when all has come. */
  private source: Stoppable
  /** From the head of a good answer on. */
  private answering: Answering | undefined
  private opening: Opening | undefined

  constructor(call: Call, target: ReadyTarget, deps: AttemptDeps, resolve: (outcome: Answer | Refused) => void) {
    const { provider, model } = target
    this.call = call
    this.target = target
    this.deps = deps
    this.resolve = resolve
    this.way = wayTo(call, target)
    const { dialect, path, body, dropped } = this.way
    if (dropped.length > 0) call.replyHeaders['x-trunkline-dropped'] = headerText(lostInHeader(dropped))
    else if (call.replyHeaders['x-trunkline-dropped']) delete call.replyHeaders['x-trunkline-dropped']
    this.request = {
      origin: provider.origin,
      path,
      method: 'POST',
      headers: upstreamHeaders(call, target.header, this.way.endpoint),
      body,
      connectMs: provider.timeouts.connectMs,
      mayBePrivate: provider.mayBePrivate,
    }
    this.trace = call.trace.attempt({
      provider: provider.name,
      dialect: dialect.name,
      model,
      credential: target.credential.id,
      requestBytes: body.length,
      ...(dropped.length > 0 && { dropped }),
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

  head(status: number, written: UpstreamHeaders): void {
    const { incoming, trace, call, way } = this
    const received = headersWithoutKeys(written, this.target)
    const isGood = status >= 200 && status < 300
    const streaming = isEventStream(received, isGood && call.facts.stream, way.dialect.framing)
    this.clocks.headed()
    trace.head(status, streaming, requestIdIn(received))
    const encoding = encodingOf(received)
    const source = encoding === undefined ? incoming : inflated(incoming, encoding)
    const headers = encoding === undefined ? received : withoutEncoding(received)
    if (source) this.source = source
    if (!source) this.giveUp(`answered in the encoding ${encoding}, which it was not asked for`)
    else if (!isGood) this.readRefusal(source, status, headers)
    else {
      try {
        this.open(source, { status, headers, streaming })
      } catch (thrown) {
        // A request that passed as it was may be none that we can read, and then its answer cannot be written anew.
        const error = toGatewayError(thrown)
        source.stop(error)
        this.refuse({ error })
      }
    }
  }

  /** Holds the answer back until it is known to be one. */
  private open(source: Stoppable, head: Head): void {
    const { call, trace, way } = this
    const { streaming } = head
    const { dialect } = way
    const isAsItCame = way.isNative && streaming === call.facts.stream
    const translation = isAsItCame ? undefined : this.translation(streaming, source)
    const watch = translation?.watch ?? dialect.watchAnswer(streaming)
    const clean = stepped(source, starsForKeys(this.target, head.headers))
    const observed = observe(clean, { streaming, trace, watch, pulse: this })
    const edited = translation ? translation.of(observed) : streaming ? stepped(observed, this.onTheWay()) : observed
    this.answering = { ...head, watch, translation, sinceMs: performance.now() }
    this.opening = new Opening(edited, call.facts.stream ? mostOfStream : mostOfWhole, this)
    this.opening.start()
    if (this.isLeft) this.drain()
  }

  /** What is done to a stream that goes on as it comes. */
  private onTheWay(): Step<Buffer, Buffer> {
    const { way, call } = this
    const { framing, withoutAddedUsage } = way.dialect
    if (call.framing !== framing) return compose(framing.split(), writerOf(call.framing))
    return way.addsUsage ? withoutAddedUsage() : wholeLines()
  }

  private translation(comesStreamed: boolean, source: Stoppable): Translation {
    const { call, way, deps } = this
    return new Translation({
      from: way.dialect,
      to: call.dialect,
      framing: call.framing,
      comesStreamed,
      goesStreamed: call.facts.stream,
      toolNames: way.toolNames,
      seals: way.seals,
      stop: (error) => source.stop(error),
      context: {
        request: call.chat(),
        createdS: Math.floor(Date.now() / 1000),
        newId: deps.newId,
        ...(call.answerId !== undefined && { answerId: call.answerId }),
      },
      onAnswer: call.onAnswer,
    })
  }

  mayBegin(): boolean {
    const { watch } = this.answering as Answering
    // Nobody reads on after an error that stands where an answer should begin.
    if (watch.refusal) this.source.stop(watch.refusal)
    return this.call.facts.stream && watch.hasBegun && !watch.refusal
  }

  begins(body: Source): void {
    // Of a stream nobody knows how long it will be: an error may come behind it.
    this.answer(body, !this.call.facts.stream)
  }

  ended(body: Buffer): void {
    const { watch } = this.answering as Answering
    if (watch.refusal) this.resolve({ error: this.told(watch.refusal) })
    else this.answer(body, false)
  }

  private answer(body: Buffer | Source, sameBytes: boolean): void {
    const { status, headers, translation } = this.answering as Answering
    const isTranslated = translation !== undefined
    const { facts, framing } = this.call
    const streaming = facts.stream
    const kept = replyHeadersOf(headers, sameBytes && !isTranslated)
    if (isTranslated) Object.assign(kept, idFor(this.call.dialect, headers))
    this.resolve({ status, headers: typed(kept, streaming ? framing : undefined, isTranslated), body, streaming })
  }

  /** There is no answer, or none that the client has heard of. */
  failed(error: GatewayError): void {
    this.refuse({ error: this.answering ? this.told(error) : error })
  }

  /** As the client hears of an error that came under a good status. */
  private told(error: GatewayError): GatewayError {
    const { headers, translation } = this.answering as Answering
    return translation ? translatedError(error, headers, this.call.dialect) : withHints(error, headers)
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
    const { answering, opening, source, clocks } = this
    const late = clocks.over(nowMs)
    if (late && this.isLeft) source.cancel()
    else if (late) source.stop(late)
    else if (answering && !answering.watch.hasBegun && nowMs - answering.sinceMs > signsOfLifeMs) opening?.letGo()
    else if (answering?.translation && clocks.silentMs(nowMs) > partingMs && answering.translation.hasAll())
      source.stop(stayedOpen())
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
    const { target, trace, way, call } = this
    const { name } = target.provider
    this.clocks.atMost(refusalMs)
    void gather(source, errorBytes).then(({ bytes, failure }) => {
      const clean = withoutKeys(bytes, target)
      trace.data(clean)
      // The status tells more than the way in which its explanation broke off.
      if (failure?.code === 'cancelled') this.refuse({ error: failure })
      else this.refuse(refusalOf(status, headers, clean, way, call.dialect, name))
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
  readonly translation: Translation | undefined
  readonly sinceMs: number
}

const stayedOpen = (): GatewayError =>
  new GatewayError('upstream_cut', 'The provider did not end its stream when all of it had come.')

/** Some hosts call a stream something else; where one was asked for, only what is plainly no stream is none. */
function isEventStream(headers: UpstreamHeaders, wasAsked: boolean, { contentType }: Framing): boolean {
  const type = String(headers['content-type'] ?? '')
  return contentType.test(type) || (wasAsked && !/json|html/i.test(type))
}

/** What the client is told it gets: what it really is, where we wrote it or the provider calls it something else. */
function typed(headers: ReplyHeaders, framing: Framing | undefined, isTranslated: boolean): ReplyHeaders {
  if (isTranslated) return { ...headers, 'content-type': framing?.type ?? 'application/json' }
  if (!framing || framing.contentType.test(String(headers['content-type']))) return headers
  return { ...headers, 'content-type': framing.type }
}

function refusalOf(
  status: number,
  received: UpstreamHeaders,
  bytes: Buffer,
  { dialect }: Way,
  client: Dialect,
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
  const { error, asItCame } = dialect.readError(status, bytes, received)
  if (asItCame && dialect === client) {
    return { error, asItCame: { status, headers: replyHeadersOf(received, true), body: bytes, streaming: false } }
  }
  return { error: dialect === client ? withHints(error, received) : translatedError(error, received, client) }
}
