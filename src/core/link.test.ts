import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Message, Port } from './border.ts'
import { GatewayError } from './error.ts'
import { type LinkHandlers, link } from './link.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** One end for the link, and the other for the test to say what a part would. */
function openLink(handlers: LinkHandlers = {}) {
  const said: Message[] = []
  let hear: (message: Message) => void = () => undefined
  const port: Port = {
    postMessage: (message) => void said.push(message),
    on: (_event, listener) => {
      hear = listener
    },
    close: () => undefined,
  }
  return { near: link(port, handlers), said, hear: (message: Message) => hear(message) }
}

/** How a promise stands, without waiting for it. */
async function stateOf(promise: Promise<unknown>): Promise<unknown> {
  const pending = Symbol('pending')
  const found = await Promise.race([promise.catch((thrown: unknown) => thrown), Promise.resolve(pending)])
  return found === pending ? 'pending' : found
}

test('a question that nobody answers is overdue at its deadline and not before', async () => {
  const { near } = openLink()
  const asked = near.ask('anyone', undefined, 100)
  asked.catch(() => undefined)
  await vi.advanceTimersByTimeAsync(99)
  expect(await stateOf(asked)).toBe('pending')
  await vi.advanceTimersByTimeAsync(1)
  await expect(asked).rejects.toMatchObject({ code: 'overdue', message: 'anyone was not answered within 100 ms.' })
})

test('a deadline concerns only who asked', async () => {
  const { near, hear } = openLink()
  const first = near.ask('slow', undefined, 100)
  const second = near.ask('quick', undefined, 1_000)
  first.catch(() => undefined)
  await vi.advanceTimersByTimeAsync(100)
  await expect(first).rejects.toMatchObject({ code: 'overdue' })
  hear({ kind: 'reply', id: 1, answer: 'here' })
  expect(await second).toBe('here')
})

test('a reply that comes too late is ignored, and so is one that nobody waits for', async () => {
  const { near, hear } = openLink()
  const late = near.ask('late', undefined, 100)
  late.catch(() => undefined)
  await vi.advanceTimersByTimeAsync(100)
  hear({ kind: 'reply', id: 0, answer: 'late' })
  hear({ kind: 'reply', id: 77, failure: { code: 'internal', message: 'What?' } })
  await expect(late).rejects.toMatchObject({ code: 'overdue' })
  expect(vi.getTimerCount()).toBe(0)
})

test('replies find their questions in any order, and leave no timer behind', async () => {
  const { near, hear } = openLink()
  const both = [near.ask('a', undefined, 100), near.ask('b', undefined, 100)]
  hear({ kind: 'reply', id: 1, answer: 'b' })
  hear({ kind: 'reply', id: 0, answer: 'a' })
  expect(await Promise.all(both)).toEqual(['a', 'b'])
  expect(vi.getTimerCount()).toBe(0)
})

test('a failure is told to who asked, in its own words', async () => {
  const { near, hear } = openLink()
  const asked = near.ask('query', undefined, 100)
  hear({ kind: 'reply', id: 0, failure: { code: 'internal', message: 'The disk is full.' } })
  await expect(asked).rejects.toThrow('The disk is full.')
})

test('who answers, answers with a value, a promise, or what went wrong', async () => {
  const { said, hear } = openLink({
    answers: {
      plain: ({ count }: { count: number }) => count + 1,
      later: async () => 'later',
      refused: () => {
        throw new GatewayError('not_found', 'There is none.')
      },
      broken: () => Promise.reject(new Error('Broken.')),
    },
  })
  const questions = ['plain', 'later', 'refused', 'broken', 'unknown']
  for (const [id, question] of questions.entries()) hear({ kind: 'ask', id, question, detail: { count: 1 } })
  await vi.waitFor(() => expect(said).toHaveLength(questions.length))
  expect(said.toSorted((a, b) => (a as { id: number }).id - (b as { id: number }).id)).toEqual([
    { kind: 'reply', id: 0, answer: 2 },
    { kind: 'reply', id: 1, answer: 'later' },
    { kind: 'reply', id: 2, failure: { code: 'not_found', message: 'There is none.' } },
    { kind: 'reply', id: 3, failure: { code: 'internal', message: 'Broken.' } },
    { kind: 'reply', id: 4, failure: { code: 'internal', message: 'Nobody here answers unknown.' } },
  ])
})

test('an answer that cannot cross the border becomes a failure, not a silence', async () => {
  const said: Message[] = []
  let hear: (message: Message) => void = () => undefined
  const port: Port = {
    postMessage: (message) => void said.push(structuredClone(message)),
    on: (_event, listener) => {
      hear = listener
    },
    close: () => undefined,
  }
  link(port, { answers: { odd: () => () => 'a function' } })
  hear({ kind: 'ask', id: 0, question: 'odd', detail: undefined })
  await vi.waitFor(() => expect(said).toMatchObject([{ kind: 'reply', id: 0, failure: { code: 'internal' } }]))
})

test('each kind of message finds its handler, and is passed over where there is none', () => {
  const heard: string[] = []
  const note = ({ kind }: Message): void => void heard.push(kind)
  const messages: readonly Message[] = [
    { kind: 'snapshot', part: 'projects', version: 0, value: [] },
    { kind: 'command', command: 'stop' },
    { kind: 'records', slab: new ArrayBuffer(0), used: 0 },
  ]
  const { hear } = openLink({ snapshot: note, command: note, records: note })
  for (const message of messages) hear(message)
  expect(heard).toEqual(['snapshot', 'command', 'records'])
  const deaf = openLink()
  for (const message of messages) deaf.hear(message)
})
