/** Decoding and encoding in the same dialect gives what there was: requests, whole answers, and streams. */
import type { ChatAnswer, ChatEvent } from '../../../src/core/chat.ts'
import { assemble } from '../../../src/core/chat-events.ts'
import { runStep } from '../../../src/core/steps.ts'
import type { Abilities } from '../../../src/dialects/dialect.ts'
import { bodyOf, type Chat, eventsOf, isStream } from './formats.ts'
import { normalOf } from './normal.ts'
import { isObj, list, meaning, obj, type Tree } from './oracle/tree.ts'
import { differences } from './same.ts'
import { contextOf, decodedStream, requestOf } from './translate.ts'
import { notApplicable, type Verdict, verdictOf } from './verdict.ts'

/** What keeps a stream from having an end that a whole answer could have. */
export function whyNoAnswer({ exchange }: Chat): string | undefined {
  if (exchange.response.status >= 400) return 'the answer is an error'
  if (exchange.features.includes('error-mid-stream')) return 'the stream ends in an error'
  if (/cut-off-mid-stream/.test(exchange.id)) return 'the stream was cut off'
  const body = isStream(exchange) ? undefined : obj(bodyOf(exchange))
  if (isBlocked(exchange.id) || (body && isObj(body.promptFeedback) && !body.candidates))
    return 'the prompt was blocked: it is told as an error'
  return undefined
}

export const isBlocked = (id: string): boolean => /prompt-blocked/.test(id)

export function requestRoundTrip(chat: Chat): Verdict {
  const { exchange, speaker } = chat
  const body = exchange.request.body
  if (body === null) return notApplicable('the request was not kept')
  const asked = { model: exchange.model ?? '', stream: exchange.streaming }
  const { body: again, dropped } = speaker.encodeRequest(speaker.decodeRequest(body, asked), takesAll(body))
  const normal = normalOf(chat.dialect)
  return verdictOf([
    ...differences(normal.request(again), normal.request(body)),
    ...dropped.map((name) => `dropped ${name}`),
  ])
}

/** A target that takes whatever the recorded one took. */
export function takesAll(body: Tree): Abilities {
  return {
    unknownFields: true,
    urls: true,
    prefill: true,
    systemMidway: true,
    mediaInResults: true,
    maxTokensField: body.max_tokens === undefined ? 'max_completion_tokens' : 'max_tokens',
    ...(body.tool_choice === 'any' && { requiredWord: 'any' }),
    ...(typeof body.anthropic_version === 'string' && { bodyVersion: body.anthropic_version }),
    ...(wantsThoughts(body) && { wantsThoughts: true, ...thoughtsField(body) }),
  }
}

const thoughtsFields = ['reasoning_content', 'reasoning_details', 'reasoning'] as const

/** Some hosts want thoughts back that nobody sealed. */
const wantsThoughts = (body: Tree): boolean =>
  list(body.messages).some((message) => thoughtsFields.some((field) => message[field])) ||
  list(body.input).some(({ type, encrypted_content }) => type === 'reasoning' && !encrypted_content)

const thoughtsField = (body: Tree): Pick<Abilities, 'thoughtsField'> => {
  const field = thoughtsFields.find((name) => list(body.messages).some((message) => message[name]))
  return field ? { thoughtsField: field } : {}
}

export function answerRoundTrip(chat: Chat): Verdict {
  const { exchange, speaker } = chat
  if (isStream(exchange)) return notApplicable('a stream')
  const reason = whyNoAnswer(chat)
  if (reason !== undefined) return notApplicable(reason)
  const body = bodyOf(exchange)
  const again = speaker.encodeAnswer(speaker.decodeAnswer(body), contextOf(requestOf(chat)))
  const normal = normalOf(chat.dialect)
  return verdictOf(differences(normal.answer(obj(again)), normal.answer(obj(body))))
}

/** The frames that we write say what was recorded, to our own decoder and to the reader that is not ours. */
export function streamRoundTrip(chat: Chat): Verdict {
  const { exchange, speaker, oracle } = chat
  if (!isStream(exchange)) return notApplicable('a whole answer')
  const reason = whyNoAnswer(chat)
  if (reason !== undefined) return notApplicable(reason)
  const events = decodedStream(chat)
  const frames = runStep(speaker.encodeStream(contextOf(requestOf(chat))), events)
  const again = runStep(speaker.decodeStream(), frames)
  const normal = normalOf(chat.dialect)
  const written = oracle.fold(
    frames
      .filter(({ data }) => data.trim() !== '[DONE]')
      .map(({ event, data }) => ({ ...(event !== undefined && { event }), data: JSON.parse(data) })),
  )
  return verdictOf([
    ...differences(answerOf(again), answerOf(events), 'decoded'),
    ...differences(normal.answer(written), normal.answer(oracle.fold(eventsOf(exchange))), 'folded'),
  ])
}

/** A stream decodes to the very answer to which the same content decodes when it comes whole. */
export function streamIsWhole(chat: Chat): Verdict {
  const { exchange, speaker, oracle } = chat
  if (!isStream(exchange)) return notApplicable('a whole answer')
  const reason = whyNoAnswer(chat)
  if (reason !== undefined) return notApplicable(reason)
  const whole = speaker.decodeAnswer(oracle.fold(eventsOf(exchange)))
  return verdictOf(differences(answerOf(decodedStream(chat)), comparable(whole)))
}

const answerOf = (events: readonly ChatEvent[]): unknown => comparable(assemble(events))

/**
 * As JSON, so that what is `undefined` is not there; what nobody misses is not compared. Arguments that came as an object
 * have lost their spaces, those that came as text have not: that they are the model's own is shown at the doors.
 */
const comparable = (answer: ChatAnswer): unknown =>
  JSON.parse(
    JSON.stringify(answer, (name, value) =>
      name === 'echo' ? undefined : name === 'arguments' && typeof value === 'string' ? meaning(value) : value,
    ),
  )
