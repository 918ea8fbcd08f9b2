/** However the network cuts a stream and whatever harmless it puts between its events, the same comes out. */
import type { ChatEvent } from '../../../src/core/chat.ts'
import { GatewayError } from '../../../src/core/error.ts'
import { runStep } from '../../../src/core/steps.ts'
import type { Frame, Framing } from '../../../src/http/frames.ts'
import { type Exchange, responseBytes } from '../../support/recordings.ts'
import { type Chat, eventsOf, isStream } from './formats.ts'
import { obj } from './oracle/tree.ts'
import { whyNoAnswer } from './round-trip.ts'
import { differences } from './same.ts'
import { notApplicable, type Verdict, verdictOf } from './verdict.ts'

/** Up to this many bytes a stream is cut at each of them. */
const everyByteUpTo = 5 * 1024
const placesInLarger = 200

export function cutAnywhere(chat: Chat): Verdict {
  const { exchange, speaker } = chat
  if (!isStream(exchange)) return notApplicable('a whole answer')
  if ('body' in exchange.response)
    return notApplicable('a stream in the form of one list: the door that has it tests it')
  const { framing } = speaker
  const bytes = responseBytes(exchange)
  const frames = runStep(framing.split(), [bytes])
  const same = (name: string, cut: readonly Uint8Array[]): readonly string[] =>
    isSame(runStep(framing.split(), cut), frames) ? [] : [`${name}: other frames`]
  return verdictOf([
    ...placesIn(bytes.length, exchange).flatMap((place) =>
      same(`cut at byte ${place}`, [bytes.subarray(0, place), bytes.subarray(place)]),
    ),
    ...same('one byte at a time', bytewise(bytes)),
    ...('events' in exchange.response || 'body' in exchange.response
      ? []
      : serverSentVariants(chat, bytes, framing, frames)),
    ...truncated(chat, frames),
  ])
}

const bytewise = (bytes: Buffer): readonly Uint8Array[] =>
  Array.from({ length: bytes.length }, (_, place) => bytes.subarray(place, place + 1))

/** Every place of a short stream; of a longer one so many, chosen at random and always the same. */
function placesIn(length: number, { id }: Exchange): readonly number[] {
  if (length <= everyByteUpTo) return Array.from({ length: Math.max(length - 1, 0) }, (_, place) => place + 1)
  let seed = 7
  for (const letter of id) seed = (seed * 31 + letter.charCodeAt(0)) >>> 0
  return Array.from({ length: placesInLarger }, () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return 1 + (seed % (length - 1))
  })
}

function isSame(ours: readonly Frame[], theirs: readonly Frame[]): boolean {
  return (
    ours.length === theirs.length &&
    ours.every(({ event, data }, place) => event === theirs[place]?.event && data === theirs[place]?.data)
  )
}

/** Other line ends, comments and pings mean nothing; JSON has no line ends of its own. */
function serverSentVariants(chat: Chat, bytes: Buffer, framing: Framing, frames: readonly Frame[]): readonly string[] {
  if (!framing.type.startsWith('text/event-stream')) return []
  const text = bytes.toString('utf8').replace(/\r\n/g, '\n')
  const split = (variant: string, size = Number.POSITIVE_INFINITY) => {
    const written = Buffer.from(variant)
    return runStep(
      framing.split(),
      size >= written.length
        ? [written]
        : Array.from({ length: Math.ceil(written.length / size) }, (_, place) =>
            written.subarray(place * size, (place + 1) * size),
          ),
    )
  }
  const variants: Readonly<Record<string, readonly Frame[]>> = {
    'lines that end in CR LF': split(text.replaceAll('\n', '\r\n')),
    'CR LF in pieces of three bytes': split(text.replaceAll('\n', '\r\n'), 3),
    'lines that end in CR': split(text.replaceAll('\n', '\r')),
    'a byte order mark': split(`\uFEFF${text}`),
    comments: split(`: hello\n\n${text.replaceAll('\n\n', '\n\n: keep-alive\n\n')}`),
  }
  return [
    ...Object.entries(variants).flatMap(([name, variant]) =>
      // A bare JSON error has line ends inside, which then are other ones.
      isSame(variant, frames) ||
      differences(eventsIn(chat.speaker, variant), eventsIn(chat.speaker, frames)).length === 0
        ? []
        : [`${name}: other events`],
    ),
    ...pinged(chat, frames),
  ]
}

/** Anthropic sends pings anywhere, and everybody new events at any time. */
function pinged({ dialect, speaker }: Chat, frames: readonly Frame[]): readonly string[] {
  if (dialect !== 'anthropic-messages' && dialect !== 'openai-responses') return []
  const type = dialect === 'anthropic-messages' ? 'ping' : 'response.tomorrows_event'
  const noise: Frame = { event: type, data: JSON.stringify({ type }) }
  const noisy = frames.flatMap((frame) => [frame, noise])
  return differences(eventsIn(speaker, noisy), eventsIn(speaker, frames), 'with pings')
}

/** A failure is an outcome like others: it has to be the same one. */
function eventsIn(speaker: Chat['speaker'], frames: readonly Frame[]): readonly unknown[] {
  const events: unknown[] = []
  try {
    const step = speaker.decodeStream()
    for (const frame of frames) events.push(...step.next(frame))
    events.push(...step.end())
  } catch (thrown) {
    events.push(thrown instanceof GatewayError ? { thrown: thrown.code } : thrown)
  }
  return events
}

/** A stream that ends too early is an error, unless all that ends an answer has come. */
function truncated(chat: Chat, frames: readonly Frame[]): readonly string[] {
  if (whyNoAnswer(chat) !== undefined || frames.length < 2) return []
  const stride = Math.max(1, Math.floor(frames.length / 12))
  const lengths = new Set([
    ...Array.from({ length: 12 }, (_, place) => place * stride),
    frames.length - 1,
    frames.length - 2,
  ])
  return [...lengths].flatMap((length) => {
    if (length < 0 || length >= frames.length) return []
    const events = eventsIn(chat.speaker, frames.slice(0, length)) as readonly (ChatEvent | { thrown: string })[]
    const last = events.at(-1)
    if (last && 'thrown' in last)
      return last.thrown === 'upstream_cut' ? [] : [`cut after ${length} frames: ${last.thrown}`]
    return hasEnd(chat, length) ? [] : [`cut after ${length} of ${frames.length} frames: taken for a whole answer`]
  })
}

/** All that was said and why it ended: only the mark after it may be missing. */
function hasEnd({ exchange, oracle }: Chat, length: number): boolean {
  const events = eventsOf(exchange).slice(0, length)
  const isAnthropic = events.some(({ data }) => obj(data).type === 'message_start')
  const mark = isAnthropic ? [{ data: { type: 'message_stop' } }] : []
  try {
    const { choices } = oracle.said(oracle.fold([...events, ...mark]))
    return choices.length > 0 && choices.every(({ finish }) => finish !== 'none')
  } catch {
    return false
  }
}
