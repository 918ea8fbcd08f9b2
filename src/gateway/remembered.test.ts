import { expect, test } from 'vitest'
import type { ChatAnswer, ChatRequest, Part } from '../core/chat.ts'
import { Remembered } from './remembered.ts'

const thought: Part = { kind: 'reasoning', text: 'Let me look.', seal: { by: 'anthropic', value: 'sealed' } }
const call = (id: string): Part => ({ kind: 'tool-call', id, name: 'weather', arguments: '{}' })

const answer = (...parts: readonly Part[]): ChatAnswer => ({ choices: [{ message: { role: 'assistant', parts } }] })

const request = (...parts: readonly Part[]): ChatRequest => ({
  model: 'some',
  stream: false,
  messages: [
    { role: 'user', parts: [{ kind: 'text', text: 'Hello' }] },
    { role: 'assistant', parts },
  ],
  tools: [],
  settings: {},
})

const partsOf = ({ messages }: ChatRequest): readonly Part[] => messages[1]?.parts ?? []

test('a client that keeps only the calls gets its thoughts back before them', () => {
  const remembered = new Remembered()
  remembered.keep('one', answer(thought, { kind: 'text', text: 'Wait.' }, call('a'), call('b')))
  const restored = remembered.restored('one', request({ kind: 'text', text: 'Wait.' }, call('a'), call('b')))
  expect(partsOf(restored)).toEqual([thought, { kind: 'text', text: 'Wait.' }, call('a'), call('b')])
})

test('thoughts that came back without their seal give way to those with it', () => {
  const remembered = new Remembered()
  remembered.keep('one', answer(thought, call('a')))
  const restored = remembered.restored('one', request({ kind: 'reasoning', text: 'Let me look.' }, call('a')))
  expect(partsOf(restored)).toEqual([thought, call('a')])
})

test('of thoughts that came back in part, all are put where they were', () => {
  const second: Part = { kind: 'reasoning', text: '', redacted: true, seal: { by: 'anthropic', value: 'hidden' } }
  const third: Part = { kind: 'reasoning', text: 'And now?', seal: { by: 'anthropic', value: 'third' } }
  const remembered = new Remembered()
  remembered.keep('one', answer(thought, second, call('a'), third, call('b')))
  const restored = remembered.restored('one', request(second, call('a'), call('b')))
  expect(partsOf(restored)).toEqual([thought, second, call('a'), third, call('b')])
})

test('what came back whole stays as it is', () => {
  const remembered = new Remembered()
  remembered.keep('one', answer(thought, call('a')))
  const asked = request(thought, call('a'))
  expect(partsOf(remembered.restored('one', asked))).toEqual([thought, call('a')])
})

test('the seal of a call comes back to it', () => {
  const seal = { by: 'gemini', value: 'signature' }
  const remembered = new Remembered()
  remembered.keep('one', answer({ ...call('a'), seal } as Part, call('b')))
  expect(partsOf(remembered.restored('one', request(call('a'), call('b'))))).toEqual([
    { ...call('a'), seal },
    call('b'),
  ])
})

test('an id that a host uses again is another call', () => {
  const remembered = new Remembered()
  remembered.keep('one', answer(thought, call('call_0')))
  const other: Part = { kind: 'tool-call', id: 'call_0', name: 'weather', arguments: '{"city":"Paris"}' }
  const asked = request(other)
  expect(remembered.restored('one', asked)).toBe(asked)
})

test('arguments may come back written in another way', () => {
  const written = { kind: 'tool-call', id: 'a', name: 'weather' } as const
  const remembered = new Remembered()
  remembered.keep('one', answer(thought, { ...written, arguments: '{"a":1, "b":2}' }))
  const back: Part = { ...written, arguments: '{"b":2,"a":1}' }
  expect(partsOf(remembered.restored('one', request(back)))).toEqual([thought, back])
})

test('no project sees what another one has', () => {
  const remembered = new Remembered()
  remembered.keep('one', answer(thought, call('a')))
  const asked = request(call('a'))
  expect(remembered.restored('two', asked)).toBe(asked)
})

test('the oldest are forgotten when there is too much', () => {
  const remembered = new Remembered(200)
  for (const id of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']) remembered.keep('one', answer(thought, call(id)))
  expect(partsOf(remembered.restored('one', request(call('a'))))).toEqual([call('a')])
  expect(partsOf(remembered.restored('one', request(call('j'))))).toEqual([thought, call('j')])
})
