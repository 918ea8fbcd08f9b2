import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Caller, ClientKey } from '../core/access.ts'
import { checkFirst, checkMinting, checkRevoking, covers, type WantedKey } from './minting.ts'

/** What a pattern means, word for word. */
const meaning = (pattern: string): RegExp =>
  new RegExp(`^${pattern.replace(/[^*]+/g, (text) => text.replaceAll('.', '[.]')).replace(/\*/g, '[^]*')}$`, 'u')

const letters = fc.string({ unit: fc.constantFrom('a', 'b', '-', '.', '*'), maxLength: 8 })
/** What may stand for a star. */
const words = fc.string({ unit: fc.constantFrom('a', 'b', '-', '.', '€', '*'), maxLength: 4 })

test('a pattern that covers another means every name that the other means', () => {
  let covered = 0
  fc.assert(
    fc.property(letters, letters, fc.array(words, { minLength: 8, maxLength: 8 }), (wide, narrow, stars) => {
      if (!covers(wide, narrow)) return
      covered++
      let star = 0
      const name = narrow.replace(/\*/g, () => stars[star++] as string)
      expect(meaning(wide).test(name)).toBe(true)
    }),
    { numRuns: 5000 },
  )
  expect(covered).toBeGreaterThan(200)
})

test('a pattern that does not cover another leaves out a name that the other means', () => {
  fc.assert(
    fc.property(letters, letters, (wide, narrow) => {
      fc.pre(!covers(wide, narrow))
      // A letter that stands in no pattern, in the place of each star.
      return !meaning(wide).test(narrow.replaceAll('*', '€'))
    }),
    { numRuns: 3000 },
  )
})

test('a pattern of many stars is read in a moment', () => {
  expect(covers('*a'.repeat(100), `${'a'.repeat(199)}b`)).toBe(false)
})

const wanted: fc.Arbitrary<WantedKey> = fc
  .record({
    kind: fc.constantFrom('inference' as const, 'admin' as const),
    projectId: fc.option(fc.constantFrom('p', 'q'), { nil: undefined }),
    models: fc.option(
      fc.array(fc.constantFrom('*', 'a*', 'a', 'ab', 'b*', '*b', 'a*b'), { minLength: 1, maxLength: 3 }),
      {
        nil: undefined,
      },
    ),
    expiresUs: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
  })
  .map(({ kind, projectId, models, expiresUs }) => ({
    kind,
    ...(projectId !== undefined && { projectId }),
    ...(models && { models }),
    ...(expiresUs !== undefined && { expiresUs }),
  }))

const keyOf = (good: WantedKey): ClientKey => ({ id: 'aaaaaaaa', hash: '', ...good })

/** Everything that a key is good for, among what there may be. */
function rights({ kind, projectId, models, expiresUs }: WantedKey): ReadonlySet<string> {
  const all = new Set<string>()
  for (const act of kind === 'admin' ? ['call', 'manage'] : ['call'])
    for (const project of projectId === undefined ? ['p', 'q', 'all'] : [projectId])
      for (const model of ['a', 'b', 'ab', 'aab', 'ba', 'c', ''])
        for (let time = 0; time < (expiresUs ?? 9); time++)
          if (models === undefined || models.some((pattern) => meaning(pattern).test(model)))
            all.add(`${act} ${project} ${model} ${time}`)
  return all
}

test('however keys make keys, none is good for more than the first', () => {
  let made = 0
  fc.assert(
    fc.property(wanted, fc.array(wanted, { minLength: 1, maxLength: 12 }), (first, chain) => {
      let key = first
      for (const next of chain) {
        try {
          checkMinting({ key: keyOf(key) }, next)
        } catch {
          continue
        }
        made++
        expect(rights(next).isSubsetOf(rights(first))).toBe(true)
        expect(rights(next).isSubsetOf(rights(key))).toBe(true)
        key = next
      }
    }),
    { numRuns: 3000 },
  )
  expect(made).toBeGreaterThan(500)
})

test('a key may make another of its own kind, and who needs none any', () => {
  const own: WantedKey = { kind: 'admin', projectId: 'p', models: ['a*'], expiresUs: 5 }
  expect(() => checkMinting({ key: keyOf(own) }, own)).not.toThrow()
  expect(() => checkMinting({}, { kind: 'admin' })).not.toThrow()
})

const master = { id: 'master00', hash: '', kind: 'admin' as const }
const bound = { id: 'bound000', hash: '', kind: 'admin' as const, projectId: 'p' }

test('the first key is one with which everything can be managed, or comes after such a one', () => {
  const nowUs = 10
  const first =
    (key: WantedKey, keys: readonly ClientKey[] = []) =>
    () =>
      checkFirst(key, { keys, nowUs })
  expect(first({ kind: 'admin' })).not.toThrow()
  expect(first({ kind: 'inference' })).toThrow('Make one of kind admin first')
  expect(first({ kind: 'admin', projectId: 'p' })).toThrow('Make one of kind admin first')
  expect(first({ kind: 'inference' }, [bound])).toThrow('Make one of kind admin first')
  expect(first({ kind: 'inference' }, [{ ...master, expiresUs: 9 }])).toThrow('Make one of kind admin first')
  expect(first({ kind: 'inference' }, [master])).not.toThrow()
})

test('revoking does not lock everybody out unasked', () => {
  const revoking =
    (
      id: string,
      keys: readonly ClientKey[],
      more: { isForced?: boolean; isReachable?: boolean; caller?: Caller } = {},
    ) =>
    () =>
      checkRevoking({ id, keys, nowUs: 10, caller: {}, isForced: false, isReachable: false, ...more })
  expect(revoking('master00', [master, bound])).toThrow('?force=true')
  expect(revoking('master00', [master, bound], { isForced: true })).not.toThrow()
  expect(revoking('bound000', [master, bound])).not.toThrow()
  expect(revoking('master00', [master, { ...master, id: 'master01' }])).not.toThrow()
  expect(revoking('master00', [master])).not.toThrow()
  expect(revoking('master00', [master], { isReachable: true, isForced: true })).toThrow('server.host')
})

test('only who manages everything revokes the last key, after which nobody needs one', () => {
  const revoking = (id: string, keys: readonly ClientKey[], key?: ClientKey) => () =>
    checkRevoking({ id, keys, nowUs: 10, caller: key ? { key } : {}, isForced: true, isReachable: false })
  expect(revoking('bound000', [bound], bound)).toThrow('This is the last client key')
  expect(revoking('bound000', [bound, { ...bound, id: 'bound001' }], bound)).not.toThrow()
  expect(revoking('bound000', [bound])).not.toThrow()
  expect(revoking('master00', [master], master)).not.toThrow()
})
