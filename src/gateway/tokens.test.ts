import { expect, test } from 'vitest'
import { defaultTimeouts } from '../core/config.ts'
import type { Token } from '../core/credential.ts'
import { GatewayError } from '../core/error.ts'
import { everybodys } from '../providers/configured-providers.ts'
import type { ConfiguredProvider } from '../providers/provider.ts'
import { usable } from '../providers/usable-credential.ts'
import { shown, TokenShelf } from './tokens.ts'

const token = (text: string, expiresMs: number): Token => ({ kind: 'bearer', token: text, expiresMs })

function shelfAt(start: number, ask: (id: string) => Promise<Token>) {
  const time = { ms: start }
  const asked: string[] = []
  const shelf = new TokenShelf({
    ask: (id) => {
      asked.push(id)
      return ask(id)
    },
    nowMs: () => time.ms,
  })
  return { shelf, time, asked }
}

test('a token that is here is given at once, until it ends', async () => {
  const { shelf, time, asked } = shelfAt(0, async () => token('new', 2_000))
  shelf.set({ a: token('old', 1_000) })
  expect(shelf.get('a')).toEqual(token('old', 1_000))
  time.ms = 999
  expect(shelf.get('a')).toEqual(token('old', 1_000))
  expect(asked).toEqual([])
  time.ms = 1_000
  expect(await shelf.get('a')).toEqual(token('new', 2_000))
  expect(asked).toEqual(['a'])
})

test('those who need the same one wait for one answer, and the next asks anew', async () => {
  const { shelf, asked } = shelfAt(0, async () => token('t', 1_000))
  expect(await Promise.all(['a', 'a', 'b', 'a'].map((id) => shelf.get(id)))).toHaveLength(4)
  expect(asked).toEqual(['a', 'b'])
  await shelf.get('a')
  expect(asked).toEqual(['a', 'b', 'a'])
})

test('one that had ended when it came is none', async () => {
  const { shelf } = shelfAt(5_000, async () => token('dead', 4_000))
  expect(await shelf.get('a')).toEqual({ kind: 'failed', reason: 'It had ended when it came.' })
})

test('nobody is there to ask: who asks hears it, and the next may have more luck', async () => {
  let isThere = false
  const { shelf } = shelfAt(0, async () => {
    if (!isThere) throw new GatewayError('starting', 'Not there.')
    return token('t', 1)
  })
  await expect(shelf.get('a')).rejects.toThrow('Not there.')
  isThere = true
  expect(await shelf.get('a')).toEqual(token('t', 1))
})

test('a name that every object knows is no token', async () => {
  const { shelf, asked } = shelfAt(0, async () => token('t', 1))
  await shelf.get('constructor')
  expect(asked).toEqual(['constructor'])
})

test('of what keeps control from answering a client does not hear more than that', async () => {
  const trouble = new GatewayError('internal', '/data/config.db is damaged')
  const { shelf } = shelfAt(0, () => Promise.reject(trouble))
  const credential = usable('a', { kind: 'google_adc', fields: {} }, { keyHeader: 'x-goog-api-key' })
  const provider = everybodys({ timeouts: defaultTimeouts, providers: {} }).get('vertex') as ConfiguredProvider
  const means = await shown({ provider, model: 'm', credential }, shelf)
  expect(means).toMatchObject({ error: { code: 'starting' } })
  expect('error' in means && means.error.message).not.toContain('/data')
})
