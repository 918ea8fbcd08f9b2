import type { AnswerFacts, AnswerWatch } from '../core/answer.ts'
import type { ChatAnswer, ChatEvent, Seal } from '../core/chat.ts'
import { Assembly } from '../core/chat-events.ts'
import { GatewayError, toGatewayError } from '../core/error.ts'
import type { Sink, Source } from '../core/source.ts'
import type { Step } from '../core/steps.ts'
import type { AnswerContext, Dialect } from '../dialects/dialect.ts'
import { madeCallId } from '../dialects/ids.ts'
import { spanErrorOf } from '../dialects/watch.ts'
import type { Frame, Framing } from '../http/frames.ts'
import { type AnswerReader, StreamReader, WholeReader } from './answer-reader.ts'

export interface TranslationOptions {
  readonly from: Dialect
  readonly to: Dialect
  /** How the client wants its frames, where its dialect knows more than one way. */
  readonly framing: Framing
  /** What the provider sends, and what the client asked for. */
  readonly comesStreamed: boolean
  readonly goesStreamed: boolean
  readonly context: AnswerContext
  /** What the client calls its tools, by the names under which they went out. */
  readonly toolNames: ReadonlyMap<string, string>
  /** Whose sealed thoughts are which the dialect takes for its own vendor's: other hosts of it cannot read them. */
  readonly seals: string | undefined
  /** Ends the answer at its source, for a reason that is not the source's own; the reason comes back as its failure. */
  readonly stop: (error: GatewayError) => void
  /** Hears the whole answer once it has ended well, and what it was told with. */
  readonly onAnswer: (answer: ChatAnswer, context: AnswerContext) => void
}

/** How much of an answer is read: all of it is kept until it ends, and none that means anything is as long. */
const mostBytes = 64 << 20
/** How long the client of a stream hears nothing before it is told that something is still coming. */
const silenceMs = 1_000

/**
 * An answer on its way from one dialect to another. It is read once: what watches the answer for its facts, and what
 * writes it anew, are the same. Streams stay streams, event by event; a whole answer to a client that asked for a stream
 * becomes one, and the other way round.
 */
export class Translation implements Source, Sink {
  /** Sees each chunk first, and makes events of it. */
  readonly watch: AnswerWatch
  private readonly options: TranslationOptions
  private readonly reader: AnswerReader
  private readonly encoder: Step<ChatEvent, Frame> | undefined
  private readonly writer: Step<Frame, Buffer>
  private readonly said = new Assembly()
  private hasBegun = false
  private hasContent = false
  private facts: AnswerFacts = {}
  private problem: GatewayError | undefined
  private refusal: GatewayError | undefined
  private pending: ChatEvent[] = []
  private source: Source | undefined
  private sink: Sink | undefined
  private isOver = false
  /** Its dialect says that nothing more has to come. */
  private isWhole = false
  private bytes = 0
  private sentMs = performance.now()

  constructor(options: TranslationOptions) {
    const { from, to, framing, comesStreamed, goesStreamed, context } = options
    this.options = options
    this.reader = comesStreamed ? new StreamReader(from) : new WholeReader(from)
    this.encoder = goesStreamed ? to.encodeStream(context) : undefined
    this.writer = writerOf(framing)
    this.watch = this.watching()
  }

  /** Stands between the answer as it comes, each chunk already watched, and whoever reads it translated. */
  of(source: Source): Source {
    this.source = source
    return this
  }

  // The way on: what was made of the chunk, as the client's dialect has it.

  to(sink: Sink): void {
    this.sink = sink
    this.source?.to(this)
  }

  write(_chunk: Buffer): boolean {
    if (this.isOver) return true
    let takes = true
    try {
      takes = this.flush() ?? this.showLife()
    } catch (thrown) {
      this.problem ??= toGatewayError(thrown)
    }
    if (this.problem) {
      this.options.stop(this.problem)
      this.fail(this.problem)
    }
    return takes
  }

  end(): void {
    if (this.isOver) return
    if (this.problem) {
      this.fail(this.problem)
      return
    }
    const { context, goesStreamed, to, onAnswer } = this.options
    try {
      this.flush()
      const answer = this.said.answer()
      onAnswer(answer, context)
      if (goesStreamed) this.send([...this.written(this.encoder?.end() ?? []), ...this.writer.end()])
      else this.send([Buffer.from(JSON.stringify(to.encodeAnswer(answer, context)))])
    } catch (thrown) {
      this.fail(toGatewayError(thrown))
      return
    }
    this.isOver = true
    this.sink?.end()
  }

  fail(error: GatewayError): void {
    if (this.isOver) return
    this.isOver = true
    this.sink?.fail(error)
  }

  resume(): void {
    this.source?.resume()
  }

  cancel(): void {
    this.source?.cancel()
  }

  /** Whether all has come, though the source has not ended; for a moment when nothing has come for a while. */
  hasAll(): boolean {
    if (!this.problem && this.facts.finishReason !== undefined) this.isWhole ||= this.reader.isWhole(this.take)
    return this.isWhole
  }

  private watching(): AnswerWatch {
    const self = this
    const { comesStreamed } = this.options
    return {
      get hasBegun() {
        return self.hasBegun
      },
      get hasContent() {
        return self.hasContent
      },
      get refusal() {
        return self.refusal
      },
      get isDone() {
        return self.isWhole || (self.facts.finishReason !== undefined && self.facts.usage !== undefined)
      },
      next(chunk) {
        // A whole answer is read at its end; its content has begun with its first byte, as it has where nothing is translated.
        if (!comesStreamed) self.hasContent ||= chunk.some((byte) => byte > blank)
        self.read(() => {
          self.bytes += chunk.length
          if (self.bytes > mostBytes) throw tooLong()
          self.reader.next(chunk, self.take)
        })
      },
      end(isWhole = true) {
        if (isWhole) self.read(() => self.reader.end(self.take))
        else self.hasAll()
        return self.problem ? { ...self.facts, error: spanErrorOf(self.problem) } : self.facts
      },
    }
  }

  /** What cannot be read ends the answer, once all that came before it has gone on. */
  private read(reading: () => void): void {
    if (this.problem) return
    try {
      reading()
    } catch (thrown) {
      this.problem = toGatewayError(thrown)
      if (!this.hasBegun) this.refusal = this.problem
    }
  }

  private readonly take = (event: ChatEvent): void => {
    const known = this.named(event)
    this.said.add(known)
    this.look(known)
    if (this.encoder) this.pending.push(known)
  }

  /** What the decoder cannot know: the client's own names, ids where there are none, and whose the seals are. */
  private named(event: ChatEvent): ChatEvent {
    const { toolNames, seals, context } = this.options
    if (event.kind === 'amend') {
      const { seal, name } = event.with
      const ours = name === undefined ? undefined : toolNames.get(name)
      if (ours === undefined && !(seal && seals)) return event
      return { ...event, with: { ...event.with, ...sealed(seal, seals), ...(ours !== undefined && { name: ours }) } }
    }
    if (event.kind !== 'begin') return event
    const { value } = event
    if (value.kind === 'tool-call') {
      const name = toolNames.get(value.name) ?? value.name
      const id = value.id === '' ? madeCallId(context.newId()) : value.id
      if (id === value.id && name === value.name && !(value.seal && seals)) return event
      return { ...event, value: { ...value, id, name, ...sealed(value.seal, seals) } }
    }
    return seals && 'seal' in value && value.seal
      ? { ...event, value: { ...value, ...sealed(value.seal, seals) } }
      : event
  }

  private look(event: ChatEvent): void {
    this.hasBegun = true
    switch (event.kind) {
      case 'start':
        if (event.model !== undefined) this.facts = { ...this.facts, model: event.model }
        break
      case 'begin':
        this.hasContent ||= !('text' in event.value) || event.value.text !== ''
        break
      case 'grow':
        this.hasContent ||= event.text !== ''
        break
      case 'finish':
        this.hasContent = true
        if (event.choice === 0) this.facts = { ...this.facts, finishReason: event.finish.reason }
        break
      case 'usage':
        this.facts = { ...this.facts, usage: event.usage, usageReported: event.reported ?? event.usage }
        break
      default:
    }
  }

  /** Whether the sink takes more; undefined when there was nothing for it. */
  private flush(): boolean | undefined {
    const { encoder, pending } = this
    if (!encoder || pending.length === 0) return undefined
    this.pending = []
    const pieces: Buffer[] = []
    for (const event of pending) for (const piece of this.written(encoder.next(event))) pieces.push(piece)
    return this.send(pieces)
  }

  /** What came says nothing in the client's dialect, such as a ping. A client that hears nothing for long gives up. */
  private showLife(): boolean {
    const { alive } = this.options.framing
    if (!alive || !this.encoder || performance.now() - this.sentMs < silenceMs) return true
    return this.send([alive]) ?? true
  }

  private written(frames: readonly Frame[]): Buffer[] {
    const pieces: Buffer[] = []
    for (const frame of frames) pieces.push(...this.writer.next(frame))
    return pieces
  }

  private send(pieces: readonly Buffer[]): boolean | undefined {
    if (pieces.length === 0) return undefined
    this.sentMs = performance.now()
    return this.sink?.write(pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces)) ?? true
  }
}

const tooLong = (): GatewayError =>
  new GatewayError('upstream_invalid', `The answer of the provider is larger than ${mostBytes >> 20} MB.`)

const sealed = (seal: Seal | undefined, by: string | undefined): { seal?: Seal } =>
  seal ? { seal: by !== undefined && seal.by === vendorOfOpenAi ? { ...seal, by } : seal } : {}

/** Many hosts speak OpenAI's dialects, and each can read only what it has sealed itself. */
const vendorOfOpenAi = 'openai'

/** Some hosts send blanks while they make a client wait. */
const blank = 0x20

/** Frames as the client wants them. */
export const writerOf = (framing: Framing): Step<Frame, Buffer> =>
  framing.writer?.() ?? { next: (frame) => [framing.write(frame)], end: () => [] }
