import { expect, test } from 'vitest'
import { GatewayError } from '../core/error.ts'
import { askOnce, type Send } from './ask-once.ts'

const request = {
  origin: 'http://any',
  path: '/',
  method: 'GET',
  headers: {},
  body: Buffer.alloc(0),
  connectMs: 1,
  mayBePrivate: false,
} as const

/** Answers as the test says, and hears whether the call was given up. */
function answering(answer: (listener: Parameters<Send>[1]) => void) {
  const heard = { aborted: 0 }
  const send: Send = (_request, listener) => {
    answer(listener)
    return { pause: () => undefined, resume: () => undefined, abort: () => heard.aborted++ }
  }
  return { send, heard }
}

test('an answer comes whole', async () => {
  const { send } = answering((listener) =>
    setImmediate(() => {
      listener.connected()
      listener.head(200, { a: 'b' })
      listener.data(Buffer.from('on'))
      listener.data(Buffer.from('e'))
      listener.end()
    }),
  )
  expect(await askOnce(send, request, 1_000)).toEqual({ status: 200, headers: { a: 'b' }, body: Buffer.from('one') })
})

test('an answer that does not come is given up', async () => {
  const { send, heard } = answering(() => undefined)
  await expect(askOnce(send, request, 5)).rejects.toMatchObject({ code: 'timeout_total' })
  expect(heard.aborted).toBe(1)
})

test('an answer without end is given up', async () => {
  const megabyte = Buffer.alloc(1 << 20)
  const { send, heard } = answering((listener) =>
    setImmediate(() => {
      listener.head(200, {})
      for (let count = 0; count < 20; count++) listener.data(megabyte)
      listener.end()
    }),
  )
  await expect(askOnce(send, request, 1_000)).rejects.toMatchObject({ code: 'upstream_invalid' })
  expect(heard.aborted).toBe(1)
})

test('what is refused at once is refused', async () => {
  const { send } = answering((listener) => listener.fail(new GatewayError('egress_refused', 'No.')))
  await expect(askOnce(send, request, 1_000)).rejects.toMatchObject({ code: 'egress_refused' })
})
