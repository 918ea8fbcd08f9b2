import { serialize } from 'node:v8'
import { describe, expect, expectTypeOf, test, vi } from 'vitest'
import type { Message } from '../../src/core/border.ts'
import { borderSpy, type Passed } from '../support/border-spy.ts'
import { askChat, bothWays } from '../support/calls.ts'
import { startTest } from '../support/trunkline.ts'

test('the types know four kinds of message, an ask with its reply', () => {
  expectTypeOf<Message['kind']>().toEqualTypeOf<'snapshot' | 'ask' | 'reply' | 'command' | 'records'>()
})

const secret = 'a-canary-in-the-body'

/** All bytes of a message, but for the ports in it. */
function bytesOf({ message, bytes }: Passed): Buffer {
  if (bytes) return bytes
  return serialize(message.kind === 'command' ? { ...message, port: undefined } : message)
}

describe.each(bothWays)('%s', (_name, spawn) => {
  test('while calls run nothing passes but the four kinds, and bodies go to the writer only', async () => {
    const border = borderSpy(spawn)
    await using trunkline = await startTest({ spawn: border.spawn })
    for (const fields of [{}, { stream: true }, { model: 'mock/error-429' }, { model: 'mock/cut', stream: true }]) {
      await askChat(trunkline.url, secret, fields).catch(() => undefined)
    }
    const withBodies = (): Passed[] => border.passed.filter((one) => bytesOf(one).includes(secret))
    await vi.waitFor(() => expect(withBodies().length).toBeGreaterThan(0))
    expect(new Set(withBodies().map(({ from, to, message }) => `${message.kind} from ${from} to ${to}`))).toEqual(
      new Set(['records from gateway to writer']),
    )
    await trunkline.ask('listTraces', { project: 'default', filter: {}, page: { limit: 1 } })
    const kinds = new Set(border.passed.map(({ message }) => message.kind))
    expect(kinds).toEqual(new Set(['snapshot', 'ask', 'reply', 'command', 'records']))
  })

  test('calls alone cost control no message at all', async () => {
    const border = borderSpy(spawn)
    await using trunkline = await startTest({ spawn: border.spawn })
    const before = border.passed.length
    await Promise.all(Array.from({ length: 20 }, () => askChat(trunkline.url, 'Hello')))
    const during = border.passed.slice(before)
    expect(during.filter(({ from, to }) => from === 'control' || to === 'control')).toEqual([])
  })
})
