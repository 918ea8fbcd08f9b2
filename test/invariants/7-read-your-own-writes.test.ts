import { describe, expect, test } from 'vitest'
import { askChat, bothWays, conversationOf } from '../support/calls.ts'
import { startTest } from '../support/trunkline.ts'

describe.each(bothWays)('%s', (_name, spawn) => {
  test.each([
    ['the usual interval', {}],
    ['an interval of a minute', { 'recording.flush_interval_ms': '60000' }],
  ])('who has just made a call finds it at once, with %s between two flushes', async (_title, settings) => {
    await using trunkline = await startTest({ spawn, settings })
    for (let index = 0; index < 50; index++) {
      const content = `Call ${index}, ${'ü'.repeat(index)}`
      const { traceId } = await askChat(trunkline.url, content, index % 2 === 0 ? {} : { stream: true })
      const shown = await trunkline.trace(traceId)
      expect(shown.spans.map(({ kind, status }) => [kind, status])).toEqual([
        ['call', 'ok'],
        ['attempt', 'ok'],
      ])
      expect(conversationOf(shown)).toMatchObject({
        messages: [{ role: 'user', parts: [{ kind: 'text', text: content }] }],
        answer: { choices: [{ message: { parts: [{ kind: 'text', text: content }] }, finish: { reason: 'stop' } }] },
        notes: [],
      })
    }
  })

  test('who asks while others are calling does not wait for them', async () => {
    await using trunkline = await startTest({ spawn, settings: { 'recording.flush_interval_ms': '60000' } })
    let calling = true
    const others = (async () => {
      while (calling) await Promise.all(Array.from({ length: 4 }, () => askChat(trunkline.url, 'Other')))
    })()
    const startedMs = performance.now()
    for (let index = 0; index < 10; index++) {
      const { traceId } = await askChat(trunkline.url, 'Mine')
      expect((await trunkline.trace(traceId)).spans).toHaveLength(2)
    }
    // Ten deadlines of a second each, were the barrier missed while more comes in behind it.
    expect(performance.now() - startedMs).toBeLessThan(5_000)
    calling = false
    await others
  })
})
