import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { serving, trunkline } from '../support/cli.ts'
import { temporaryFolder } from '../support/data-folder.ts'

/** The first lines of a server, without what differs each time. */
const bannerOf = (said: string, dataDir: string): string =>
  said.replaceAll(dataDir, '~/.trunkline').replace(/ready in \d+ ms/, 'ready in 118 ms')

/** The command that the banner gives to try, as a request. */
async function tried(said: string, key?: string): Promise<Response> {
  const [, url = '', body] = /curl (\S+) .* -d '(.*)'$/m.exec(said) ?? []
  const headers = { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) }
  return fetch(url, { method: 'POST', headers, body: body ?? '' })
}

const newKey = async (dataDir: string): Promise<string> =>
  (await trunkline(['keys', 'create', '--name', 'me', '--kind', 'admin', '--data-dir', dataDir])).stdout.trim()

test('the first lines say where calls, the page and the traces are, and what to do next', async () => {
  using folder = temporaryFolder()
  await using server = await serving(['--data-dir', folder.path], {
    ANTHROPIC_API_KEY: 'sk-ant-unused',
    TRUNKLINE_VLLM_BASE_URL: 'http://10.0.0.5:8000/v1',
    AZURE_OPENAI_API_KEY: 'unused',
    AZURE_OPENAI_RESOURCE: 'mine',
  })
  const said = server.stderr()
  const page = /Page +(\S+)/.exec(said)?.[1] ?? ''
  const shown = bannerOf(said, folder.path)
    .replaceAll(server.url, 'http://127.0.0.1:9090')
    .replace(page, 'http://127.0.0.1:9091')
  await expect(shown).toMatchFileSnapshot('../golden/cli/banner.txt')
  expect((await tried(said)).status).toBe(200)
  expect((await fetch(page)).headers.get('content-type')).toMatch(/^text\/html/)
  const lost = await fetch(`${page}/v1/models`)
  expect([lost.status, await lost.text()]).toEqual([404, expect.stringContaining("Chats are on the gateway's port")])
  expect(await (await fetch(`${server.url}/v1/chat`)).text()).toContain('Chats are at POST /v1/chat/completions')
})

test('where calls need a client key, the first lines say so', async () => {
  using folder = temporaryFolder()
  const key = await newKey(folder.path)
  await using server = await serving(['--data-dir', folder.path])
  const said = server.stderr()
  expect(said).toMatch(/Calls +with a client key only\n/)
  expect(said).toContain("-H 'authorization: Bearer tl_…'")
  expect(said).not.toContain("the client's own key")
  expect([(await tried(said)).status, (await tried(said, key)).status]).toEqual([401, 200])
})

test('a server that other machines reach is shown by an address at which it can be called', async () => {
  using folder = temporaryFolder()
  const key = await newKey(folder.path)
  await using server = await serving(['--data-dir', folder.path, '--host', '0.0.0.0'])
  const said = server.stderr()
  expect(said).toMatch(/Calls +with a client key only, from other machines too \(0\.0\.0\.0\)\n/)
  expect((await tried(said, key)).status).toBe(200)
  const { gateway } = JSON.parse(readFileSync(join(folder.path, 'server.json'), 'utf8'))
  expect((await fetch(`${gateway}/health/live`)).status).toBe(200)
})

test('what a project has of its own is among the providers', async () => {
  using folder = temporaryFolder()
  const adding = ['credentials', 'add', 'openai', '--from-env', 'KEY', '--data-dir', folder.path]
  expect((await trunkline(adding, { KEY: 'sk-of-the-project' })).code).toBe(0)
  await using server = await serving(['--data-dir', folder.path])
  expect(server.stderr()).toMatch(/Providers +openai; anthropic, gemini with the client's own key; mock, built in\n/)
})

test('SIGHUP has the configuration read again where changes of the file are not noticed', async () => {
  using folder = temporaryFolder()
  // The watcher looks at nothing before the test is over.
  const blind = { CHOKIDAR_USEPOLLING: '1', CHOKIDAR_INTERVAL: '600000' }
  await using server = await serving(['--data-dir', folder.path], blind)
  const models = async (): Promise<string> => (await fetch(`${server.url}/v1/models`)).text()
  const write = (name: string): Promise<void> =>
    writeFile(join(folder.path, 'trunkline.yaml'), `models: { ${name}: { provider: mock, model: mock/echo } }\n`)
  const shown = (name: string) => vi.waitFor(async () => expect(await models()).toContain(`"${name}"`), 5_000)
  // The first may be seen by itself: when the watcher begins, everything is read once more.
  await write('first')
  server.signal('SIGHUP')
  await shown('first')
  await write('second')
  server.signal('SIGHUP')
  await shown('second')
})

const script = '/usr/bin/script'

test('a server ends with its terminal', async ({ skip }) => {
  if (process.platform !== 'linux' || !existsSync(script)) skip(`There is no terminal to be had without ${script}.`)
  using folder = temporaryFolder()
  const command = `${process.execPath} src/main.ts --port 0 --ui-port 0 --data-dir ${folder.path}`
  const terminal = spawn(script, ['-qefc', command, '/dev/null'], { stdio: 'pipe' })
  let shown = ''
  terminal.stdout.on('data', (chunk: Buffer) => {
    shown += chunk.toString()
  })
  await vi.waitFor(() => expect(shown).toContain('Ctrl-C'), 10_000)
  const file = join(folder.path, 'server.json')
  const { pid } = JSON.parse(readFileSync(file, 'utf8'))
  terminal.kill('SIGKILL')
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), 10_000)
  // It has tidied up behind itself.
  expect(existsSync(file)).toBe(false)
})
