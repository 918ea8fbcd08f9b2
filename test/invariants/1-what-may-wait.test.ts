import fs, { globSync, readFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { dirname, relative, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseSync } from 'rolldown/utils'
import { describe, expect, test } from 'vitest'
import { inThreads } from '../../src/threads/supervisor.ts'
import { borderSpy } from '../support/border-spy.ts'
import { askChat, bothWays, startUpstream } from '../support/calls.ts'
import { startTest } from '../support/trunkline.ts'

const root = resolve(import.meta.dirname, '../..')

/** Notes every use of files and databases in this thread, which is the gateway's when the parts have theirs. */
function watchedFiles(): Disposable & { readonly used: string[] } {
  const used: string[] = []
  const restore: (() => void)[] = []
  const watch = (owner: Record<string, unknown>, name: string, label: string): void => {
    const original = owner[name]
    if (typeof original !== 'function') return
    owner[name] = function (this: unknown, ...values: unknown[]): unknown {
      used.push(label)
      return Reflect.apply(original, this, values)
    }
    restore.push(() => {
      owner[name] = original
    })
  }
  const all = fs as unknown as Record<string, unknown>
  for (const name of Object.keys(all)) if (/^[a-z]/.test(name)) watch(all, name, `fs.${name}`)
  const promises = fs.promises as unknown as Record<string, unknown>
  for (const name of Object.keys(promises)) watch(promises, name, `fs.promises.${name}`)
  for (const name of ['exec', 'prepare']) {
    watch(DatabaseSync.prototype as unknown as Record<string, unknown>, name, `DatabaseSync.${name}`)
  }
  syncBuiltinESMExports()
  return {
    used,
    [Symbol.dispose]() {
      for (const back of restore) back()
      syncBuiltinESMExports()
    },
  }
}

test('two hundred calls touch no file and no database on the gateway thread', async () => {
  await using upstream = await startUpstream((_request, response) => response.destroy())
  await using trunkline = await startTest({
    spawn: inThreads,
    settings: { 'providers.openai.base_url': upstream.baseUrl },
  })
  const calls: readonly object[] = [
    {},
    { stream: true },
    { model: 'mock/error-500' },
    { model: 'mock/cut', stream: true },
    { model: 'broken' },
    { model: 7 },
    { mock: { text: 'x'.repeat(300_000) } },
    { model: 'mock/no-usage', stream: true },
  ]
  const round = (): Promise<unknown> =>
    Promise.allSettled(calls.map((fields) => askChat(trunkline.url, 'Hello', fields)))
  // Undici loads its parser with the first connection.
  await round()
  using files = watchedFiles()
  for (let rounds = 0; rounds < 25; rounds++) await round()
  expect(files.used).toEqual([])
  // And it would have been seen.
  globSync('*.json', { cwd: root })
  new DatabaseSync(':memory:').exec('select 1')
  expect(files.used).toContain('fs.globSync')
  expect(files.used).toContain('DatabaseSync.exec')
})

test('from the gateway no import leads to a file or a database', () => {
  const forbidden = /^(node:fs|node:fs\/promises|node:sqlite|kysely|src\/store\/.*|src\/config\/.*)$/
  const offences: string[] = []
  const seen = new Set<string>()
  const walk = (path: string, way: readonly string[]): void => {
    if (seen.has(path)) return
    seen.add(path)
    for (const to of importedBy(path)) {
      if (forbidden.test(to)) offences.push([...way, path, to].join(' → '))
      else if (to.startsWith('src/')) walk(to, [...way, path])
    }
  }
  walk('src/threads/gateway.ts', [])
  expect(offences).toEqual([])
  expect(seen.size).toBeGreaterThan(20)
})

/** What a file has its reader load; what only types need is not there when it runs. */
function importedBy(path: string): string[] {
  const source = readFileSync(resolve(root, path), 'utf8')
  const { module } = parseSync(path, source)
  const stated = module.staticImports
    .filter(({ entries }) => entries.length === 0 || entries.some(({ isType }) => !isType))
    .map(({ moduleRequest }) => moduleRequest.value)
  const handedOn = module.staticExports.flatMap(({ entries }) =>
    entries.flatMap(({ moduleRequest, isType }) => (moduleRequest && !isType ? [moduleRequest.value] : [])),
  )
  const asked = module.dynamicImports.map(({ moduleRequest: { start, end } }) => source.slice(start + 1, end - 1))
  return [...stated, ...handedOn, ...asked].map((to) =>
    to.startsWith('.') ? relative(root, resolve(root, dirname(path), to)) : to,
  )
}

describe.each(bothWays)('%s', (_name, spawn) => {
  test('who asks of a part that does not answer waits for the deadline, and nobody else waits', async () => {
    const border = borderSpy(spawn)
    await using trunkline = await startTest({ spawn: border.spawn })
    const before = await askChat(trunkline.url, 'Before')
    await trunkline.trace(before.traceId)
    border.hold()
    const during = await askChat(trunkline.url, 'During')
    const asked = trunkline.trace(before.traceId)
    let answered = false
    void asked.finally(() => {
      answered = true
    })
    const others = await Promise.all(Array.from({ length: 20 }, () => askChat(trunkline.url, 'Meanwhile')))
    expect(others.map(({ status }) => status)).toEqual(others.map(() => 200))
    expect(answered).toBe(false)
    expect((await asked).trace.status).toBe('ok')
    border.release()
    expect((await trunkline.trace(during.traceId)).trace.status).toBe('ok')
  })
})
