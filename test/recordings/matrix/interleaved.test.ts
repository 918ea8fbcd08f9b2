/**
 * Events in any order that a provider may send them: calls that grow in turns and while text goes on, parts that never
 * end, usage early, late, or never. Through every door a client reads the same, and the rules of its stream are kept.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ChatEvent, ChatRequest, Part } from '../../../src/core/chat.ts'
import { assemble } from '../../../src/core/chat-events.ts'
import { runStep } from '../../../src/core/steps.ts'
import { dialectOf, doorNames, doors, serverSent } from './formats.ts'
import { grammarFaults } from './grammar.ts'
import { meaning, obj } from './oracle/tree.ts'
import { differences } from './same.ts'
import { contextOf } from './translate.ts'

const seed = Number(process.env.TRUNKLINE_TEST_SEED ?? 20_261_123)

interface Planned {
  readonly kind: 'text' | 'reasoning' | 'tool-call'
  /** Its beginning comes with its `begin`, which may be the whole of it. */
  readonly pieces: readonly string[]
  readonly startsEmpty: boolean
  readonly ends: boolean
}

const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 })
const planned: fc.Arbitrary<Planned> = fc.record({
  kind: fc.constantFrom('text', 'reasoning', 'tool-call'),
  pieces: fc.array(word, { minLength: 1, maxLength: 5 }),
  startsEmpty: fc.boolean(),
  ends: fc.boolean(),
})

const plans = fc.record({
  parts: fc.array(planned, { minLength: 1, maxLength: 6 }),
  order: fc.infiniteStream(fc.nat()),
  usage: fc.constantFrom('first', 'early', 'late', 'never'),
  finish: fc.constantFrom('stop', 'length', 'content_filter'),
})

/** The events of each part in their own order, and those of calls mixed with all that comes after them. */
function eventsOf(parts: readonly Planned[], random: () => number): ChatEvent[] {
  const events: ChatEvent[] = []
  const open: ChatEvent[][] = []
  const turn = () => {
    const [mine] = open.splice(random() % open.length, 1)
    const event = mine?.shift()
    if (event) events.push(event)
    if (mine && mine.length > 0) open.push(mine)
  }
  for (const [part, plan] of parts.entries()) {
    const [begin, ...rest] = partEvents(plan, part)
    events.push(begin as ChatEvent)
    if (plan.kind === 'tool-call') {
      if (rest.length > 0) open.push(rest)
      for (let turns = random() % 4; turns > 0 && open.length > 0; turns--) turn()
    } else {
      // What is said goes on piece by piece, with more of the calls between.
      for (const event of rest) {
        if (open.length > 0 && random() % 2 === 0) turn()
        events.push(event)
      }
    }
  }
  while (open.length > 0) turn()
  return events
}

function partEvents({ kind, pieces, startsEmpty, ends }: Planned, part: number): ChatEvent[] {
  const texts = kind === 'tool-call' ? argumentPieces(pieces) : pieces
  const [first = '', ...more] = startsEmpty ? ['', ...texts] : texts
  return [
    { kind: 'begin', choice: 0, part, value: partOf(kind, part, first) },
    ...more.map((text): ChatEvent => ({ kind: 'grow', choice: 0, part, text })),
    ...(ends ? [{ kind: 'end', choice: 0, part } as const] : []),
  ]
}

/** Arguments are JSON only when all pieces are there. */
const argumentPieces = (pieces: readonly string[]): readonly string[] => {
  const json = JSON.stringify({ words: pieces })
  const size = Math.ceil(json.length / pieces.length)
  return pieces.map((_, place) => json.slice(place * size, (place + 1) * size))
}

const partOf = (kind: Planned['kind'], part: number, text: string): Part =>
  kind === 'tool-call' ? { kind, id: `call_${part}`, name: `tool_${part}`, arguments: text } : { kind, text }

const request: ChatRequest = {
  model: 'a-model',
  stream: true,
  messages: [],
  tools: [],
  settings: { includeUsage: true },
}

describe('events in any order', () => {
  for (const door of doorNames) {
    test(`through ${door}`, { timeout: 30_000 }, () => {
      fc.assert(
        fc.property(plans, ({ parts, order, usage, finish }) => {
          const numbers = order[Symbol.iterator]()
          const said = eventsOf(parts, () => numbers.next().value as number)
          const hasCalls = parts.some(({ kind }) => kind === 'tool-call')
          const reason = hasCalls && finish === 'stop' ? 'tool_calls' : finish
          const counts: ChatEvent = { kind: 'usage', usage: { inputUncached: 10, cacheRead: 3, outputText: 7 } }
          const events: ChatEvent[] = [
            { kind: 'start', id: 'an-answer', model: 'a-model' },
            ...(usage === 'first' ? [counts] : []),
            ...said,
            ...(usage === 'early' ? [counts] : []),
            { kind: 'finish', choice: 0, finish: { reason } },
            ...(usage === 'late' ? [counts] : []),
          ]
          const target = dialectOf(door)
          const frames = runStep(target.encodeStream(contextOf(request)), events)
          const text = Buffer.concat(frames.map((frame) => target.framing.write(frame))).toString('utf8')
          const wire = serverSent(text)
          const streamed = doors[door].said(doors[door].fold(wire))
          const whole = doors[door].said(obj(target.encodeAnswer(assemble(events), contextOf(request))))
          const [choice] = streamed.choices
          const joined = (kind: Planned['kind']) =>
            parts
              .filter((part) => part.kind === kind)
              .flatMap(({ pieces }) => pieces)
              .join('')
          expect([
            ...grammarFaults(door, wire, text),
            ...differences(
              {
                text: choice?.text,
                reasoning: choice?.reasoning,
                calls: choice?.calls.map(({ name, args }) => ({ name, args: meaning(args) })),
                finish: choice?.finish,
                usage: streamed.usage?.output ?? 0,
              },
              {
                text: joined('text'),
                reasoning: joined('reasoning'),
                calls: parts.flatMap(({ kind, pieces }, part) =>
                  kind === 'tool-call' ? [{ name: `tool_${part}`, args: { words: pieces } }] : [],
                ),
                finish: reason,
                usage: usage === 'never' ? 0 : 7,
              },
            ),
            ...differences(plainOf(whole.choices[0]), plainOf(choice), 'whole'),
          ]).toEqual([])
        }),
        { seed, numRuns: 400 },
      )
    })
  }
})

const plainOf = (choice: unknown): unknown => {
  const { calls, ...rest } = obj(choice)
  return {
    ...rest,
    calls: (calls as { name: string; args: unknown }[]).map(({ name, args }) => ({ name, args: meaning(args) })),
  }
}
