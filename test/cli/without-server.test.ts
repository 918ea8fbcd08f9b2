import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openConfigFile } from '../../src/store/databases.ts'
import { dataFiles } from '../../src/store/files.ts'
import { lockFolder, writeServerFile } from '../../src/store/lock.ts'
import { trunkline } from '../support/cli.ts'
import { temporaryFolder } from '../support/data-folder.ts'

vi.setConfig({ testTimeout: 60_000 })

let folder: ReturnType<typeof temporaryFolder>
beforeEach(() => {
  folder = temporaryFolder()
})
afterEach(() => folder[Symbol.dispose]())

const run = (args: readonly string[], environment = {}) => trunkline([...args, '--data-dir', folder.path], environment)

test('commands change the files themselves, and the next one finds what they changed', async () => {
  expect((await run(['projects', 'create', 'Support bot'])).code).toBe(0)
  const made = await run(['keys', 'create', '--name', 'me', '--kind', 'admin'])
  expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^tl_/) })
  const added = await run(['credentials', 'add', 'openai', '--project', 'support-bot', '--from-env', 'SECRET'], {
    SECRET: 'sk-canary-0123456789',
  })
  expect(added.code).toBe(0)
  expect((await run(['projects', 'list'])).stdout).toContain('2 projects.')
  expect((await run(['keys', 'list'])).stdout).toContain('1 key.')
  expect((await run(['credentials', 'list', '--project', 'support-bot'])).stdout).toContain('api_key …6789')
  const { config } = dataFiles(folder.path)
  expect(statSync(config).mode & 0o777).toBe(0o600)
  expect(readFileSync(config).includes('canary')).toBe(false)
})

test('what a server that died says of itself is not believed', async () => {
  ;(await openConfigFile(folder.path)).close()
  writeServerFile(folder.path, {
    pid: 1,
    version: '0',
    gateway: 'http://127.0.0.1:9090',
    ui: '',
    socket: `${folder.path}/gone.sock`,
    startedUs: 0,
  })
  expect(await run(['projects', 'list'])).toMatchObject({ code: 0, stdout: expect.stringContaining('1 project.') })
})

test('while a server is still starting, it is said to try again', async () => {
  ;(await openConfigFile(folder.path)).close()
  const lock = lockFolder(folder.path)
  const { code, stderr } = await run(['projects', 'list'])
  lock.release()
  expect(code).toBe(1)
  expect(stderr).toBe(
    `The data folder ${folder.path} is in use by another process, which takes no commands yet. Try again in a moment.\n`,
  )
})

test('a config.db that is no database is named, and traces can be looked for all the same', async () => {
  writeFileSync(dataFiles(folder.path).config, 'not a database at all, '.repeat(1_000))
  const { code, stderr } = await run(['projects', 'list'])
  expect(code).toBe(1)
  expect(stderr).toContain(`${dataFiles(folder.path).config} cannot be opened: it is damaged or no database`)
  expect((await run(['traces', 'list', '--project', 'other'])).stderr).toContain('config.db cannot be read')
  expect((await run(['traces', 'list'])).stderr).toContain('There are no traces in')
})
