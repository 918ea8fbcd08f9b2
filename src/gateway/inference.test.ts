import { expect, test } from 'vitest'
import { anybody } from '../core/access.ts'
import type { Config } from '../core/config.ts'
import { openaiChat } from '../dialects/openai-chat/openai-chat.ts'
import type { Exchange } from '../http/exchange.ts'
import { chatDoor, type InferenceDeps, type Prepared } from './inference.ts'
import { stateOf } from './state.ts'

test('nobody is asked for a client that has left while its request was made ready', async () => {
  let leave = (): void => undefined
  const exchange = {
    method: 'POST',
    path: '/v1/chat/completions',
    query: '',
    headers: {},
    remoteAddress: '127.0.0.1',
    caller: anybody,
    arrivedUs: 0,
    replyHeaders: {},
    body: () => Promise.resolve(Buffer.from('{"model":"m","messages":[]}')),
    onGone(listener: () => void) {
      leave = listener
    },
    onDone: () => undefined,
  } satisfies Exchange
  const nothing = (): void => undefined
  const config = { limits: { jsonDepth: 10, jsonValues: 10 }, timeouts: {}, cancel: {}, providers: {}, models: {} }
  const state = stateOf(config as unknown as Config)
  const deps = {
    state: () => state,
    trace: () => ({ end: nothing, received: nothing, asked: nothing, streams: nothing }),
    newTraceId: () => '0'.repeat(32),
  } as unknown as InferenceDeps
  const ready = Promise.withResolvers<Prepared>()
  const door = chatDoor(
    { path: exchange.path, dialect: openaiChat, vendor: 'nobody', prepare: () => ready.promise },
    deps,
  )
  const reply = Promise.resolve(door.handle(exchange))
  await new Promise(setImmediate)
  leave()
  ready.resolve({ body: Buffer.alloc(0), facts: undefined as never })
  await expect(reply).rejects.toMatchObject({ code: 'cancelled' })
})
