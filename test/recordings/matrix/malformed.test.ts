/**
 * Whatever comes from outside, a decoder gives an answer or an error of ours: for arbitrary JSON, for recordings with
 * something wrong in them, and for streams of hundreds of thousands of events. Linear time is what the time limit of each
 * test allows: with a quadratic step these take minutes.
 */
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import type { ChatAnswer, ChatEvent } from '../../../src/core/chat.ts'
import { assemble, disassemble } from '../../../src/core/chat-events.ts'
import { runStep } from '../../../src/core/steps.ts'
import type { Dialect } from '../../../src/dialects/dialect.ts'
import type { Frame } from '../../../src/http/frames.ts'
import { index, noRecordings, recordingsFolder } from '../../support/recordings.ts'
import { asked, attempt, bare, expectCleanPrototype, seed, speakers, words } from './any-input.ts'
import { damaged, damagedText, drawn } from './damage.ts'
import { bodyOf, type Chat, chatOf, dialectOf, doorNames, isStream } from './formats.ts'
import { contextOf, framesOf, requestOf } from './translate.ts'

const here = recordingsFolder() !== undefined

afterEach(expectCleanPrototype)

const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(null, true, false, '', ...words),
    fc.string(),
    fc.double(),
    fc.integer(),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc
    .array(fc.tuple(fc.oneof(fc.constantFrom(...words), fc.string()), tie('value')), { maxLength: 6 })
    // Written and parsed, so that `__proto__` becomes a member of its own, as it does on the wire.
    .map((members) =>
      JSON.parse(
        `{${members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value) ?? 'null'}`).join(',')}}`,
      ),
    ),
}))

for (const [name, speaker] of speakers) {
  describe(`${name} takes any JSON`, () => {
    test('as a request', () => {
      fc.assert(
        fc.property(json.object, (body) => {
          const request = attempt(() => speaker.decodeRequest(body, asked))
          if (request)
            for (const [, target] of speakers) attempt(() => JSON.stringify(target.encodeRequest(request, {})))
        }),
        { seed, numRuns: 300 },
      )
    })

    test('as an answer', () => {
      fc.assert(
        fc.property(json.object, (body) => {
          const answer = attempt(() => speaker.decodeAnswer(body))
          if (answer) encodeEverywhere(answer)
        }),
        { seed, numRuns: 300 },
      )
    })

    test('as the frames of a stream', () => {
      const frame = fc.record({
        event: fc.constantFrom('message', ...words),
        data: json.value.map((value) => JSON.stringify(value) ?? ''),
      })
      fc.assert(
        fc.property(fc.array(frame, { maxLength: 8 }), (frames) => {
          streamEverywhere(eventsUpToError(speaker, frames))
        }),
        { seed, numRuns: 300 },
      )
    })

    test('as an error, and any bytes', () => {
      fc.assert(
        fc.property(
          fc.oneof(
            json.value.map((value) => Buffer.from(JSON.stringify(value) ?? '')),
            fc.uint8Array().map(Buffer.from),
          ),
          (body) => {
            const { error } = speaker.readError(500, body)
            for (const [, target] of speakers) JSON.parse(target.encodeError(error))
          },
        ),
        { seed, numRuns: 300 },
      )
    })

    test('and its framing any bytes', () => {
      fc.assert(
        fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 6 }), (pieces) => {
          attempt(() => runStep(speaker.framing.split(), pieces))
        }),
        { seed, numRuns: 300 },
      )
    })
  })
}

/** What a stream says until something is wrong with it. */
function eventsUpToError(speaker: Dialect, frames: readonly Frame[]): readonly ChatEvent[] {
  const events: ChatEvent[] = []
  const step = speaker.decodeStream()
  attempt(() => {
    for (const frame of frames) events.push(...step.next(frame))
    events.push(...step.end())
  })
  return events
}

function encodeEverywhere(answer: ChatAnswer): void {
  for (const [, target] of speakers) attempt(() => JSON.stringify(target.encodeAnswer(answer, contextOf(bare))))
  streamEverywhere([...disassemble(answer)])
}

function streamEverywhere(events: readonly ChatEvent[]): void {
  assemble(events)
  for (const [, target] of speakers) {
    attempt(() => runStep(target.encodeStream(contextOf(bare)), events).map((frame) => target.framing.write(frame)))
  }
}

if (!here) test.skip(`recordings with something wrong in them: ${noRecordings}`, () => undefined)

describe.skipIf(!here)('recordings with something wrong in them', () => {
  const chats = here ? index().flatMap(({ id }) => chatOrNone(id)) : []
  for (const [name] of speakers) {
    const mine = chats.filter(({ dialect }) => dialect === name)
    if (mine.length === 0) continue

    test(`requests of ${name}`, { timeout: 30_000 }, () => {
      const withBody = mine.filter(
        ({ exchange }) => exchange.request.body !== null && JSON.stringify(exchange.request.body).length < 20_000,
      )
      for (const [chat, random] of drawn(withBody, 600)) {
        const body = damaged(chat.exchange.request.body, random)
        const request = attempt(() => chat.speaker.decodeRequest(body, asked))
        if (request) for (const [, target] of speakers) attempt(() => JSON.stringify(target.encodeRequest(request, {})))
      }
    })

    test(`answers of ${name}`, { timeout: 30_000 }, () => {
      const whole = mine.filter(
        ({ exchange }) => !isStream(exchange) && JSON.stringify(bodyOf(exchange))?.length < 20_000,
      )
      for (const [chat, random] of drawn(whole, 600)) {
        const answer = attempt(() => chat.speaker.decodeAnswer(damaged(bodyOf(chat.exchange), random)))
        if (answer) encodeEverywhere(answer)
      }
    })

    test(`streams of ${name}`, { timeout: 30_000 }, () => {
      const streams = mine.filter(({ exchange }) => isStream(exchange))
      for (const [chat, random] of drawn(streams, 400)) {
        const frames = [...framesOf(chat)].slice(0, 200)
        const place = random(frames.length)
        const frame = frames[place]
        if (frame) frames[place] = { ...frame, data: damagedText(frame.data, random) }
        streamEverywhere(eventsUpToError(chat.speaker, frames))
      }
    })

    test(`a stream of ${name} with 100,000 events more`, { timeout: 20_000 }, () => {
      const longest = mine.filter(({ exchange }) => isStream(exchange) && exchange.response.status < 400)
      const chat = longest.toSorted((a, b) => framesOf(b).length - framesOf(a).length)[0]
      if (!chat) return
      const frames = framesOf(chat)
      const middle = Math.floor(frames.length / 2)
      const many = [
        ...frames.slice(0, middle),
        ...Array.from({ length: 100_000 }, () => frames[middle] as Frame),
        ...frames.slice(middle),
      ]
      const events = runStep(chat.speaker.decodeStream(), many)
      expect(events.length).toBeGreaterThan(1)
      assemble(events)
      for (const door of doorNames) {
        const target = dialectOf(door)
        runStep(target.encodeStream(contextOf(requestOf(chat))), events)
      }
    })
  }
})

function chatOrNone(id: string): readonly Chat[] {
  const chat = chatOf(id)
  return typeof chat === 'string' ? [] : [chat]
}
