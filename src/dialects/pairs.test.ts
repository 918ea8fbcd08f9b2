import { expect, test } from 'vitest'
import type { Message, Part } from '../core/chat.ts'
import { pairedMessages } from './pairs.ts'

const text = (words: string): Part => ({ kind: 'text', text: words })
const call = (id: string, name = 'f'): Part => ({ kind: 'tool-call', id, name, arguments: '{}' })
const result = (callId: string, words: string, name?: string): Part => ({
  kind: 'tool-result',
  callId,
  ...(name !== undefined && { name }),
  parts: [text(words)],
})
const user = (...parts: Part[]): Message => ({ role: 'user', parts })
const said = (...parts: Part[]): Message => ({ role: 'assistant', parts })
const told = (...parts: Part[]): Message => ({ role: 'tool', parts })

const paired = (...messages: Message[]) => pairedMessages(messages).map(({ message }) => message)

test('a conversation in order stays as it is', () => {
  const messages = [
    user(text('a')),
    said(call('1'), call('2')),
    told(result('1', 'x'), result('2', 'y')),
    said(text('b')),
  ]
  expect(paired(...messages)).toEqual(messages)
})

test('results come directly after their calls, and what stood between comes after them', () => {
  expect(paired(said(call('1')), user(text('wait')), told(result('1', 'x')))).toEqual([
    said(call('1')),
    told(result('1', 'x')),
    user(text('wait')),
  ])
})

test('what the assistant says beside its calls is one turn with them', () => {
  expect(paired(said(call('1')), said(text('I look.')), told(result('1', 'x')))).toEqual([
    said(call('1'), text('I look.')),
    told(result('1', 'x')),
  ])
})

test('a call without a result has one that says so, and a result without its call is told by the user', () => {
  const [asked, missing, lost, next] = paired(said(call('1')), told(result('9', 'old', 'g')), user(text('b')))
  expect(asked).toEqual(said(call('1')))
  expect(missing).toMatchObject({ role: 'tool', parts: [{ callId: '1', parts: [{ kind: 'text' }] }] })
  expect(lost).toEqual(user(text('Result of an earlier call of g:'), text('old')))
  expect(next).toEqual(user(text('b')))
})

test('ids that come again or are missing are the same for a call and its result, and no other', () => {
  const messages = paired(
    said(call('1'), call('1'), call('', 'g')),
    told(result('1', 'a'), result('', 'c', 'g'), result('1', 'b')),
    said(call('1')),
    told(result('1', 'd')),
  )
  const ids = (role: string) =>
    messages
      .filter((one) => one.role === role)
      .flatMap(({ parts }) => parts.map((part) => ('callId' in part ? part.callId : 'id' in part ? part.id : '')))
  const [first, again, unnamed, later] = ids('assistant')
  expect(new Set([first, again, unnamed, later, '']).size).toBe(5)
  expect(ids('tool')).toEqual([first, unnamed, again, later])
})

test('messages keep their places, by which what is lost of them is named', () => {
  const all = pairedMessages([said(call('1')), user(text('wait')), told(result('1', 'x'))])
  expect(all.map(({ index }) => index)).toEqual([0, 2, 1])
})
