import type { AnswerFacts, AnswerWatch } from '../core/answer.ts'
import { GatewayError } from '../core/error.ts'
import type { SpanError } from '../core/span.ts'
import type { Frame, Framing } from '../http/frames.ts'
import type { Dialect, FrameFacts } from './dialect.ts'
import { isFields, jsonOf } from './values.ts'

/** How much of a whole answer is looked at as it passes. The writer reads what is larger. */
const wholeBytes = 256 * 1024
const blank = 0x20

/** What a dialect says of its answers, for a watch that looks only for what is needed at once. */
export interface WatchParts {
  readonly framing: Framing
  /** A reader for one stream: it may have to remember what came before. */
  frameReader(): (frame: Frame) => FrameFacts | undefined
  /** Whether a frame may say more than that there is content; asked before it is parsed. All may when absent. */
  mayMatter?(frame: Frame): boolean
  readWhole(body: unknown): AnswerFacts
  /** The error that a body is which came under a good status. */
  readDisguised(body: Buffer): GatewayError
}

/** What a dialect says of answers that pass, of which nothing is taken out: usage is always told in it. */
export const watched = (
  parts: WatchParts,
): Pick<Dialect, 'framing' | 'watchAnswer' | 'readAnswer' | 'withoutAddedUsage'> => ({
  framing: parts.framing,
  watchAnswer: (streaming) => (streaming ? new StreamWatch(parts) : new WholeWatch(parts)),
  readAnswer(body, streaming) {
    const watch = streaming ? new StreamWatch(parts) : new WholeWatch(parts, Number.POSITIVE_INFINITY)
    watch.next(body)
    return watch.end()
  },
  withoutAddedUsage: () => ({ next: (chunk) => [chunk], end: () => [] }),
})

class WholeWatch implements AnswerWatch {
  hasBegun = false
  refusal: GatewayError | undefined
  readonly isDone = false
  private readonly parts: WatchParts
  private readonly most: number
  private readonly chunks: Buffer[] = []
  private size = 0

  constructor(parts: WatchParts, most = wholeBytes) {
    this.parts = parts
    this.most = most
  }

  get hasContent(): boolean {
    return this.hasBegun
  }

  next(chunk: Buffer): void {
    this.size += chunk.length
    // Some hosts send blanks while they make a client wait.
    this.hasBegun ||= chunk.some((byte) => byte > blank)
    if (this.size <= this.most) this.chunks.push(chunk)
  }

  end(): AnswerFacts {
    if (this.size > this.most) return { unread: true }
    const bytes = this.chunks.length === 1 ? (this.chunks[0] as Buffer) : Buffer.concat(this.chunks)
    const body = jsonOf(bytes)
    if (typeof body !== 'object' || body === null) {
      this.refusal = new GatewayError(
        'upstream_invalid',
        `What the provider sent is no JSON object. Is its base URL right? ${this.parts.readDisguised(bytes).message}`,
      )
    } else if (isPlainError(body)) this.refusal = this.parts.readDisguised(bytes)
    if (this.refusal) return { error: spanErrorOf(this.refusal) }
    return this.parts.readWhole(body)
  }
}

class StreamWatch implements AnswerWatch {
  hasBegun = false
  hasContent = false
  refusal: GatewayError | undefined
  isDone = false
  private isBroken = false
  private readonly parts: WatchParts
  private readonly frames: ReturnType<Framing['split']>
  private readonly readFrame: ReturnType<WatchParts['frameReader']>
  private facts: AnswerFacts = {}

  constructor(parts: WatchParts) {
    this.parts = parts
    this.frames = parts.framing.split()
    this.readFrame = parts.frameReader()
  }

  next(chunk: Buffer): void {
    this.read(() => this.frames.next(chunk))
  }

  end(): AnswerFacts {
    this.read(() => this.frames.end())
    if (!this.hasBegun)
      this.refusal = new GatewayError('upstream_invalid', 'The answer of the provider ended before it began.')
    return this.refusal ? { ...this.facts, error: spanErrorOf(this.refusal) } : this.facts
  }

  /** Frames of some forms have sums that can be wrong; whoever reads them throws what is the provider's fault. */
  private read(frames: () => readonly Frame[]): void {
    if (this.isBroken) return
    try {
      for (const frame of frames()) this.take(frame)
    } catch (thrown) {
      if (!(thrown instanceof GatewayError)) throw thrown
      this.isBroken = true
      if (!this.hasBegun) this.refusal = thrown
      this.hasBegun = true
      this.facts = later(this.facts, { error: thrown })
    }
  }

  private take(frame: Frame): void {
    const { parts } = this
    if (this.hasContent && parts.mayMatter && !parts.mayMatter(frame)) return
    const said = this.readFrame(frame)
    if (said?.error && !this.hasBegun) this.refusal = said.error
    this.hasBegun = true
    if (!said) return
    this.facts = later(this.facts, said)
    if (said.hasContent || said.finishReason || said.error) this.hasContent = true
    if (said.isDone) this.isDone = true
  }
}

/** What is known once a frame has been read: a later count stands before an earlier one, bucket by bucket. */
export function later(
  facts: AnswerFacts,
  { model, finishReason, usage, usageReported, error }: FrameFacts,
): AnswerFacts {
  return {
    ...facts,
    ...(model !== undefined && facts.model === undefined && { model }),
    ...(finishReason !== undefined && { finishReason }),
    ...(usage && { usage: { ...facts.usage, ...usage } }),
    ...(usageReported !== undefined && { usageReported: both(facts.usageReported, usageReported) }),
    ...(error && { error: spanErrorOf(error) }),
  }
}

/** Numbers that came in two places are kept side by side; the later stand before the earlier. */
const both = (before: unknown, after: unknown): unknown =>
  isFields(before) && isFields(after) ? { ...before, ...after } : after

/** The provider's own word for what went wrong, where it has one. */
export const spanErrorOf = ({ code, message, details }: GatewayError): SpanError => ({
  code: details.openaiCode ?? code,
  message,
})

/** An error and nothing else: not an answer that failed on its way and says so. */
function isPlainError(body: object): boolean {
  const outer = Array.isArray(body) ? body[0] : body
  if (!isFields(outer)) return false
  const hasAnswer = outer.object !== undefined || outer.choices !== undefined || outer.candidates !== undefined
  return outer.type === 'error' || (outer.error !== undefined && outer.error !== null && !hasAnswer)
}
