/** An answer of a provider, streamed or whole, on its way to every kind of client, without sockets. */
import type { ChatAnswer, ChatEvent, ChatRequest } from '../../src/core/chat.ts'
import { assemble } from '../../src/core/chat-events.ts'
import { GatewayError } from '../../src/core/error.ts'
import { runStep } from '../../src/core/steps.ts'
import type { Dialect } from '../../src/dialects/dialect.ts'
import type { Frame } from '../../src/http/frames.ts'
import { dialectOf, doors, serverSent } from '../recordings/matrix/formats.ts'
import { grammarFaults } from '../recordings/matrix/grammar.ts'
import { bedrockConverse } from '../recordings/matrix/oracle/bedrock-converse.ts'
import type { Oracle, Said, WireEvent } from '../recordings/matrix/oracle/said.ts'
import { meaning, obj } from '../recordings/matrix/oracle/tree.ts'
import { contextOf, eventsWithCallIds, withCallIds } from '../recordings/matrix/translate.ts'

/** Every dialect in which an answer can be written, with a reader that shares no code with it. */
export const oracles = { ...doors, 'bedrock-converse': bedrockConverse } as const satisfies Readonly<
  Record<string, Oracle>
>
export type Target = keyof typeof oracles
export const targets = Object.keys(oracles) as readonly Target[]

const request: ChatRequest = {
  model: 'a-model',
  stream: true,
  messages: [],
  tools: [],
  settings: { includeUsage: true },
}

/** A frame as it came: JSON, or words that are none; with a name where the stream names its events. */
export type Wire = unknown

const frameOf = (from: string, wire: Wire): Frame => {
  if (typeof wire === 'string') return { data: wire }
  if (Array.isArray(wire)) return { event: wire[0] as string, data: JSON.stringify(wire[1]) }
  const { type } = obj(wire)
  const data = JSON.stringify(wire)
  return typeof type === 'string' && from !== 'openai-chat' ? { event: type, data } : { data }
}

/** What a provider's stream says; ids are there, as the gateway sees to it. */
export const eventsFrom = (from: string, stream: readonly Wire[]): readonly ChatEvent[] =>
  eventsWithCallIds(
    runStep(
      dialectOf(from).decodeStream(),
      stream.map((wire) => frameOf(from, wire)),
    ),
  )

export const answerFrom = (from: string, body: unknown): ChatAnswer => withCallIds(dialectOf(from).decodeAnswer(body))

export interface Shown {
  readonly said: Said
  readonly wire: readonly WireEvent[]
  readonly text: string
  readonly faults: readonly string[]
}

export const framesTo = (to: Target, events: readonly ChatEvent[]): readonly Frame[] =>
  runStep(dialectOf(to).encodeStream(contextOf(request)), events)

/** The stream that a client sees. */
export function streamTo(to: Target, events: readonly ChatEvent[]): Shown {
  const dialect = dialectOf(to)
  const frames = framesTo(to, events)
  const oracle: Oracle = oracles[to]
  if (to === 'bedrock-converse') {
    const wire = frames.map(({ event, data }): WireEvent => ({ ...(event && { event }), data: JSON.parse(data) }))
    return { said: oracle.said(oracle.fold(wire)), wire, text: '', faults: [] }
  }
  const text = bytesOf(dialect, frames).toString('utf8')
  const wire = serverSent(text)
  return { said: oracle.said(oracle.fold(wire)), wire, text, faults: grammarFaults(to, wire, text) }
}

export const bytesOf = ({ framing }: Dialect, frames: readonly Frame[]): Buffer =>
  Buffer.concat(frames.map((frame) => framing.write(frame)))

/** The whole answer that a client sees. */
export function wholeTo(to: Target, answer: ChatAnswer): Said {
  const oracle: Oracle = oracles[to]
  return oracle.said(obj(bodyTo(to, answer)))
}

export const bodyTo = (to: Target, answer: ChatAnswer): unknown =>
  JSON.parse(JSON.stringify(dialectOf(to).encodeAnswer(answer, contextOf(request))))

/** Both ways in which a client can have what a stream says: as it comes, and put together. */
export function bothTo(to: Target, events: readonly ChatEvent[]): readonly (readonly [string, Said])[] {
  const { said, faults } = streamTo(to, events)
  if (faults.length > 0) throw new Error(`The stream breaks the rules of ${to}: ${faults.join('; ')}`)
  return [
    ['streamed', said],
    ['whole', wholeTo(to, assemble(events))],
  ]
}

/** The calls of a choice, by what their arguments mean. */
export const callsIn = (said: Said, choice = 0): readonly { readonly name: string; readonly args: unknown }[] =>
  (said.choices[choice]?.calls ?? []).map(({ name, args }) => ({ name, args: meaning(args) }))

export interface Broken {
  readonly events: readonly ChatEvent[]
  readonly error: unknown
}

/** A stream up to where it breaks, and why it does. */
export function brokenFrom(from: string, stream: readonly Wire[]): Broken {
  const decoder = dialectOf(from).decodeStream()
  const events: ChatEvent[] = []
  try {
    for (const wire of stream) events.push(...decoder.next(frameOf(from, wire)))
    events.push(...decoder.end())
  } catch (error) {
    return { events, error }
  }
  return { events, error: undefined }
}

/** What a client has seen of a stream that broke, up to and with its error. */
export function brokenTo(to: Target, { events, error }: Broken): Buffer {
  if (!(error instanceof GatewayError)) throw error ?? new Error('The stream did not break.')
  const dialect = dialectOf(to)
  const encoder = dialect.encodeStream(contextOf(request))
  const frames = events.flatMap((event) => [...encoder.next(event)])
  const last = dialect.encodeStreamError(error)
  return Buffer.concat([bytesOf(dialect, frames), typeof last === 'string' ? Buffer.from(last) : last])
}
