import { expect, test, vi } from 'vitest'
import { lateLog } from './late-log.ts'

test('lines are written in their order, as the log is configured when each is said', async () => {
  const written: string[] = []
  const log = lateLog((text) => void written.push(text))
  log.error('before anybody knows how')
  log.configure({ level: 'info', format: 'json' })
  log.info('one')
  log.error('two', { reason: 'three' })
  log.configure({ level: 'error', format: 'json' })
  log.info('four')
  log.error('five')
  await vi.waitFor(() => expect(written).toHaveLength(3))
  expect(written.map((line) => JSON.parse(line))).toMatchObject([
    { msg: 'one' },
    { msg: 'two', reason: 'three' },
    { msg: 'five' },
  ])
})
