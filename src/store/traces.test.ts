import { afterEach, expect, test, vi } from 'vitest'
import { openWriter } from '../../test/support/writing.ts'
import { kyselyOn, openForReading } from './sqlite/open.ts'
import { listTraces } from './traces.ts'

afterEach(() => void vi.restoreAllMocks())

test('a question that takes too long is given up, also when it finds nothing, and the next one is answered', async () => {
  await using one = await openWriter()
  for (let calls = 0; calls < 100; calls++) one.call()
  one.slabs.send(1)
  using database = openForReading(one.files.traces)
  const list = (model: string) => listTraces(kyselyOn(database), 'default', { model }, { limit: 20 })
  let nowMs = 0
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => (nowMs += 100))
  await expect(list('nobody')).rejects.toThrow('This took longer than 8 seconds, so it was given up.')
  expect(clock.mock.calls.length).toBeLessThan(100)
  expect((await list('some')).traces).toHaveLength(20)
})
