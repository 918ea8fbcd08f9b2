import { expect, test } from 'vitest'
import type { ChatAnswer, ChatEvent } from './chat.ts'
import { assemble, disassemble } from './chat-events.ts'

test('the pieces of a stream become the answer that would have come whole', () => {
  const citation = { url: 'https://example.test/', dialect: 'some', value: {} }
  expect(
    assemble([
      { kind: 'start', id: 'chat-1', model: 'some' },
      { kind: 'begin', choice: 0, part: 0, value: { kind: 'reasoning', text: 'Hm' } },
      { kind: 'begin', choice: 0, part: 1, value: { kind: 'text', text: 'Hel' } },
      { kind: 'grow', choice: 0, part: 0, text: 'm.' },
      { kind: 'grow', choice: 0, part: 1, text: 'lo' },
      { kind: 'amend', choice: 0, part: 1, with: { citation } },
      { kind: 'amend', choice: 0, part: 0, with: { seal: { by: 'some', value: 'sealed' } } },
      {
        kind: 'begin',
        choice: 0,
        part: 2,
        value: { kind: 'tool-call', id: 'call_1', name: 'weather', arguments: '{"ci' },
      },
      { kind: 'grow', choice: 0, part: 2, text: 'ty":1}' },
      { kind: 'finish', choice: 0, finish: { reason: 'tool_calls', native: 'tool_use' } },
      { kind: 'usage', usage: { inputUncached: 3, outputText: 2 }, reported: { in: 3, out: 2 } },
    ]),
  ).toEqual({
    id: 'chat-1',
    model: 'some',
    choices: [
      {
        message: {
          role: 'assistant',
          parts: [
            { kind: 'reasoning', text: 'Hmm.', seal: { by: 'some', value: 'sealed' } },
            { kind: 'text', text: 'Hello', citations: [citation] },
            { kind: 'tool-call', id: 'call_1', name: 'weather', arguments: '{"city":1}' },
          ],
        },
        finish: { reason: 'tool_calls', native: 'tool_use' },
      },
    ],
    usage: { inputUncached: 3, outputText: 2 },
    usageReported: { in: 3, out: 2 },
  })
})

test('choices and parts that come mixed are put in order', () => {
  const { choices } = assemble([
    { kind: 'begin', choice: 2, part: 0, value: { kind: 'text', text: 'c' } },
    { kind: 'begin', choice: 0, part: 1, value: { kind: 'tool-call', id: 'b', name: 'second', arguments: '' } },
    { kind: 'begin', choice: 1, part: 0, value: { kind: 'text', text: 'b' } },
    { kind: 'begin', choice: 0, part: 0, value: { kind: 'tool-call', id: 'a', name: 'first', arguments: '{}' } },
    { kind: 'finish', choice: 1, finish: { reason: 'stop' } },
  ])
  expect(
    choices.map(({ message, finish }) => [
      message.parts.map((part) => ('name' in part ? part.name : part.kind)),
      finish?.reason,
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
  ]
  expect(assemble(events)).toMatchObject({ id: 'one', model: 'first', usage: { outputText: 9 } })
})

test('a stream that says nothing is an answer without choices', () => {
  expect(assemble([])).toEqual({ choices: [] })
})

test('an answer that is taken apart is the same when it is put together', () => {
  const answer: ChatAnswer = {
    id: 'chat-1',
    model: 'some',
    createdS: 1,
    choices: [
      {
        message: {
          role: 'assistant',
          parts: [
            { kind: 'text', text: 'Hello' },
            { kind: 'tool-call', id: 'a', name: 'first', arguments: '{}' },
          ],
        },
        logprobs: [{ token: 'Hello', logprob: -0.1 }],
        finish: { reason: 'tool_calls' },
        extra: { dialect: 'some', fields: { known: true } },
      },
    ],
    usage: { inputUncached: 3, outputText: 2 },
    usageReported: { in: 3, out: 2 },
    extra: { dialect: 'some', fields: { tier: 'x' } },
  }
  expect(assemble(disassemble(answer))).toEqual(answer)
})
