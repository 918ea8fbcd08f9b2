import { expect, test } from 'vitest'
import type { GatewayError } from '../core/error.ts'
import type { Sink, Source } from '../core/source.ts'
import { anthropicMessages } from '../dialects/anthropic-messages/anthropic-messages.ts'
import type { Dialect } from '../dialects/dialect.ts'
import { openaiChat } from '../dialects/openai-chat/openai-chat.ts'
import { Translation } from './translation.ts'

const cause = new TypeError('We have made a mistake.')
const broken = (): never => {
  throw cause
}

function translationTo(to: Dialect, goesStreamed: boolean) {
  const stopped: GatewayError[] = []
  const failed: GatewayError[] = []
  let written = ''
  const translation = new Translation({
    from: openaiChat,
    to,
    framing: to.framing,
    comesStreamed: true,
    goesStreamed,
    context: {
      request: { model: 'm', stream: goesStreamed, messages: [], tools: [], settings: {} },
      createdS: 1,
      newId: () => 'id',
    },
    toolNames: new Map(),
    seals: undefined,
    stop: (error) => void stopped.push(error),
    onAnswer: () => undefined,
  })
  const nowhere: Source = { to: () => undefined, resume: () => undefined, cancel: () => undefined }
  const sink: Sink = {
    write(chunk) {
      written += chunk.toString()
      return true
    },
    end() {
      written += '<end>'
    },
    fail: (error) => void failed.push(error),
  }
  translation.of(nowhere).to(sink)
  const chunk = Buffer.from('data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\n')
  return {
    failed,
    stopped,
    give() {
      translation.watch.next(chunk)
      translation.write(chunk)
    },
    end() {
      translation.watch.end()
      translation.end()
    },
    get written() {
      return written
    },
  }
}

test('an encoder that throws in the middle ends the answer with an error that keeps what was thrown', () => {
  const stage = translationTo({ ...anthropicMessages, encodeStream: () => ({ next: broken, end: () => [] }) }, true)
  stage.give()
  stage.end()
  expect(stage.failed).toMatchObject([{ code: 'internal', message: 'Internal error.', details: { cause } }])
  expect(stage.stopped).toEqual(stage.failed)
  expect(stage.written).toBe('')
})

test('so does one that throws at the end', () => {
  const stage = translationTo(
    { ...anthropicMessages, encodeStream: () => ({ next: () => [{ data: '1' }], end: broken }) },
    true,
  )
  stage.give()
  stage.end()
  expect(stage.failed).toMatchObject([{ code: 'internal', details: { cause } }])
  expect(stage.written).not.toContain('<end>')
})

test('and one that throws at a whole answer', () => {
  const stage = translationTo({ ...anthropicMessages, encodeAnswer: broken }, false)
  stage.give()
  stage.end()
  expect(stage.failed).toMatchObject([{ code: 'internal', details: { cause } }])
  expect(stage.written).toBe('')
})
