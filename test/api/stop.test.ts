import { expect, test } from 'vitest'
import { inThreads } from '../../src/threads/supervisor.ts'
import { startTest } from '../support/trunkline.ts'

const hanging = {
  model: 'mock/hang-stream',
  stream: true,
  messages: [{ role: 'user', content: 'Hello there, friend' }],
}

const call = (url: string, body: object): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

test('a call that a stop cuts off is recorded all the same', async () => {
  await using trunkline = await startTest()
  const response = await call(trunkline.url, hanging)
  const reader = response.body?.getReader()
  await reader?.read()
  await trunkline.trunkline.stop(50)
  await expect(
    reader?.read().then(async function rest(): Promise<void> {
      await reader?.read().then(rest)
    }),
  ).rejects.toThrow()
  const { traces } = await trunkline.ask('listTraces', { project: 'default', filter: {}, page: { limit: 5 } })
  expect(traces).toMatchObject([{ model: 'mock/hang-stream', status: 'cancelled' }])
})

test('a stop lets a running call end, and takes no other', async () => {
  await using trunkline = await startTest()
  const running = call(trunkline.url, { ...hanging, model: 'mock/echo', mock: { chunk_ms: 20, chunk_words: 1 } })
  const response = await running
  const stopped = trunkline.trunkline.stop(5_000)
  expect(await response.text()).toContain('data: [DONE]')
  await stopped
  await expect(call(trunkline.url, hanging)).rejects.toThrow()
  const { traces } = await trunkline.ask('listTraces', { project: 'default', filter: {}, page: { limit: 5 } })
  expect(traces).toMatchObject([{ model: 'mock/echo', status: 'ok' }])
})

test('a call in the first moment of a server that is stopped in the next is recorded', async () => {
  await using trunkline = await startTest({ spawn: inThreads })
  const response = await call(trunkline.url, { ...hanging, model: 'mock/echo' })
  await response.text()
  await trunkline.trunkline.stop(5_000)
  const { traces } = await trunkline.ask('listTraces', { project: 'default', filter: {}, page: { limit: 5 } })
  expect(traces).toMatchObject([{ model: 'mock/echo', status: 'ok' }])
})
