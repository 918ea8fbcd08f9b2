/**
 * Whatever comes from outside, a decoder gives an answer or an error of ours: for arbitrary JSON, for recordings with
 * something wrong in them, and for streams of hundreds of thousands of events. Linear time is what the time limit of each
 * test allows: with a quadratic step these take minutes.
 */
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import type { ChatAnswer, ChatEvent, ChatRequest, Message } from '../../../src/core/chat.ts'
import { assemble, disassemble } from '../../../src/core/chat-events.ts'
import { GatewayError } from '../../../src/core/error.ts'
import { runStep } from '../../../src/core/steps.ts'
import type { Dialect } from '../../../src/dialects/dialect.ts'
import { dialects } from '../../../src/dialects/index.ts'
import type { Frame } from '../../../src/http/frames.ts'
import { index, noRecordings, recordingsFolder } from '../../support/recordings.ts'
import { bodyOf, type Chat, chatOf, dialectOf, doorNames, isStream } from './formats.ts'
import { contextOf, framesOf, requestOf } from './translate.ts'

const here = recordingsFolder() !== undefined
const speakers = Object.entries(dialects as Readonly<Record<string, Dialect>>)
const asked = { model: 'a-model', stream: true }
/** The same cases in every run; another seed looks for others. */
const seed = Number(process.env.TRUNKLINE_TEST_SEED ?? 20_261_123)

afterEach(() => {
  expect(Object.keys(Object.prototype)).toEqual([])
  expect(({} as Record<string, unknown>).polluted).toBeUndefined()
})

/** Runs it and lets errors of ours pass: any other is our bug. */
function attempt<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (thrown) {
    if (thrown instanceof GatewayError) return undefined
    throw thrown
  }
}

/** Words of all wire formats, so that arbitrary JSON comes closer to what they look for. */
const words = [
  'messages',
  'role',
  'content',
  'text',
  'type',
  'tool_calls',
  'function',
  'arguments',
  'name',
  'id',
  'index',
  'choices',
  'delta',
  'message',
  'usage',
  'finish_reason',
  'parts',
  'contents',
  'candidates',
  'functionCall',
  'args',
  'functionResponse',
  'response',
  'thought',
  'thoughtSignature',
  'output',
  'input',
  'content_block',
  'content_block_start',
  'content_block_delta',
  'message_start',
  'message_delta',
  'message_stop',
  'text_delta',
  'input_json_delta',
  'tool_use',
  'tool_result',
  'toolUse',
  'toolResult',
  'reasoningContent',
  'reasoning',
  'summary',
  'annotations',
  'error',
  'status',
  'item',
  'output_index',
  'part',
  'response.completed',
  'response.output_item.added',
  'response.output_text.delta',
  'usageMetadata',
  'groundingMetadata',
  'user',
  'assistant',
  'system',
  'tool',
  'image_url',
  'url',
  'source',
  'data',
  '__proto__',
  'constructor',
  'polluted',
  'stop',
  'tools',
  'tool_choice',
  'parameters',
] as const

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

const bare = { ...asked, messages: [], tools: [], settings: { includeUsage: true } }

describe('large inputs take no more than their size', () => {
  const turns = 10_000
  const conversation: readonly Message[] = Array.from({ length: turns }, (_, turn): readonly Message[] => [
    { role: 'user', parts: [{ kind: 'text', text: `question ${turn}` }] },
    {
      role: 'assistant',
      parts: [{ kind: 'tool-call', id: `call_${turn}`, name: 'look', arguments: `{"turn":${turn}}` }],
    },
    {
      role: 'tool',
      parts: [{ kind: 'tool-result', callId: `call_${turn}`, name: 'look', parts: [{ kind: 'text', text: 'found' }] }],
    },
    { role: 'assistant', parts: [{ kind: 'text', text: `answer ${turn}` }] },
  ]).flat()
  const many: ChatRequest = {
    model: 'a-model',
    stream: false,
    messages: [...conversation, { role: 'user', parts: [{ kind: 'text', text: 'and now?' }] }],
    tools: Array.from({ length: 2000 }, (_, place) => ({
      kind: 'function',
      name: `tool_${place}`,
      schema: { type: 'object' },
    })),
    settings: { maxTokens: 1000 },
  }
  const parts = 20_000
  const answer: ChatAnswer = {
    id: 'an-answer',
    model: 'a-model',
    choices: [
      {
        finish: { reason: 'tool_calls' },
        message: {
          role: 'assistant',
          parts: Array.from({ length: parts }, (_, place) =>
            place % 2 === 0
              ? {
                  kind: 'text',
                  text: `sentence ${place} `,
                  citations: [{ url: `https://example.com/${place}`, start: 0, end: 8, dialect: 'gemini', value: {} }],
                }
              : { kind: 'tool-call', id: `call_${place}`, name: 'look', arguments: '{}' },
          ),
        },
      },
    ],
  }

  for (const [name, speaker] of speakers) {
    test(`${name}: a conversation of ${turns} turns`, { timeout: 20_000 }, () => {
      const { body } = speaker.encodeRequest(many, {})
      expect(speaker.decodeRequest(JSON.parse(JSON.stringify(body)), asked).messages.length).toBeGreaterThan(turns)
    })

    test(`${name}: an answer of ${parts} parts`, { timeout: 20_000 }, () => {
      const body = speaker.encodeAnswer(answer, contextOf(bare))
      expect(speaker.decodeAnswer(JSON.parse(JSON.stringify(body))).choices).toHaveLength(1)
      const frames = runStep(speaker.encodeStream(contextOf(bare)), disassemble(answer))
      expect(assemble(runStep(speaker.decodeStream(), frames)).choices).toHaveLength(1)
    })

    test(`${name}: what is nested a thousand deep`, () => {
      const deep = JSON.parse(`${'{"a":['.repeat(1000)}${']}'.repeat(1000)}`)
      for (const field of words) {
        attempt(() => speaker.decodeAnswer({ [field]: deep }))
        attempt(() =>
          speaker.decodeRequest(
            { messages: [{ role: 'user', content: 'Hello', [field]: deep }], [field]: deep },
            asked,
          ),
        )
      }
      const tool = { kind: 'function' as const, name: 'look', schema: { type: 'object', properties: { a: deep } } }
      attempt(() =>
        JSON.stringify(speaker.encodeRequest({ ...many, messages: conversation.slice(0, 4), tools: [tool] }, {})),
      )
    })
  }
})

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

type Random = (below: number) => number

/** So many draws from a list, each with dice of its own: the same in every run. */
function* drawn<T>(from: readonly T[], count: number): Generator<readonly [T, Random]> {
  if (from.length === 0) return
  let state = seed >>> 0
  const random: Random = (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  for (let draw = 0; draw < count; draw++) yield [from[draw % from.length] as T, random]
}

const wrong: readonly string[] = [
  'null',
  'true',
  '0',
  '-1',
  '1e300',
  '""',
  '"text"',
  '[]',
  '{}',
  '[null]',
  '[[]]',
  '[{}]',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '"\\ud83d"',
  '"__proto__"',
  '"constructor"',
  '{"type":"tomorrow"}',
]

/** One to three values of it replaced by something else. */
function damaged(value: unknown, random: Random): unknown {
  const copy = structuredClone(value)
  for (let times = 1 + random(3); times > 0; times--) {
    const places: { holder: Record<string, unknown>; name: string }[] = []
    collect(copy, places)
    const place = places[random(places.length)]
    if (!place) return JSON.parse(wrong[random(wrong.length)] as string)
    if (random(6) === 0) delete place.holder[place.name]
    else place.holder[place.name] = JSON.parse(wrong[random(wrong.length)] as string)
  }
  // As it comes over the wire: without holes in lists.
  return JSON.parse(JSON.stringify(copy))
}

function collect(value: unknown, places: { holder: Record<string, unknown>; name: string }[]): void {
  if (typeof value !== 'object' || value === null) return
  const holder = value as Record<string, unknown>
  for (const name of Object.keys(holder)) {
    places.push({ holder, name })
    collect(holder[name], places)
  }
}

/** A frame with a wrong value in it, or with its end missing. */
function damagedText(data: string, random: Random): string {
  if (random(5) === 0) return data.slice(0, random(data.length))
  try {
    return JSON.stringify(damaged(JSON.parse(data), random)) ?? 'null'
  } catch {
    return `${data}}`
  }
}
