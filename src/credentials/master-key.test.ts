import { randomBytes } from 'node:crypto'
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../test/support/data-folder.ts'
import { MasterKeys } from './master-key.ts'

const inFolder = (path: string, environment: Record<string, string> = {}): MasterKeys =>
  new MasterKeys({ path: join(path, 'master.key'), environment })

test('a key is made when it is needed, for its owner alone, and is the same from then on', () => {
  using folder = temporaryFolder()
  const keys = inFolder(folder.path)
  expect(keys.read()).toMatchObject({ active: undefined, size: 0 })
  expect(readdirSync(folder.path)).toEqual([])
  const made = keys.make()
  expect(made.bytes).toHaveLength(32)
  expect(statSync(join(folder.path, 'master.key')).mode & 0o777).toBe(0o600)
  expect(readdirSync(folder.path)).toEqual(['master.key'])
  expect(inFolder(folder.path).read().active).toEqual(made)
})

test.each([
  ['base64', (bytes: Buffer) => bytes.toString('base64')],
  ['base64 for URLs', (bytes: Buffer) => bytes.toString('base64url')],
  ['hex', (bytes: Buffer) => `${bytes.toString('hex')}\n`],
])('the environment may have it in %s, and then no file is made', (_name, written) => {
  using folder = temporaryFolder()
  const bytes = randomBytes(32)
  const keys = inFolder(folder.path, { TRUNKLINE_MASTER_KEY: written(bytes) })
  expect(keys.read().active?.bytes).toEqual(bytes)
  expect(keys.makeNext().bytes).toEqual(bytes)
  expect(readdirSync(folder.path)).toEqual([])
})

test.each([
  ['', 'TRUNKLINE_MASTER_KEY is empty.'],
  ['canary', 'TRUNKLINE_MASTER_KEY is not 32 bytes.'],
  [randomBytes(31).toString('base64'), 'TRUNKLINE_MASTER_KEY is not 32 bytes.'],
  [randomBytes(33).toString('hex'), 'TRUNKLINE_MASTER_KEY is not 32 bytes.'],
])('a key in the environment that is none is refused, and not shown', (written, message) => {
  const start = (): MasterKeys => inFolder('nowhere', { TRUNKLINE_MASTER_KEY: written })
  expect(start).toThrow(`${message} Give 32 random bytes in base64 or hex`)
  if (written !== '') expect(start).not.toThrow(written)
})

test('a previous key without the one that follows it is refused', () => {
  const environment = { TRUNKLINE_MASTER_KEY_PREVIOUS: randomBytes(32).toString('base64') }
  expect(() => inFolder('nowhere', environment)).toThrow('is set without TRUNKLINE_MASTER_KEY')
})

test('a file that others may read is not used, and the message says how to close it', ({ skip }) => {
  if (process.platform === 'win32') skip('Windows has no such rights')
  using folder = temporaryFolder()
  const keys = inFolder(folder.path)
  keys.make()
  const path = join(folder.path, 'master.key')
  for (const mode of [0o640, 0o604, 0o666]) {
    chmodSync(path, mode)
    expect(() => keys.read()).toThrow(`(mode ${mode.toString(8)}), so it is not used. Close it: chmod 600 ${path}`)
  }
  chmodSync(path, 0o600)
  expect(keys.read().size).toBe(1)
})

test('a damaged file is refused and left as it is', () => {
  using folder = temporaryFolder()
  const path = join(folder.path, 'master.key')
  const keys = inFolder(folder.path)
  keys.make()
  const whole = readFileSync(path, 'utf8')
  const other = JSON.stringify({ active: 'a', keys: { a: randomBytes(32).toString('base64') } })
  for (const text of ['', '{', 'null', '[]', '{"active":"x","keys":{}}', other, whole.slice(0, 60)]) {
    writeFileSync(path, text)
    expect(() => keys.read()).toThrow(
      `${path} is no file of master keys, or is damaged. Put back the one that was there`,
    )
    expect(() => keys.makeNext()).toThrow('is damaged')
    expect(readFileSync(path, 'utf8')).toBe(text)
  }
})

test('a next key becomes the active one beside the old, until that is forgotten', () => {
  using folder = temporaryFolder()
  const keys = inFolder(folder.path)
  const old = keys.make()
  const next = keys.makeNext()
  expect(keys.read()).toMatchObject({ active: next, size: 2 })
  expect(keys.read().find(old.id)).toEqual(old)
  keys.forgetBut(new Set([old.id]))
  expect(keys.read().size).toBe(2)
  keys.forgetBut(new Set())
  expect(keys.read()).toMatchObject({ active: next, size: 1 })
  expect(keys.read().find(old.id)).toBeUndefined()
})

test('of a file beside a key in the environment what is used stays, and then nothing', () => {
  using folder = temporaryFolder()
  const old = inFolder(folder.path).make()
  const keys = inFolder(folder.path, { TRUNKLINE_MASTER_KEY: '0'.repeat(64) })
  keys.forgetBut(new Set([old.id]))
  expect(keys.read().find(old.id)).toEqual(old)
  keys.forgetBut(new Set([keys.makeNext().id]))
  expect(readdirSync(folder.path)).toEqual([])
})

test('what a crash left of a file that was being written does no harm', () => {
  using folder = temporaryFolder()
  writeFileSync(join(folder.path, 'master.key.new'), 'half', { mode: 0o644 })
  const keys = inFolder(folder.path)
  const made = keys.make()
  expect(keys.read().active).toEqual(made)
  expect(readdirSync(folder.path)).toEqual(['master.key'])
  expect(statSync(join(folder.path, 'master.key')).mode & 0o777).toBe(0o600)
})
