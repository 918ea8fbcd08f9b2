/** Lines 7, 10, 18, 19 and 22 of the security checklist: what the code may not have in it, whoever writes it. */
import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseSync, Visitor } from 'rolldown/utils'
import { expect, test } from 'vitest'
import { type projectRoute, route } from '../../src/api/route.ts'
import { routes } from '../../src/api/routes.ts'
import type { Door } from '../../src/http/exchange.ts'

const root = resolve(import.meta.dirname, '../..')

const sources = globSync('src/**/*.ts', { cwd: root })
  .filter((path) => !path.endsWith('.test.ts'))
  .map((path) => {
    const text = readFileSync(resolve(root, path), 'utf8')
    return { path: path.replaceAll('\\', '/'), text, program: parseSync(path, text).program }
  })

interface Called {
  readonly callee: { readonly type: string; readonly name?: string }
  readonly arguments: readonly { readonly type: string; readonly start: number; readonly end: number }[]
}

test('checklist 18: nothing that comes from outside is run as code', () => {
  const offences = sources.flatMap(({ path, program }) => {
    const found: string[] = []
    const called = ({ callee, arguments: given }: Called): void => {
      const { name = '' } = callee
      if (['eval', 'Function'].includes(name)) found.push(`${path} calls ${name}.`)
      const runsText = ['setTimeout', 'setInterval'].includes(name) && /Literal$/.test(given[0]?.type ?? '')
      if (runsText) found.push(`${path} gives ${name} a text to run.`)
    }
    const imported = (source: { value?: unknown } | null): void => {
      if (/^(node:)?(vm|repl|inspector)$/.test(String(source?.value))) found.push(`${path} imports ${source?.value}.`)
    }
    new Visitor({
      CallExpression: (node) => called(node as Called),
      NewExpression: (node) => called(node as Called),
      ImportDeclaration: ({ source }) => imported(source),
      ImportExpression: ({ source }) => imported(source as { value?: unknown }),
    }).visit(program)
    return found
  })
  expect(sources.length).toBeGreaterThan(300)
  expect(offences).toEqual([])
})

test('checklist 18: no regular expression is made of a text that comes from outside', () => {
  // Each is made of the names in a table of ours.
  const known = ['src/providers/openai.ts']
  const makers = sources.filter(({ text }) => /\bRegExp\(/.test(text)).map(({ path }) => path)
  expect(makers).toEqual(known)
})

/** What is put into a statement of SQL besides its parameters: names and numbers of our own, each with its reason. */
const intoSql: Readonly<Record<string, readonly string[]>> = {
  'src/store/check.ts': ['table.replaceAll'], // a name that the file itself has, quoted
  'src/store/backup.ts': ['pragma'], // one of two that the caller writes out
  'src/store/copies.ts': ['pragma'],
  'src/store/interrupted.ts': ['table', 'seen.join'], // the names of our own tables and columns
  'src/store/lock.ts': ['patienceMs'],
  'src/store/sqlite/inserts.ts': ['oneRuns', 'table', 'columns.join', 'columns.map', 'conflict'],
  'src/store/sqlite/open.ts': ['cacheKb'],
  'src/store/written-file.ts': ['busyMs'],
}

interface Template {
  readonly start: number
  readonly end: number
  readonly quasis: readonly { readonly value: { readonly raw: string } }[]
  readonly expressions: readonly { readonly start: number; readonly end: number }[]
}

test('checklist 19: what comes from outside goes into SQL as a parameter only', () => {
  const verbs = /^\s*(select|insert|update|delete|pragma|create|alter|drop|attach|vacuum|begin|with|replace)\s/i
  const sqlWords = /\b(from|into|set|table|view|where|=|values)\b|^\s*pragma|=/i
  const offences = sources.flatMap(({ path, text, program }) => {
    if (!path.startsWith('src/store/') && !/node:sqlite|kysely/.test(text)) return []
    const found = text.includes('sql.raw(') ? [`${path} puts a text into SQL as it is.`] : []
    const tagged = new Set<number>()
    new Visitor({
      // Kysely makes parameters of what is put into these.
      TaggedTemplateExpression: ({ tag, quasi }) => {
        if (text.slice(tag.start, tag.end) === 'sql' || text.slice(tag.start, tag.end).startsWith('sql<'))
          tagged.add(quasi.start)
      },
      TemplateLiteral: (node) => {
        const { start, quasis, expressions } = node as Template
        const said = quasis.map(({ value }) => value.raw).join('?')
        if (tagged.has(start) || !verbs.test(said) || !sqlWords.test(said)) return
        for (const { start: from, end: to } of expressions) {
          const written = text.slice(from, to)
          if (!intoSql[path]?.some((name) => written === name || written.startsWith(`${name}(`)))
            found.push(`${path} puts ${written} into ${JSON.stringify(said.slice(0, 60))}.`)
        }
      },
    }).visit(program)
    return found
  })
  expect(offences).toEqual([])
})

test('checklist 7: a client key is compared by its hash, in constant time', () => {
  const { text } = sources.find(({ path }) => path === 'src/http/caller.ts') as { text: string }
  expect(text).toContain('timingSafeEqual(')
})

test('checklist 10: every route says who may pass, and one that does not say it does not compile', () => {
  expect(routes.filter(({ scope }) => scope === undefined)).toEqual([])
  const about = {
    path: '/api/x',
    method: 'get',
    operationId: 'x',
    tag: 'Server',
    summary: 'X',
    answers: { 204: null },
  } as const
  // @ts-expect-error: a route without a scope.
  const withoutScope = route({ ...about, handle: () => undefined })
  expect(withoutScope).not.toHaveProperty('scope')
  // @ts-expect-error: a door without a scope.
  const door: Door = { method: 'GET', path: '/', handle: () => ({ status: 200, headers: {}, body: '' }) }
  expect(door).not.toHaveProperty('scope')
  type Scope = Parameters<typeof projectRoute>[0]['scope']
  // @ts-expect-error: a route of a project that is open to everybody.
  const open: Scope = 'public'
  expect(open).toBe('public')
})

interface Lockfile {
  readonly packages: Readonly<
    Record<string, { readonly integrity?: string; readonly hasInstallScript?: boolean; readonly link?: boolean }>
  >
}

const readJson = (path: string): unknown => JSON.parse(readFileSync(resolve(root, path), 'utf8'))

test('checklist 22: what is installed is what was written down, and none of it runs anything while it is installed', () => {
  // The Node that runs the project puts the program for this kind of machine in its place; nothing else may do anything.
  const known = [
    { path: 'package.json', scripted: ['node_modules/node'], mayRun: { node: true } },
    { path: 'test/clients/package.json', scripted: ['node_modules/protobufjs'], mayRun: { protobufjs: false } },
  ]
  for (const { path, scripted, mayRun } of known) {
    expect(readJson(path)).toMatchObject({ allowScripts: mayRun })
    const { packages } = readJson(path.replace('package.json', 'package-lock.json')) as Lockfile
    const installed = Object.entries(packages).filter(([name]) => name !== '')
    expect(installed.length).toBeGreaterThan(50)
    const without = installed.filter(([, { integrity }]) => !integrity?.startsWith('sha512-'))
    expect(without.map(([name]) => name)).toEqual([])
    const withScripts = installed.filter(([, { hasInstallScript }]) => hasInstallScript)
    expect(withScripts.map(([name]) => name)).toEqual(scripted)
  }
  const runs = readFileSync(resolve(root, 'scripts/run.mjs'), 'utf8')
  expect(runs).toMatch(/'ci'/)
})

test('checklist 22: our own packages have no install scripts', () => {
  for (const path of ['package.json', 'test/clients/package.json']) {
    const { scripts = {} } = readJson(path) as { scripts?: Record<string, string> }
    expect(Object.keys(scripts).filter((name) => /install|prepare|prepublish/.test(name))).toEqual([])
  }
})
