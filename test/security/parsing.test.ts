/** Line 17 of the security checklist: whatever a provider sends as a stream, and however it is cut. */
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { GatewayError } from '../../src/core/error.ts'
import { type DialectName, dialects } from '../../src/dialects/index.ts'
import { awsFrames } from '../../src/http/aws-frames.ts'
import { type Frame, type Framing, longestEvent } from '../../src/http/frames.ts'
import { jsonArray } from '../../src/http/json-array.ts'
import { ndjson } from '../../src/http/ndjson.ts'
import { sse } from '../../src/http/sse.ts'

const framings: readonly (readonly [name: string, framing: Framing])[] = [
  ['server-sent events', sse],
  ['lines of JSON', ndjson],
  ['a list of JSON', jsonArray],
  ['frames of AWS', awsFrames],
]

interface Outcome {
  readonly frames: readonly Frame[]
  /** The code of the error with which it ended. Anything else that is thrown is a fault of ours. */
  readonly failure: string | undefined
}

function outcomeOf({ split }: Framing, chunks: Iterable<Uint8Array>): Outcome {
  const step = split()
  const frames: Frame[] = []
  try {
    for (const chunk of chunks) frames.push(...step.next(chunk))
    frames.push(...step.end())
  } catch (thrown) {
    if (!(thrown instanceof GatewayError)) throw thrown
    return { frames, failure: thrown.code }
  }
  return { frames, failure: undefined }
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b)
  // A copy each, as of a socket whose memory is used again.
  return at.slice(1).map((to, index) => Buffer.from(bytes.subarray(at[index], to)))
}

const names = fc.constantFrom(
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'delta',
  'message_start',
  'exception:x',
)
const json = fc
  .letrec((again) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.string({ unit: 'binary' }),
      fc.double(),
      fc.constantFrom(null, true, '\u2028', '"', '\\', '\ud800'),
      fc.array(again('value'), { maxLength: 3 }),
      fc.array(fc.tuple(fc.oneof(names, fc.string()), again('value')), { maxLength: 3 }).map((members) => {
        const object: Record<string, unknown> = {}
        for (const [name, value] of members)
          Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
        return object
      }),
    ),
  }))
  .value.map((value) => JSON.stringify(value))

const written = (framing: Framing, frames: readonly Frame[]): Buffer => {
  const writer = framing.writer?.()
  if (writer) return Buffer.concat([...frames.flatMap((frame) => writer.next(frame)), ...writer.end()])
  return Buffer.concat(frames.map((frame) => framing.write(frame)))
}

interface Change {
  readonly at: number
  readonly remove: number
  readonly insert: Uint8Array
}

const changes = fc.array(
  fc.record<Change>({
    at: fc.nat(),
    remove: fc.nat(3),
    insert: fc.oneof(
      fc.uint8Array({ maxLength: 4 }),
      fc
        .constantFrom('\n', '\r', '\r\n', '\n\n', ':', 'data:', '[', ']', ',', '"', '\\', '\ufeff', '\0')
        .map((text) => Buffer.from(text)),
    ),
  }),
  { maxLength: 4 },
)

const damaged = (bytes: Buffer, all: readonly Change[]): Buffer =>
  all.reduce((whole, { at, remove, insert }) => {
    const place = at % (whole.length + 1)
    return Buffer.concat([whole.subarray(0, place), insert, whole.subarray(place + remove)])
  }, bytes)

/** What every object inherits from. A key of a provider that becomes a path of objects would show here. */
const roots = [Object.prototype, Array.prototype, Function.prototype, String.prototype]
const inherited = roots.map((root) => Reflect.ownKeys(root))

afterEach(() => {
  expect(roots.map((root) => Reflect.ownKeys(root))).toEqual(inherited)
  expect(Object.getPrototypeOf({})).toBe(Object.prototype)
})

describe.each(framings)('checklist 17: %s', (_name, framing) => {
  const frames = fc.array(fc.record<Frame>({ event: names, data: json }), { maxLength: 6 })
  const places = fc.array(fc.nat(), { maxLength: 12 })

  test('come out as they were written, wherever the network cuts them', () => {
    fc.assert(
      fc.property(frames, places, (all, at) => {
        const { frames: read, failure } = outcomeOf(framing, cut(written(framing, all), at))
        expect(failure).toBeUndefined()
        expect(read.map(({ data }) => data)).toEqual(all.map(({ data }) => data))
      }),
      { numRuns: 500 },
    )
  })

  test('that are damaged are read alike wherever they are cut, and never fall over', () => {
    fc.assert(
      fc.property(frames, changes, places, (all, wrong, at) => {
        const bytes = damaged(written(framing, all), wrong)
        expect(outcomeOf(framing, cut(bytes, at))).toEqual(outcomeOf(framing, [bytes]))
      }),
      { numRuns: 2_000 },
    )
  })

  test('that are no such thing are read alike wherever they are cut, and never fall over', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), places, (array, at) => {
        const bytes = Buffer.from(array)
        expect(outcomeOf(framing, cut(bytes, at))).toEqual(outcomeOf(framing, [bytes]))
      }),
      { numRuns: 2_000 },
    )
  })

  // Work that grew with the square of what came would not be over before the test has to be.
  test.each<[what: string, piece: string, times: number]>([
    ['one line without an end', 'a'.repeat(512), 60_000],
    ['one event without an end', `data: ${'a'.repeat(500)}\n`, 60_000],
    ['one event without an end, in single bytes', 'data:', 400_000],
    ['nothing but line ends', '\n', 1_000_000],
    ['nothing but carriage returns', '\r', 1_000_000],
    ['nothing but the beginnings of lists', '[', 2_000_000],
    ['one text without an end', '["\\"', 1_000_000],
    ['one element without an end', `[{"a":"${'b'.repeat(500)}`, 30_000],
    ['many small elements', '[1,{"a":[2]}]', 200_000],
    ['half of a character', '\xe2', 1_000_000],
  ])('end in time with %s', (_what, piece, times) => {
    const step = framing.split()
    const bytes = Buffer.from(piece, 'latin1')
    try {
      for (let count = 0; count < times; count++) step.next(bytes)
      step.end()
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(GatewayError)
    }
  })

  test('of which one does not end are given up before they fill the memory', () => {
    const step = framing.split()
    const piece = Buffer.alloc(1 << 20, 'a')
    let fed = 0
    const feed = (): void => {
      for (step.next(Buffer.from('data: ["')); fed < 2 * longestEvent; fed += piece.length) step.next(piece)
    }
    expect(feed).toThrow(GatewayError)
    expect(fed).toBeLessThanOrEqual(longestEvent)
    expect(() => step.end()).not.toThrow(TypeError)
  })
})

/** What events call themselves, in one dialect or another. */
const types = [
  'message_start',
  'content_block_start',
  'content_block_delta',
  'content_block_stop',
  'message_delta',
  'message_stop',
  'error',
  'response.created',
  'response.output_item.added',
  'response.output_item.done',
  'response.output_text.delta',
  'response.function_call_arguments.delta',
  'response.completed',
  'messageStart',
  'contentBlockStart',
  'contentBlockDelta',
  'messageStop',
  'metadata',
  'chunk',
  '__proto__',
  'constructor',
  'toString',
]

describe.each(Object.keys(dialects) as DialectName[])('checklist 17: a stream of %s', (name) => {
  const dialect = dialects[name]
  const events = fc.constantFrom(...types)
  const parts = fc.constantFrom(
    'type',
    'delta',
    'choices',
    'content',
    'candidates',
    'parts',
    'item',
    'index',
    'usage',
    'error',
  )

  test('with whatever inside is an answer or a typed error, and changes nothing that objects share', () => {
    const member = fc.tuple(
      fc.oneof(names, parts),
      fc.oneof(
        json,
        events.map((event) => JSON.stringify(event)),
      ),
    )
    const data = fc
      .tuple(events, fc.array(member, { maxLength: 6 }))
      .map(
        ([type, members]) =>
          `{"type":${JSON.stringify(type)}${members.map(([key, value]) => `,${JSON.stringify(key)}:${value}`).join('')}}`,
      )
    fc.assert(
      fc.property(fc.array(fc.record({ event: events, data: fc.oneof(data, json) }), { maxLength: 5 }), (all) => {
        const step = dialect.decodeStream()
        try {
          for (const frame of all) step.next(frame)
          step.end()
        } catch (thrown) {
          if (!(thrown instanceof GatewayError)) throw thrown
        }
      }),
      { numRuns: 500 },
    )
  })
})
