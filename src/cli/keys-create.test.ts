import { expect, test } from 'vitest'
import { createdLines } from './keys-create.ts'
import { widthOf } from './text.ts'

const screen = { paint: (_: unknown, text: string) => text }
const key = {
  id: 'a1b2c3d4',
  name: 'me\x1b[31m',
  kind: 'admin',
  created_us: 0,
  last_four: 'wxyz',
  key: 'tl_a1b2c3d4_0000000000000000000000000000000000000000000',
}

test('a person at a terminal reads the key, what it is good for, and how each SDK takes it', async () => {
  const lines = createdLines(key, { gateway: 'http://127.0.0.1:9090' }, screen)
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('../../test/golden/cli/key-created.txt')
  expect(Math.max(...lines.map(widthOf))).toBeLessThan(120)
})

test('what it is not good for is said', () => {
  const project = { id: 'p', slug: 's', name: 'Support', is_default: false, is_archived: false, created_us: 0 }
  const bound = { ...key, kind: 'inference', models: ['gpt-5*'] }
  const lines = createdLines(bound, { gateway: 'http://127.0.0.1:9090', project }, screen)
  expect(lines[2]).toBe('me: good for calls, in Support only, with gpt-5* only. Copy it now, it is not shown again.')
  expect(lines.join('\n')).not.toContain('curl')
})
