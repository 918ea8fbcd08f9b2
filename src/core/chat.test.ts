import { expect, test } from 'vitest'
import { assemble, type ChatEvent } from './chat.ts'

test('the pieces of a stream become the answer that would have come whole', () => {
  expect(
    assemble([
      { kind: 'start', id: 'chat-1', model: 'some' },
      { kind: 'reasoning', choice: 0, text: 'Hm' },
      { kind: 'text', choice: 0, text: 'Hel' },
      { kind: 'reasoning', choice: 0, text: 'm.' },
      { kind: 'text', choice: 0, text: 'lo' },
      { kind: 'tool-call', choice: 0, call: 0, id: 'call_1', name: 'weather', arguments: '{"ci' },
      { kind: 'tool-call', choice: 0, call: 0, arguments: 'ty":1}' },
      { kind: 'finish', choice: 0, reason: 'tool_calls' },
      { kind: 'usage', usage: { inputUncached: 3, outputText: 2 } },
    ]),
  ).toEqual({
    id: 'chat-1',
    model: 'some',
    choices: [
      {
        message: {
          role: 'assistant',
          parts: [
            { kind: 'reasoning', text: 'Hmm.' },
            { kind: 'text', text: 'Hello' },
            { kind: 'tool-call', id: 'call_1', name: 'weather', arguments: '{"city":1}' },
          ],
        },
        finish: 'tool_calls',
      },
    ],
    usage: { inputUncached: 3, outputText: 2 },
  })
})

test('choices and calls that come mixed are put in order', () => {
  const { choices } = assemble([
    { kind: 'text', choice: 2, text: 'c' },
    { kind: 'tool-call', choice: 0, call: 1, id: 'b', name: 'second', arguments: '' },
    { kind: 'text', choice: 1, text: 'b' },
    { kind: 'tool-call', choice: 0, call: 0, id: 'a', name: 'first', arguments: '{}' },
    { kind: 'finish', choice: 1, reason: 'stop' },
  ])
  expect(
    choices.map(({ message, finish }) => [
      message.parts.map((part) => ('name' in part ? part.name : part.kind)),
      finish,
    ]),
  ).toEqual([
    [['first', 'second'], undefined],
    [['text'], 'stop'],
    [['text'], undefined],
  ])
})

test('the first name and the last count are the ones that hold', () => {
  const events: readonly ChatEvent[] = [
    { kind: 'start', id: 'one', model: 'first' },
    { kind: 'start', id: 'two', model: 'second' },
    { kind: 'usage', usage: { outputText: 1 } },
    { kind: 'usage', usage: { outputText: 9 } },
    { kind: 'tool-call', choice: 0, call: 0, id: '', name: 'late', arguments: '' },
    { kind: 'tool-call', choice: 0, call: 0, id: 'id', name: 'later', arguments: '' },
  ]
  expect(assemble(events)).toMatchObject({
    id: 'one',
    model: 'first',
    usage: { outputText: 9 },
    choices: [{ message: { parts: [{ id: 'id', name: 'late' }] } }],
  })
})

test('a stream that says nothing is an answer without choices', () => {
  expect(assemble([])).toEqual({ choices: [] })
})
