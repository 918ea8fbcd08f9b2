import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { dataFiles } from '../../src/store/files.ts'
import { askChat } from '../support/calls.ts'
import { type Serving, serving, trunkline } from '../support/cli.ts'
import { temporaryFolder } from '../support/data-folder.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let folder: ReturnType<typeof temporaryFolder>
let server: Serving
beforeEach(async () => {
  folder = temporaryFolder()
  server = await serving(['--data-dir', folder.path])
})
afterEach(async () => {
  await server[Symbol.asyncDispose]()
  folder[Symbol.dispose]()
})

const run = (...args: string[]) => trunkline([...args, '--data-dir', folder.path])
const call = (headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'mock/echo', messages: [{ role: 'user', content: 'Hello' }] }),
  })

test('what a command changes holds for the next call', async () => {
  expect((await askChat(server.url, 'Hello')).status).toBe(200)
  const { stdout: admin } = await run('keys', 'create', '--name', 'me', '--kind', 'admin')
  expect((await call()).status).toBe(401)
  expect((await call({ authorization: `Bearer ${admin.trim()}` })).status).toBe(200)

  await run('projects', 'create', 'Support bot')
  const { stdout: bound } = await run('keys', 'create', '--name', 'bot', '--project', 'support-bot')
  const key = { authorization: `Bearer ${bound.trim()}` }
  expect((await call(key)).status).toBe(200)
  expect((await call({ ...key, 'x-project-id': 'default' })).status).toBe(403)
  expect((await run('traces', 'list', '--project', 'support-bot', '--status', 'ok')).stdout).toMatch(/\n1 trace\.\n$/)
  expect((await run('traces', 'list', '--status', 'ok')).stdout).toMatch(/\n2 traces\.\n$/)

  await run('keys', 'revoke', bound.slice(0, 11))
  expect((await call(key)).status).toBe(401)
  const { code, stdout } = await run('db', 'check')
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('api_keys 2') })
})

test('commands need no key: whoever can open the data folder could change the files as well', async () => {
  await run('keys', 'create', '--name', 'me', '--kind', 'admin')
  expect(await run('projects', 'list')).toMatchObject({ code: 0, stdout: expect.stringContaining('1 project.') })
})

test('while the server has the folder, nobody else changes its files', async () => {
  for (const args of [['vacuum'], ['restore', folder.path]]) {
    const { code, stderr } = await run('db', ...args)
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /is in use by process \d+ \(http:\S+\)\. Stop it, or choose another folder with --data-dir\.\n$/,
    )
  }
  expect((await run('db', 'backup')).code).toBe(0)
})

test('a server of an older version does not start on what a newer one has written', async () => {
  server.signal('SIGTERM')
  await server.ended
  const path = dataFiles(folder.path).config
  const database = new DatabaseSync(path)
  database.exec(`insert into kysely_migration values ('9999_future', '2099-01-01');
    insert into migrated_by values ('9999_future', '99.1.0')`)
  database.close()
  const { code, stderr } = await run('serve', '--port', '0', '--ui-port', '0')
  expect(code).toBe(1)
  expect(stderr).toContain(`${path} was written by Trunkline 99.1.0, which is newer than this`)
  expect(stderr).toContain('go back to a backup with `trunkline db restore`.')
  expect((await run('projects', 'list')).stderr).toContain('was written by Trunkline 99.1.0')
})
