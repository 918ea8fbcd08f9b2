import type { Kysely } from 'kysely'
import type { ChatAnswer, ChatEvent, Message } from '../core/chat.ts'
import { assemble } from '../core/chat-events.ts'
import { GatewayError } from '../core/error.ts'
import type { ProjectId } from '../core/ids.ts'
import type { CallDetail } from '../core/span.ts'
import { runStep } from '../core/steps.ts'
import type { Dialect } from '../dialects/dialect.ts'
import { dialectNamed } from '../dialects/index.ts'
import type { TracesDb } from './schema.ts'
import { type StoredBody, type StoredSpan, spansOf } from './spans.ts'
import { findTraces, type TraceSummary } from './traces.ts'

/** Everything about a trace that a person may want to see. */
export interface TraceView {
  readonly trace: TraceSummary
  readonly spans: readonly SpanView[]
}

export type SpanView =
  | (Omit<Extract<StoredSpan, { kind: 'call' }>, 'request'> & {
      /** What the client sent, and what the provider of its last attempt answered, as one conversation. */
      readonly conversation?: Conversation
    })
  | Omit<AttemptSpan, 'answer'>

export interface Conversation {
  readonly messages: readonly Message[]
  /** The names of the tools that the model could call. */
  readonly tools: readonly string[]
  readonly answer?: ChatAnswer
  /** Why some of it is missing. */
  readonly notes: readonly string[]
}

export type Shown =
  | { readonly found: 'one'; readonly view: TraceView }
  | { readonly found: 'none' }
  | { readonly found: 'many'; readonly candidates: readonly TraceSummary[] }

/** A trace by its id or the beginning of it. */
export async function showTrace(db: Kysely<TracesDb>, project: ProjectId, prefix: string): Promise<Shown> {
  const candidates = await findTraces(db, project, prefix, 5)
  const [trace, another] = candidates
  if (!trace) return { found: 'none' }
  if (another) return { found: 'many', candidates }
  const spans = await spansOf(db, project, trace.traceId)
  return { found: 'one', view: { trace, spans: spans.map((span) => viewOf(span, spans)) } }
}

function viewOf(span: StoredSpan, all: readonly StoredSpan[]): SpanView {
  if (span.kind !== 'call') {
    const { answer: _, ...rest } = span
    return rest
  }
  const { request, ...rest } = span
  const last = all.findLast((other) => other.kind === 'attempt' && other.parentId === span.spanId)
  const answer = last?.kind === 'attempt' ? last : undefined
  const conversation = conversationOf(span.detail, request, answer)
  return { ...rest, ...(conversation && { conversation }) }
}

type AttemptSpan = Extract<StoredSpan, { kind: 'attempt' }>

function conversationOf(
  { dialect: dialectName, requestBytes, modelAsked = '', streaming }: CallDetail,
  request: StoredBody | undefined,
  attempt: AttemptSpan | undefined,
): Conversation | undefined {
  const dialect = dialectNamed(dialectName)
  if (!dialect || !request) return undefined
  const notes: string[] = []
  const asked = attemptTo(notes, 'request', request, requestBytes, (bytes) =>
    dialect.decodeRequest(JSON.parse(bytes.toString('utf8')), { model: modelAsked, stream: streaming }),
  )
  const before = asked?.extra?.fields.previous_response_id
  if (typeof before === 'string') notes.push(`What was said before is in the trace of the call that gave ${before}.`)
  const spoken = attempt && (attempt.detail.httpStatus ?? 0) < 400 ? attempt : undefined
  const speaker = spoken && dialectNamed(spoken.detail.dialect)
  const answer =
    spoken?.answer && speaker
      ? attemptTo(notes, 'answer', spoken.answer, spoken.detail.answerBytes, (bytes) =>
          spoken.detail.streaming
            ? assemble(eventsOf(speaker, bytes, notes))
            : speaker.decodeAnswer(JSON.parse(bytes.toString('utf8'))),
        )
      : undefined
  const { messages = [], tools = [] } = asked ?? {}
  return { messages, tools: tools.map(({ name }) => name), ...(answer && { answer }), notes }
}

/** The events of a stream as far as it can be read: what came before a broken frame was said all the same. */
function eventsOf(dialect: Dialect, bytes: Buffer, notes: string[]): ChatEvent[] {
  const events: ChatEvent[] = []
  const decoder = dialect.decodeStream()
  try {
    for (const frame of runStep(dialect.framing.split(), [bytes])) events.push(...decoder.next(frame))
    events.push(...decoder.end())
  } catch (thrown) {
    // That it is not complete is said where its attempt is shown.
    if (!(thrown instanceof GatewayError && thrown.code === 'upstream_cut'))
      notes.push(`The answer breaks off: ${(thrown as Error).message}`)
  }
  return events
}

/** What cannot be read is said, and the rest is shown. `length` is what was there to be kept. */
function attemptTo<T>(
  notes: string[],
  what: string,
  body: StoredBody,
  length: number,
  decode: (bytes: Buffer) => T,
): T | undefined {
  if (body.bytes.length < length)
    notes.push(`Of the ${what} the first ${body.bytes.length} of ${length} bytes were kept.`)
  try {
    return decode(body.bytes)
  } catch (thrown) {
    notes.push(`The ${what} cannot be read: ${(thrown as Error).message}`)
    return undefined
  }
}
