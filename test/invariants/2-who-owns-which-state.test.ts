import { MessageChannel } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import type { Condition, Port, Snapshot } from '../../src/core/border.ts'
import { link } from '../../src/core/link.ts'
import { newSlabCounters } from '../../src/core/records.ts'
import { inThisThread } from '../../src/threads/supervisor.ts'
import { borderSpy } from '../support/border-spy.ts'
import { askChat, bothWays } from '../support/calls.ts'
import { startTest } from '../support/trunkline.ts'

test('what a part was told is its own: to change it changes nothing for who told it', async () => {
  const owned: Condition = { phase: 'ready', problems: ['One.'] }
  const part = (port: Port): void => {
    const told = link(port, { answers: { condition: () => owned } })
    told.post({ kind: 'snapshot', part: 'condition', version: 0, value: owned })
  }
  const { port, end } = inThisThread({ control: part, writer: part, reader: part })({
    part: 'control',
    flags: { settings: {}, terminal: false },
    environment: {},
    counters: newSlabCounters(),
    startedUs: 0,
  })
  const got = Promise.withResolvers<Snapshot>()
  const near = link(port, { snapshot: got.resolve })
  const { value } = await got.promise
  Object.assign(value, { problems: ['Mine.'] })
  expect(owned.problems).toEqual(['One.'])

  const answer = await near.ask<{ problems: string[] }>('condition', undefined, 1_000)
  answer.problems.push('Mine, too.')
  expect(owned.problems).toEqual(['One.'])
  await end()
})

test('a slab that was handed over is no longer there for who filled it', () => {
  const { port1 } = new MessageChannel()
  const slab = new ArrayBuffer(16)
  link(port1 as unknown as Port, {}).post({ kind: 'records', slab, used: 16 }, [slab])
  expect(slab.detached).toBe(true)
  port1.close()
})

describe.each(bothWays)('%s', (_name, spawn) => {
  test('what was told of the configuration belongs to who was told', async () => {
    const border = borderSpy(spawn)
    await using trunkline = await startTest({ spawn: border.spawn })
    const told = border.passed.flatMap(({ from, to, message }) =>
      message.kind === 'snapshot' && message.part === 'config' ? [{ from, to, value: message.value }] : [],
    )
    expect(told.map(({ from, to }) => `${from} to ${to}`).toSorted()).toEqual([
      'control to gateway',
      'gateway to reader',
      'gateway to writer',
    ])
    // The gateway forgets where the data is. Who owns the files goes on with what it was told.
    Object.assign(trunkline.trunkline.config, { dataDir: '/nowhere' })
    const { traceId } = await askChat(trunkline.url, 'Hello')
    expect((await trunkline.trace(traceId)).trace.status).toBe('ok')
  })
})
