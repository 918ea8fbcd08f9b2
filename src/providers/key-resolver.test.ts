import { describe, expect, test } from 'vitest'
import type { Header } from './key-headers.ts'
import { resolveKeys } from './key-resolver.ts'
import { type UsableCredential, usable } from './usable-credential.ts'

const credential = (id: string, priority = 1, weight = 1): UsableCredential =>
  usable(id, { kind: 'api_key', fields: { api_key: `key-${id}` } }, { keyHeader: 'bearer' }, { priority, weight })

const clients: Header = ['authorization', 'Bearer of-client']

interface Sources {
  readonly project?: readonly UsableCredential[]
  readonly configured?: boolean
  readonly client?: boolean
  readonly needsKey?: boolean
}

/** The ids of what a call is paid with; undefined when there is nothing. */
const resolved = (
  { project = [], configured = false, client = false, needsKey = true }: Sources,
  random = (): number => 0,
): readonly string[] | undefined =>
  resolveKeys(
    {
      provider: { own: project, standing: configured ? credential('config') : undefined, needsKey },
      ofClient: () => (client ? clients : undefined),
    },
    random,
  )?.map(({ id }) => id)

const own = [credential('project')]

describe('a call is paid', () => {
  test.each<[what: string, sources: Sources, paid: readonly string[] | undefined]>([
    ['by the project before anybody else', { project: own, configured: true, client: true }, ['project']],
    ['by the project alone', { project: own }, ['project']],
    ['by the project even where nothing is wanted', { project: own, needsKey: false }, ['project']],
    ['by the configuration before the client', { configured: true, client: true }, ['config']],
    ['by the configuration alone', { configured: true }, ['config']],
    ['by the configuration where it need not be', { configured: true, needsKey: false }, ['config']],
    ['by the client when nobody else does', { client: true }, ['client']],
    ['by nobody where nothing is wanted, the client neither', { client: true, needsKey: false }, ['none']],
    ['by nobody where nothing is wanted', { needsKey: false }, ['none']],
    ['not at all when it has to be and nobody can', {}, undefined],
  ])('%s', (_what, sources, paid) => {
    expect(resolved(sources)).toEqual(paid)
  })
})

describe('of several credentials of a project', () => {
  test('the lowest priority goes first, whatever is drawn', () => {
    const project = [credential('a', 1), credential('b', 2), credential('c', 30)]
    for (const point of [0, 0.5, 0.999]) expect(resolved({ project }, () => point)).toEqual(['a', 'b', 'c'])
  })

  test('equals are drawn by weight, each once, and never leave their priority', () => {
    const project = [credential('x', 1, 3), credential('y', 1, 1), credential('last', 2, 1000)]
    expect(resolved({ project }, () => 0)).toEqual(['x', 'y', 'last'])
    expect(resolved({ project }, () => 0.74)).toEqual(['x', 'y', 'last'])
    expect(resolved({ project }, () => 0.76)).toEqual(['y', 'x', 'last'])
    expect(resolved({ project }, () => 0.999_999)).toEqual(['y', 'x', 'last'])
  })

  test('each is first as often as its weight says', () => {
    const project = [credential('a', 1, 1), credential('b', 1, 2), credential('c', 1, 7)]
    const first = new Map<string, number>()
    for (let point = 0; point < 1000; point++) {
      const [id = ''] = resolved({ project }, () => point / 1000) ?? []
      first.set(id, (first.get(id) ?? 0) + 1)
    }
    expect(Object.fromEntries(first)).toEqual({ a: 100, b: 200, c: 700 })
  })

  test('what is handed in stays as it is', () => {
    const project = [credential('a'), credential('b')]
    expect(resolved({ project }, () => 0.9)).toEqual(['b', 'a'])
    expect(project.map(({ id }) => id)).toEqual(['a', 'b'])
  })
})
