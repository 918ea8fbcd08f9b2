/** Lines 1, 8, 24 and 25 of the security checklist: what a start opens, to whom, and whom it asks. */
import { spawn } from 'node:child_process'
import dns from 'node:dns'
import { once } from 'node:events'
import { readdirSync, statSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { connect, Socket } from 'node:net'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { offlineApi } from '../../src/app.ts'
import { hostClass } from '../../src/http/addresses.ts'
import { askChat, isReady, postChat, readiness } from '../support/calls.ts'
import { trunkline as run, serving } from '../support/cli.ts'
import { temporaryFolder } from '../support/data-folder.ts'
import { startTest } from '../support/trunkline.ts'

const cannotTell = 'only Linux has a second address on its loopback'

test('checklist 1: unless it is told otherwise, every port is open to this machine only', async ({ skip }) => {
  using folder = temporaryFolder()
  await using server = await serving(['--data-dir', folder.path])
  const said = server.stderr()
  const urls = [...new Set([...said.matchAll(/http:\/\/[\w.[\]:]+/g)].map(([url]) => url))].map((url) => new URL(url))
  expect(urls.length).toBeGreaterThanOrEqual(2)
  expect(new Set(urls.map(({ hostname }) => hostname))).toEqual(new Set(['127.0.0.1']))
  skip(process.platform !== 'linux', cannotTell)
  for (const { port } of urls) {
    expect(await reaches('127.0.0.1', Number(port))).toBe('connect')
    // Who listens everywhere listens there, too.
    expect(await reaches('127.0.0.2', Number(port))).toBe('ECONNREFUSED')
  }
})

const reaches = (host: string, port: number): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ host, port }, () => resolve('connect'))
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)))
    socket.once('connect', () => socket.destroy())
  })

test.each(['0.0.0.0', '::', '192.0.2.1', 'gateway.example'])(
  'checklist 1: without an admin key it does not listen on %s, and says what to do',
  async (host) => {
    using folder = temporaryFolder()
    const { code, stderr } = await run([
      'serve',
      '--host',
      host,
      '--port',
      '0',
      '--ui-port',
      '0',
      '--data-dir',
      folder.path,
    ])
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(`Trunkline listens on ${host} only when there is an admin key`),
    ])
    expect(stderr).toMatch(/`trunkline keys create .*--kind admin`/)
  },
)

test('checklist 1: a key that is bound to a project, for calls only or revoked is not enough for that', async () => {
  using folder = temporaryFolder()
  const keys = async (): Promise<string[]> => {
    const api = await offlineApi(folder.path, {})
    try {
      const ids: string[] = []
      for (const wanted of [{ kind: 'admin' }, { kind: 'admin', project: 'default' }, { kind: 'inference' }]) {
        const { status, body } = await api.fetch('POST', '/api/keys', { name: 'k', ...wanted })
        expect(status).toBe(201)
        ids.push((body as { id: string }).id)
      }
      expect((await api.fetch('POST', `/api/keys/${ids[0]}/revoke?force=true`)).status).toBe(200)
      return ids
    } finally {
      await api.close()
    }
  }
  expect(await keys()).toHaveLength(3)
  const elsewhere = { dataDir: folder.path, settings: { 'server.host': '0.0.0.0' } }
  await expect(startTest(elsewhere)).rejects.toThrow('only when there is an admin key')
})

test('checklist 8: whatever lies in the data folder, only its owner can read it', async ({ skip }) => {
  skip(process.platform === 'win32', 'Windows has no modes')
  using folder = temporaryFolder()
  const dataDir = join(folder.path, 'data')
  await using server = await serving(['--data-dir', dataDir])
  await (await postChat(server.url, 'Hello')).text()
  const credential = { provider: 'openai', kind: 'api_key', fields: { api_key: 'sk-0123456789' } }
  const made = await fetch(`${server.url}/api/projects/default/credentials`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(credential),
  })
  expect(made.status).toBe(201)
  expect((await run(['db', 'backup', '--data-dir', dataDir])).code).toBe(0)
  expect((await run(['credentials', 'rotate', '--data-dir', dataDir])).code).toBe(0)
  const names = readdirSync(dataDir, { recursive: true, encoding: 'utf8' })
  expect(names).toEqual(expect.arrayContaining(['config.db', 'master.key', 'backups', join('run', 'control.sock')]))
  const open = ['.', ...names].filter((name) => {
    const { mode } = statSync(join(dataDir, name))
    return (mode & 0o077) !== 0
  })
  expect(open).toEqual([])
})

test('checklist 24: a log that nobody reads any more fails no call', async () => {
  using folder = temporaryFolder()
  const child = spawn(process.execPath, [join(import.meta.dirname, 'crashing-server.ts'), folder.path], {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  using _child = { [Symbol.dispose]: () => void child.kill('SIGKILL') }
  const ended = once(child, 'exit')
  const [url] = (await once(child, 'message')) as [string]
  child.stdout?.destroy()
  child.stderr?.destroy()
  await isReady(url)
  for (let call = 0; call < 20; call++)
    expect((await askChat(url, 'Hello', { stream: call % 2 === 0 })).status).toBe(200)
  expect((await askChat(url, 'Hello', { model: 'mock/error-500' })).status).toBe(500)
  expect(await readiness(url)).toEqual({ status: 'ready' })
  child.send('stop')
  expect(await ended).toEqual([0, null])
})

test('checklist 25: nobody beyond this machine is asked for anything that was not called', async () => {
  const dials = vi.spyOn(Socket.prototype, 'connect')
  const lookups = [vi.spyOn(dns, 'lookup'), vi.spyOn(dns.promises, 'lookup'), vi.spyOn(dns, 'resolve')]
  syncBuiltinESMExports()
  try {
    const keys = { OPENAI_API_KEY: 'sk-0123456789abcdef', TRUNKLINE_GROQ_API_KEY: 'gsk-0123456789abcdef' }
    await using trunkline = await startTest({ environment: keys })
    await isReady(trunkline.url)
    await (await postChat(trunkline.url, 'Hello')).text()
    for (const path of ['/v1/models', '/api/health', '/api/projects/default/providers', '/api/docs'])
      expect((await fetch(`${trunkline.url}${path}`)).status).toBe(200)
    await trunkline.stop()
    const asked = [
      ...dials.mock.calls.map(([told]) => placeOf(told)),
      ...lookups.flatMap((lookup) => lookup.mock.calls.map(([name]) => String(name))),
    ]
    expect(asked.length).toBeGreaterThan(3)
    expect(asked.filter((place) => !place.startsWith('/') && hostClass(place) !== 'loopback')).toEqual([])
  } finally {
    vi.restoreAllMocks()
    syncBuiltinESMExports()
  }
})

/** Where a socket was told to go, as far as Node's own calls tell it. */
function placeOf(told: unknown): string {
  const first = Array.isArray(told) ? told[0] : told
  if (typeof first !== 'object' || first === null) return String(first)
  const { path, host, hostname } = first as Record<string, unknown>
  return String(path && String(path).startsWith('/') && !host ? path : (host ?? hostname ?? path))
}
