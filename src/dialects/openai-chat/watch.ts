import type { AnswerFacts, AnswerWatch } from '../../core/answer.ts'
import { GatewayError } from '../../core/error.ts'
import { type ObjectScan, type Span, scanObject } from '../../core/json-scan.ts'
import type { SpanError } from '../../core/span.ts'
import type { Step } from '../../core/steps.ts'
import type { Frame } from '../../http/frames.ts'
import { sseFrames } from '../../http/sse.ts'
import { readDisguised, readError } from './errors.ts'
import { finishReasonOf } from './finish.ts'
import { Tail } from './tail.ts'
import { usageOf, type WireUsage } from './usage.ts'
import { usageIn, type WireAnswer, type WireChoice } from './wire.ts'

/** How much of a whole answer is looked at as it passes. The writer reads what is larger. */
const wholeBytes = 256 * 1024
/** How much of the end of a stream is kept for a look back. */
const tailBytes = 8 * 1024
/** How many events from the end are looked at before the writer is asked to read all of them. */
const tailEvents = 8
/** How long an event may be that is looked at before there is any content. */
const lineBytes = 1 << 20
/** How many chunks are kept as they are before they are copied together. */
const tailChunks = 16

/**
 * Looks only for what is needed at once. Chunks are kept by reference and read when the answer has ended: a stream's
 * usage, finish reason and error are in its last events, so parsing the others would be for nothing.
 */
export const watchAnswer = (streaming: boolean): AnswerWatch => (streaming ? watchStream() : watchWhole())

function watchWhole(): AnswerWatch {
  const chunks: Buffer[] = []
  let size = 0
  let hasBegun = false
  let refusal: GatewayError | undefined
  return {
    get hasBegun() {
      return hasBegun
    },
    get hasContent() {
      return hasBegun
    },
    get refusal() {
      return refusal
    },
    isDone: false,
    next(chunk) {
      size += chunk.length
      // Some hosts send blanks while they make a client wait.
      hasBegun ||= chunk.some((byte) => byte > blank)
      if (size <= wholeBytes) chunks.push(chunk)
    },
    end() {
      if (size > wholeBytes) return { unread: true }
      const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
      const scan = scanObject(body)
      if (!scan?.isWhole) {
        refusal = notAnAnswer(body)
        return { error: errorOf(refusal) as SpanError }
      }
      const facts = factsIn(body, scan)
      if (facts.error === notJson) refusal = notAnAnswer(body)
      else if (facts.error && !hasChoices(body, scan)) refusal = readDisguised(body)
      return facts
    },
  }
}

const blank = 0x20

/** What came is not even JSON, or not all of it: a page from some proxy, a text, nothing. */
function notAnAnswer(body: Buffer): GatewayError {
  const { message } = readError(0, body).error
  return new GatewayError(
    'upstream_invalid',
    `What the provider sent is no JSON object. Is its base URL right? ${message}`,
  )
}

const hasChoices = (body: Buffer, { members }: ObjectScan): boolean => {
  const choices = members.get('choices')
  return (
    choices !== undefined &&
    body.toString('latin1', choices.start, Math.min(choices.end, choices.start + 64)).includes('{')
  )
}

/** What a whole answer says of itself; of one that was cut, as far as it goes. */
export function readWhole(body: Buffer): AnswerFacts {
  const scan = scanObject(body)
  return scan ? factsIn(body, scan) : {}
}

/** The facts of a whole answer from the places of its members; the long texts in it are not parsed. */
function factsIn(body: Buffer, scan: ObjectScan): AnswerFacts {
  try {
    const error = errorOf(member(body, scan, 'error'))
    const usage = member(body, scan, 'usage') as WireUsage | null | undefined
    const model = member(body, scan, 'model')
    // Old Kimi models have it with the choice, whose long texts are parsed for nobody else.
    const reported = usage ?? usageIn({ choices: member(body, scan, 'choices') as WireChoice[] | null })
    const finish = finishReasonOf(firstFinish(body, scan.members.get('choices')))
    return {
      ...(typeof model === 'string' && model !== '' && { model }),
      ...(finish && { finishReason: finish }),
      ...(reported && { usage: usageOf(reported), usageReported: reported }),
      ...(error && { error }),
    }
  } catch {
    return { error: notJson }
  }
}

const notJson: SpanError = { code: 'upstream_invalid', message: 'The answer is not valid JSON.' }

const finishKey = Buffer.from('"finish_reason"')

/** The first choice's reason, found by its key: within a text the quotes would be escaped. */
function firstFinish(body: Buffer, choices: Span | undefined): string | undefined {
  const at = choices ? body.indexOf(finishKey, choices.start) : -1
  if (!choices || at < 0 || at >= choices.end) return undefined
  const from = at + finishKey.length
  return /^\s*:\s*"([^"\\]*)"/.exec(body.toString('latin1', from, Math.min(from + 64, choices.end)))?.[1]
}

const member = (body: Buffer, { members }: ObjectScan, name: string): unknown => {
  const span = members.get(name)
  return span && JSON.parse(body.toString('utf8', span.start, span.end))
}

function watchStream(): AnswerWatch {
  let head: Step<Uint8Array, Frame> | undefined = sseFrames()
  /** How much was looked at for the event that is not whole yet. */
  let pending = 0
  let hasBegun = false
  let refusal: GatewayError | undefined
  let model: string | undefined
  const tail = new Tail(tailBytes, tailChunks)
  const look = (bytes: Buffer): void => {
    pending = endsEvent(bytes) ? 0 : pending + bytes.length
    for (const { data } of head?.next(bytes) ?? []) {
      pending = 0
      const event = parse(data)
      if (!hasBegun && event?.error != null && !(event.choices ?? []).some(saysSomething)) {
        refusal = readDisguised(Buffer.from(data))
      }
      hasBegun = true
      model ??= event?.model || undefined
      if (event && hasContent(event)) head = undefined
    }
    // A line without an end is not worth its memory. Whatever it is, there is something.
    if (pending > lineBytes) {
      head = undefined
      hasBegun = true
    }
  }
  return {
    get hasBegun() {
      return hasBegun
    },
    get hasContent() {
      return head === undefined
    },
    get refusal() {
      return refusal
    },
    get isDone() {
      return doneMark.test(tail.bytes().subarray(-doneBytes).toString('latin1'))
    },
    next(chunk) {
      tail.add(chunk)
      // Event by event, so that what comes after the first content is not even divided.
      for (let from = 0; head && from < chunk.length; ) {
        const blank = chunk.indexOf('\n\n', from)
        const end = blank < 0 ? chunk.length : blank + 2
        look(chunk.subarray(from, end))
        from = end
      }
    },
    end() {
      const facts = readTail(tail.bytes(), tail.isCut)
      // An event without its blank line counts at the end, and a model may be named later than the first content.
      if (head) look(blankLine)
      if (!hasBegun) refusal = new GatewayError('upstream_invalid', 'The answer of the provider ended before it began.')
      if (refusal) return { ...(model !== undefined && { model }), error: errorOf(refusal) as SpanError }
      if (model === undefined) return head ? facts : { ...facts, unread: true }
      return { ...facts, model }
    },
  }
}

const endsEvent = (bytes: Buffer): boolean => bytes.at(-1) === lineFeed && bytes.at(-2) === lineFeed

/** What ends a stream, with a few comments after it at most. */
const doneMark = /^data:\s*\[DONE\]/m
const doneBytes = 256
const blankLine = Buffer.from('\n\n')
const lineFeed = 0x0a

/** Whether the line that ends at this line feed belongs to the same event as the one after it. */
function isDataLine(tail: Buffer, end: number): boolean {
  if (end <= 0) return false
  const start = tail.lastIndexOf(lineFeed, end - 1) + 1
  return tail.toString('latin1', start, Math.min(start + 5, end)) === 'data:'
}

/** From the last event back to the one that says why the answer ended; usage comes with it or after it. */
function readTail(tail: Buffer, cutOff: boolean): AnswerFacts {
  let usage: WireUsage | undefined
  let finishReason: string | undefined
  let error: SpanError | undefined
  let seen = 0
  let isPlain = true
  for (let end = tail.length; end > 0 && seen < tailEvents; ) {
    const before = end > 1 ? tail.lastIndexOf(lineFeed, end - 2) : -1
    // The first line may be the rest of one whose beginning is gone.
    if (before < 0 && cutOff) break
    const line = tail.toString('utf8', before + 1, end)
    end = before + 1
    if (!line.startsWith('data:')) continue
    const data = line.slice(5).trim()
    if (data === '' || data === '[DONE]') continue
    seen++
    const event = parse(data)
    // It may be one line of several, or end in a way that is no line feed.
    if (!event || isDataLine(tail, before)) {
      isPlain = false
      continue
    }
    error ??= errorOf(event.error)
    usage ??= usageIn(event)
    finishReason ??= finishIn(event)
    if (usage && finishReason) break
  }
  const isUnsure = cutOff || !isPlain || seen === tailEvents || seen === 0
  return {
    ...(isUnsure && !(usage && finishReason) && { unread: true }),
    ...(finishReason && { finishReason }),
    ...(usage && { usage: usageOf(usage), usageReported: usage }),
    ...(error && { error }),
  }
}

/** Reads every event of a stream, for when its end did not tell. */
export function readStream(body: Buffer): AnswerFacts {
  const frames = sseFrames()
  let model: string | undefined
  let usage: WireUsage | undefined
  let finishReason: string | undefined
  let error: SpanError | undefined
  for (const { data } of [...frames.next(body), ...frames.end()]) {
    const event = parse(data)
    if (!event) continue
    model ??= event.model || undefined
    usage = usageIn(event) ?? usage
    finishReason = finishIn(event) ?? finishReason
    error = errorOf(event.error) ?? error
  }
  return {
    ...(model && { model }),
    ...(finishReason && { finishReason }),
    ...(usage && { usage: usageOf(usage), usageReported: usage }),
    ...(error && { error }),
  }
}

/** The reason of the first choice, which is the only one for nearly every client. */
const finishIn = (event: WireAnswer): string | undefined =>
  finishReasonOf(event.choices?.find((choice) => (choice.index ?? 0) === 0)?.finish_reason)

/** A role alone is no content; neither is an empty text. */
const hasContent = (event: WireAnswer): boolean =>
  event.error != null || (event.choices ?? []).some((choice) => Boolean(choice.finish_reason) || saysSomething(choice))

function saysSomething({ delta }: WireChoice): boolean {
  if (!delta) return false
  const { content, reasoning_content, reasoning, refusal, tool_calls, function_call } = delta
  return !!(content?.length || reasoning_content || reasoning || refusal || tool_calls?.length || function_call)
}

function parse(data: string): WireAnswer | undefined {
  try {
    const event: unknown = JSON.parse(data)
    return typeof event === 'object' && event !== null ? readable(event as WireAnswer) : undefined
  } catch {
    return undefined
  }
}

/** Hosts write anything: a list of choices that is none is taken for absent, and so is what stands in it and is none. */
function readable(event: WireAnswer): WireAnswer {
  const { choices, model } = event
  const plain = Array.isArray(choices) && choices.every((choice) => typeof choice === 'object' && choice !== null)
  const named = model === undefined || typeof model === 'string'
  if (plain && named) return event
  const { choices: _choices, model: _model, ...rest } = event
  const kept = (Array.isArray(choices) ? choices : []).filter((choice) => typeof choice === 'object' && choice !== null)
  return { ...rest, choices: kept, ...(typeof model === 'string' && { model }) }
}

/** An error in any of the forms that hosts of this dialect give it. */
function errorOf(written: unknown): SpanError | undefined {
  if (written === undefined || written === null) return undefined
  if (typeof written === 'string') return { code: 'upstream_error', message: written }
  const { message, code, type } = written as { message?: unknown; code?: unknown; type?: unknown }
  return {
    code:
      [code, type].find((name) => typeof name === 'string' || typeof name === 'number')?.toString() ?? 'upstream_error',
    message: typeof message === 'string' ? message : JSON.stringify(written),
  }
}
