import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Ended, trunkline } from '../support/cli.ts'
import { temporaryFolder } from '../support/data-folder.ts'
import { type Managed, managed } from '../support/managed.ts'

type Environment = Readonly<Record<string, string>>

let one: Managed
const run = (args: readonly string[], environment: Environment = {}): Promise<Ended> =>
  trunkline(args, { TRUNKLINE_DATA_DIR: one.dataDir, ...environment })

const json = async <T>(...args: string[]): Promise<T> => JSON.parse((await run([...args, '--json'])).stdout) as T

/** What is another one each time is replaced by what it is. */
const settled = (text: string): string =>
  text
    .replaceAll(one.dataDir, '<data folder>')
    .replaceAll(/[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[\da-f]{4}-[\da-f]{12}/g, 'xxxxxxxx-xxxx-7xxx-xxxx-xxxxxxxxxxxx')
    .replaceAll(/tl_[a-z0-9]{8}_[\w-]{43}/g, 'tl_xxxxxxxx_<43 characters>')
    .replaceAll(/tl_[a-z0-9]{8}_…[\w-]{4}/g, 'tl_xxxxxxxx_…xxxx')
    .replaceAll(/\d{4}-\d{2}-\d{2}/g, 'YYYY-MM-DD')

/** Commands with all that they say, as somebody would see it who types them one after the other. */
async function transcript(lines: readonly (readonly string[])[], environment: Environment = {}): Promise<string> {
  let text = ''
  for (const args of lines) {
    const { code, stdout, stderr } = await run(args, environment)
    const words = args.map((word) => (/^[\w./=*-]+$/.test(word) ? word : `'${word}'`))
    text += `$ trunkline ${words.join(' ')}\n${stderr}${stdout}${code === 0 ? '' : `(${code})\n`}\n`
  }
  return settled(text)
}

const golden = (name: string): string => join(import.meta.dirname, '../golden/cli', name)

/** Some of them run a dozen commands, each a process of its own. */
describe('each by itself', { timeout: 60_000 }, () => {
  beforeEach(async () => {
    one = await managed()
  })
  afterEach(async () => {
    expect(one.faults).toEqual([])
    await one[Symbol.asyncDispose]()
  })

  test('projects are made, renamed, archived, restored and listed', async () => {
    await expect(
      await transcript([
        ['projects', 'create', 'Support bot', '--description', 'For our customers'],
        ['projects', 'create', 'Support bot'],
        ['projects', 'create', '客服'],
        ['projects', 'create', '客服', '--slug', 'kefu'],
        ['projects', 'rename', 'support-bot', 'Support'],
        ['projects', 'default', 'support-bot'],
        ['projects', 'archive', 'support-bot'],
        ['projects', 'archive', 'kefu'],
        ['projects', 'list'],
        ['projects', 'restore', 'kefu'],
        ['projects', 'archive', 'nobody'],
      ]),
    ).toMatchFileSnapshot(golden('projects.txt'))
  })

  test('client keys are made, listed and revoked', async () => {
    await expect(
      await transcript([
        ['keys', 'list'],
        ['keys', 'create', '--name', 'ci'],
        ['keys', 'create', '--name', 'me', '--kind', 'admin'],
        ['keys', 'create', '--name', 'ci', '--project', 'default', '--model', 'gpt-5*', '--model', 'mock/echo'],
        ['keys', 'list'],
        ['keys', 'list', '--revoked'],
        ['keys', 'revoke', 'aaaaaaaa'],
        ['keys', 'revoke', 'no key'],
        ['keys', 'create', '--name', 'late', '--expires', '2020-01-31'],
        ['keys', 'create', '--kind', 'root', '--name', 'x'],
      ]),
    ).toMatchFileSnapshot(golden('keys.txt'))
  })

  test('credentials are added, listed and tried, and never shown', async () => {
    const secrets = { SECRET: 'sk-canary-1234567890abcdef', SHORT: 'x1y2' }
    const text = await transcript(
      [
        ['credentials', 'list'],
        ['credentials', 'add', 'openai', '--from-env', 'SECRET', '--name', 'Team', '--priority', '2', '--weight', '3'],
        ['credentials', 'add', 'anthropic', '--from-env', 'SHORT', '--base-url', 'https://llm.example.com'],
        [
          'credentials',
          'add',
          'bedrock',
          '--kind',
          'aws_static',
          '--field',
          'access_key_id=AKIA1',
          '--from-env',
          'secret_access_key=SECRET',
        ],
        ['credentials', 'list'],
        ['credentials', 'list', '--provider', 'groq'],
        ['credentials', 'add', 'opnai', '--from-env', 'SECRET'],
        ['credentials', 'add', 'openai', '--kind', 'aws_static'],
        ['credentials', 'add', 'openai', '--from-env', 'NOT_SET'],
        ['credentials', 'add', 'openai', '--field', 'api_key=sk-canary-on-the-command-line'],
        ['credentials', 'add', 'openai', '--field', 'key'],
        ['credentials', 'add', 'openai', '--priority', '101'],
        ['credentials', 'remove', 'nobody'],
      ],
      secrets,
    )
    expect(text.replace('api_key=sk-canary-on-the-command-line', '')).not.toMatch(/canary/)
    await expect(text).toMatchFileSnapshot(golden('credentials.txt'))
  })

  test('a key is all that a pipe gets, and the warning about the first one goes beside it', async () => {
    const { code, stdout, stderr } = await run(['keys', 'create', '--name', 'me', '--kind', 'admin'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^tl_[a-z0-9]{8}_[\w-]{43}\n$/)
    expect(stderr).toBe(
      'This is the first client key: from now on every call needs one, those from this machine, too.\n',
    )
    expect((await run(['keys', 'create', '--name', 'me too', '--kind', 'admin'])).stderr).toBe('')
  })

  test('a key is revoked by how it begins, and it is said when the gateway is open again', async () => {
    const { id, key } = await json<{ id: string; key: string }>('keys', 'create', '--name', 'me', '--kind', 'admin')
    const { code, stdout, stderr } = await run(['keys', 'revoke', key.slice(0, 11)])
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `The key me (${id}) is revoked: calls with it are refused.\n`,
    })
    expect(stderr).toBe('There is no client key any more: every call from this machine is taken.\n')
    expect(await one.stores.clientKeys.unrevoked()).toEqual([])
  })

  test('the last key of kind admin stays while others need it, unless it is forced', async () => {
    const { id } = await json<{ id: string }>('keys', 'create', '--name', 'me', '--kind', 'admin')
    await run(['keys', 'create', '--name', 'app'])
    const { code, stderr } = await run(['keys', 'revoke', id])
    expect(code).toBe(1)
    expect(stderr).toContain('revoke it with --force')
    expect((await run(['keys', 'revoke', id, '--force'])).code).toBe(0)
  })

  test('a key has what it was given: project, models, end', async () => {
    await run(['keys', 'create', '--name', 'me', '--kind', 'admin'])
    await run(['projects', 'create', 'Support bot'])
    await run(['keys', 'create', '--name', 'ci', '--project', 'support-bot', '--model', 'a*', '--expires', '30d'])
    const { data } = await json<{ data: Record<string, unknown>[] }>('keys', 'list', '--project', 'support-bot')
    const [project] = (await json<{ data: { id: string; slug: string }[] }>('projects', 'list')).data.filter(
      ({ slug }) => slug === 'support-bot',
    )
    expect(data).toMatchObject([{ name: 'ci', kind: 'inference', project_id: project?.id, models: ['a*'] }])
    const days = (Number(data[0]?.expires_us) / 1000 - Date.now()) / 86_400_000
    expect(Math.round(days)).toBe(30)
    expect((await run(['keys', 'list', '--project', 'support-bot'])).stdout).toMatch(/ support-bot +a\* +until /)
  })

  test('what is written in a terminal by a hostile name stays a name', async () => {
    await one.stores.projects.create({ name: 'Nice', slug: 'nice' })
    const { code, stdout } = await run(['projects', 'rename', 'nice', 'Evil \u202etxt'])
    expect(code).toBe(0)
    expect(stdout).not.toMatch(/\u202e/)
    expect((await run(['projects', 'list'])).stdout).not.toMatch(/\u202e/)
    expect((await run(['projects', 'list', '--json'])).stdout).toContain('\\u202e')
  })

  test('a credential that works and one that is refused', async () => {
    const { id } = await json<{ id: string }>('credentials', 'add', 'openai', '--from-env', 'PATH')
    one.probe = { ok: true, status: 200, latencyMs: 212, models: Array.from({ length: 12 }, (_, at) => `m${at}`) }
    expect(await run(['credentials', 'test', id])).toEqual({
      code: 0,
      stdout: 'It works: HTTP 200 after 212 ms.\n12 models: m0, m1, m2, m3, m4, m5, m6, m7, m8, m9 and 2 more\n',
      stderr: '',
    })
    one.probe = {
      ok: false,
      status: 401,
      latencyMs: 90,
      error: { code: 'unauthorized', message: 'Wrong\u001b[31m key' },
    }
    expect(await run(['credentials', 'test', id])).toEqual({
      code: 1,
      stdout: 'It does not work: HTTP 401 after 90 ms.\nunauthorized: Wrong key\n',
      stderr: '',
    })
    expect((await run(['credentials', 'remove', id])).stdout).toBe(`The credential ${id} for openai is removed.\n`)
    expect((await run(['credentials', 'test', id])).code).toBe(1)
  })

  test('each project has its own credentials', async () => {
    await run(['projects', 'create', 'Other'])
    await run(['credentials', 'add', 'openai', '--from-env', 'PATH', '--project', 'other'])
    const listed = async (...more: string[]) =>
      (await json<{ data: unknown[] }>('credentials', 'list', ...more)).data.length
    expect([await listed(), await listed('--project', 'other')]).toEqual([0, 1])
    const { code, stderr } = await run(['credentials', 'list', '--project', 'nobody'])
    expect(code).toBe(1)
    expect(stderr).toContain('There is no project "nobody".')
  })

  test('a secret is read from the input, and from a file', async () => {
    const add = (input: string, ...args: string[]): Promise<Ended> =>
      piped(['credentials', 'add', ...args, '--data-dir', one.dataDir], input)
    expect((await add('sk-from-the-input-abcd\n', 'openai')).code).toBe(0)
    const path = join(one.dataDir, 'key.txt')
    writeFileSync(path, 'sk-from-a-file-efgh\n')
    expect((await run(['credentials', 'add', 'groq', '--from-file', path])).code).toBe(0)
    const opened = await one.stores.credentials.open('default')
    expect(opened.map(({ provider, credential }) => [provider, credential.fields])).toEqual([
      ['openai', { api_key: 'sk-from-the-input-abcd' }],
      ['groq', { api_key: 'sk-from-a-file-efgh' }],
    ])
    expect((await add('', 'openai')).stderr).toContain('There is nothing in the input, where api_key should be.')
    expect((await add('', 'openai', '--from-file', `${path}.none`)).stderr).toContain('cannot be read')
  })

  test('names and ids are completed, and nothing that a shell could run', async () => {
    await run(['projects', 'create', 'Support bot'])
    const { id: key } = await json<{ id: string }>('keys', 'create', '--name', '$(touch owned)', '--kind', 'admin')
    const { id } = await json<{ id: string }>('credentials', 'add', 'openai', '--from-env', 'PATH')
    const complete = async (...words: string[]) =>
      (await run(['complete', '--', ...words])).stdout.split('\n').slice(0, -2)
    expect(await complete('projects', 'archive', '')).toEqual([
      'default\tthe default project',
      'support-bot\ta project',
    ])
    expect(await complete('traces', 'list', '--project', 's')).toEqual(['support-bot\ta project'])
    expect(await complete('keys', 'revoke', '')).toEqual([`${key}\ta client key`])
    expect(await complete('credentials', 'test', '')).toEqual([`${id}\tfor openai`])
    expect(await complete('credentials', 'remove', '--project', 'support-bot', '')).toEqual([])
  })
})

describe('without a server', () => {
  test.each([
    ['projects', 'list'],
    ['keys', 'list'],
    ['credentials', 'list'],
    ['credentials', 'rotate'],
    ['keys', 'revoke', 'abcdefgh'],
  ])('%s %s makes no folder', async (...args) => {
    using folder = temporaryFolder()
    const { code, stdout, stderr } = await trunkline([...args, '--data-dir', join(folder.path, 'none')])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('There is nothing in')
    expect(stderr).toContain('Start `trunkline serve`, or name another folder with --data-dir.')
  })
})

describe('help', () => {
  let text = ''
  const commands = [
    ['traces', 'list'],
    ['traces', 'show'],
    ['projects'],
    ...['list', 'create', 'rename', 'archive', 'restore', 'default'].map((name) => ['projects', name]),
    ['keys'],
    ...['list', 'create', 'revoke'].map((name) => ['keys', name]),
    ['credentials'],
    ...['list', 'add', 'test', 'remove', 'rotate'].map((name) => ['credentials', name]),
    ['db'],
    ...['check', 'backup', 'restore', 'vacuum'].map((name) => ['db', name]),
  ]
  beforeAll(async () => {
    for (const command of commands) {
      const { stdout, stderr } = await trunkline([...command, '--help'])
      // What stands in all of them is looked at in one.
      text += `${stdout}${stderr}`.replace(/\nGlobal Options:[\s\S]*?\n\n/, '\n')
      text += `\n${'—'.repeat(80)}\n\n`
    }
  }, 60_000)
  afterAll(() => {
    text = ''
  })

  test('of every command says what it takes, with examples', async () => {
    expect(text.match(/^Usage: /gm)).toHaveLength(commands.length)
    expect(text.match(/^Examples:$/gm)).toHaveLength(commands.length)
    await expect(text).toMatchFileSnapshot(golden('help.txt'))
  })
})

/** Runs the program with something in its input. */
async function piped(args: readonly string[], input: string): Promise<Ended> {
  const child = spawn(process.execPath, ['src/main.ts', ...args], { stdio: 'pipe' })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  child.stdin.end(input)
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, stdout, stderr }
}
