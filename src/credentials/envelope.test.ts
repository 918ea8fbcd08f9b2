import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { type MasterKey, masterKeyIdOf, type Place, rewrap, seal, unseal } from './envelope.ts'

const master = (id: string): MasterKey => ({ id, bytes: randomBytes(32) })
const place: Place = { project: 'default', provider: 'openai', id: 'c1', destination: '' }
const secret = '{"credential":"sk-canary-🙂"}'

test('what is sealed opens at its place, and no two seals are alike', () => {
  const key = master('k1')
  const sealed = seal(key, place, secret)
  expect(unseal(key, place, sealed)).toBe(secret)
  expect(masterKeyIdOf(sealed)).toBe('k1')
  expect(seal(key, place, secret)).not.toBe(sealed)
  expect(Buffer.from(sealed).toString('latin1')).not.toContain('canary')
})

test.each([
  ['project', { ...place, project: 'other' }],
  ['provider', { ...place, provider: 'groq' }],
  ['row', { ...place, id: 'c2' }],
  ['address', { ...place, destination: 'https://evil.example/' }],
  ['pair of project and provider that reads alike', { ...place, project: 'defaulto', provider: 'penai' }],
])('moved to another %s it does not open', (_what, elsewhere) => {
  const key = master('k1')
  const sealed = seal(key, place, secret)
  expect(() => unseal(key, elsewhere, sealed)).toThrow()
  expect(() => rewrap(key, master('k2'), elsewhere, sealed)).toThrow()
})

test('it opens with no other key, not even under the same name', () => {
  const sealed = seal(master('k1'), place, secret)
  expect(() => unseal(master('k1'), place, sealed)).toThrow()
})

test('whichever byte is changed, it does not open', () => {
  const key = master('k1')
  const [format, id, wrapped, text] = seal(key, place, secret).split('.') as [string, string, string, string]
  const flipped = (part: string, at: number): string => {
    const bytes = Buffer.from(part, 'base64url')
    bytes[at] = (bytes[at] as number) ^ 1
    return bytes.toString('base64url')
  }
  for (let at = 0; at < Buffer.from(wrapped, 'base64url').length; at++)
    expect(() => unseal(key, place, [format, id, flipped(wrapped, at), text].join('.'))).toThrow()
  for (let at = 0; at < Buffer.from(text, 'base64url').length; at++)
    expect(() => unseal(key, place, [format, id, wrapped, flipped(text, at)].join('.'))).toThrow()
  const other = seal(key, place, 'other').split('.')
  expect(() => unseal(key, place, [format, id, wrapped, other[3]].join('.'))).toThrow()
  for (const broken of ['', 'v1', 'v2.k1.a.b', 'v1.k1.a', 'v1.k1.a.b', 'v1.k1.a.b.c', `v1.k1.${wrapped}.AA`])
    expect(() => unseal(key, place, broken)).toThrow()
})

test('under another master key the text is the same one, and the old key is not needed any more', () => {
  const [old, next] = [master('old'), master('next')]
  const sealed = seal(old, place, secret)
  const moved = rewrap(old, next, place, sealed)
  expect(unseal(next, place, moved)).toBe(secret)
  expect(masterKeyIdOf(moved)).toBe('next')
  expect(moved.split('.')[3]).toBe(sealed.split('.')[3])
  expect(() => unseal(old, place, moved)).toThrow()
})
