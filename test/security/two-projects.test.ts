/** Line 11 of the security checklist: two projects in one Trunkline, with the same names and ids in both wherever that can be. */
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { routes } from '../../src/api/routes.ts'
import { dataFiles } from '../../src/store/files.ts'
import type { QueryName } from '../../src/store/queries.ts'
import type { TraceFilter } from '../../src/store/traces.ts'
import { unpackedIn } from '../support/canary.ts'
import { trunkline as command } from '../support/cli.ts'
import { temporaryFolder } from '../support/data-folder.ts'
import { completion, type Listener, reply, startListener } from '../support/gateway.ts'
import { startTest, type TestTrunkline } from '../support/trunkline.ts'

/** What only one of the two may see, in every text that it has. */
const words = { alpha: 'only-alpha-7f21', beta: 'only-beta-93c4' } as const
type Name = keyof typeof words
const names = ['alpha', 'beta'] as const
const otherOf = (name: Name): Name => (name === 'alpha' ? 'beta' : 'alpha')

/** What a project has, by the names that paths have for it. */
interface Has {
  readonly project: string
  readonly provider: string
  readonly model: string
  readonly credential: string
  /** The id of its key for management. */
  readonly key: string
  readonly admin: string
  readonly inference: string
}

interface Told {
  readonly status: number
  readonly text: string
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it has asked for.
  readonly body: any
}

let folder: ReturnType<typeof temporaryFolder>
let provider: Listener
let trunkline: TestTrunkline
let operator: string
const has = {} as Record<Name, Has>

async function ask(method: string, path: string, key: string | undefined, body?: unknown, headers = {}): Promise<Told> {
  const response = await fetch(`${trunkline.url}${path}`, {
    method,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json')
  return {
    status: response.status,
    text,
    headers: response.headers,
    body: isJson && text ? JSON.parse(text) : undefined,
  }
}

async function made(path: string, key: string | undefined, body: object) {
  const told = await ask('POST', path, key, body)
  expect([path, told.status, told.text]).toEqual([path, 201, told.text])
  return told.body
}

async function makeProject(name: Name): Promise<Has> {
  const word = words[name]
  const { id } = await made('/api/projects', operator, { name: word, slug: name, description: word })
  const below = `/api/projects/${id}`
  const at = { like: 'custom', base_url: provider.url }
  await made(`${below}/providers`, operator, { ...at, name: 'house', models: [`${word}-listed`] })
  await made(`${below}/providers`, operator, { ...at, name: `${name}-house` })
  await made(`${below}/models`, operator, { name: 'best', provider: 'house', model: `${word}-model` })
  await made(`${below}/models`, operator, { name: `alias-of-${name}`, provider: 'house', model: 'm' })
  const fields = { api_key: `key-of-${word}` }
  const credential = { provider: 'house', kind: 'api_key', fields, name: word, headers: { 'x-of': word } }
  const { id: credentialId } = await made(`${below}/credentials`, operator, credential)
  const mint = (kind: string) => made('/api/keys', operator, { name: `${word} ${kind}`, kind, project: name })
  const admin = await mint('admin')
  const inference = await mint('inference')
  return {
    project: id,
    provider: `${name}-house`,
    model: `alias-of-${name}`,
    credential: credentialId,
    key: admin.id,
    admin: admin.key,
    inference: inference.key,
  }
}

/** Everything that can be seen of a project by who may see all of it. */
async function stateOf({ project, key }: Has): Promise<unknown> {
  const paths = ['', '/providers', '/models', '/credentials'].map((path) => `/api/projects/${project}${path}`)
  const told = await Promise.all([...paths, `/api/keys/${key}`].map((path) => ask('GET', path, operator)))
  expect(told.map(({ status }) => status)).toEqual(told.map(() => 200))
  return told.map(({ body }) => body)
}

beforeAll(async () => {
  folder = temporaryFolder()
  provider = await startListener(({ body, headers }, response) => {
    const { model } = JSON.parse(body || '{}') as { model?: string }
    reply(response, 200, completion(`${model} by ${headers.authorization}, ${headers['x-of']}`))
  })
  trunkline = await startTest({ dataDir: folder.path })
  const { key } = await made('/api/keys', undefined, { name: 'operator', kind: 'admin' })
  operator = key
  for (const name of names) has[name] = await makeProject(name)
}, 60_000)
afterAll(async () => {
  await trunkline?.stop()
  await provider?.[Symbol.asyncDispose]()
  folder?.[Symbol.dispose]()
})

describe.each(names)('to the holder of a key of project %s', (name) => {
  const word = words[otherOf(name)]
  const keys = () => [has[name].admin, has[name].inference]

  test.each(routes.map((route) => [`${route.method.toUpperCase()} ${route.path}`, route] as const))(
    '%s shows and changes nothing of the other',
    async (_name, { method, path, bodyExample }) => {
      const mine = has[name]
      const others = has[otherOf(name)]
      const before = await stateOf(others)
      // By its id and its slug, and what is the other's below one's own.
      const isOfOne = /\{project\}.*\{/.test(path)
      const own = isOfOne ? [mine.project, name] : []
      const projects = path.includes('{project}') ? [others.project, otherOf(name), ...own] : ['']
      for (const project of projects) {
        const real = path.replace(/\{(\w+)\}/g, (_, part) => (part === 'project' ? project : others[part as keyof Has]))
        for (const key of keys())
          for (const headers of [{}, { 'x-project-id': otherOf(name) }]) {
            const told = await ask(method.toUpperCase(), real, key, bodyExample, headers)
            expect([real, told.status < 500, told.text.includes(word)]).toEqual([real, true, false])
            const isOthers = project === others.project || project === otherOf(name)
            if (isOthers) expect([real, told.status]).toEqual([real, 403])
          }
      }
      expect(await stateOf(others)).toEqual(before)
    },
  )

  test('its own list of projects and keys has its own only', async () => {
    const projects = await ask('GET', '/api/projects', has[name].admin)
    expect(projects.body.data.map(({ id }: { id: string }) => id)).toEqual([has[name].project])
    const listed = await ask('GET', '/api/keys', has[name].admin)
    expect(new Set(listed.body.data.map((key: { project_id: string }) => key.project_id))).toEqual(
      new Set([has[name].project]),
    )
    expect((await ask('GET', `/api/keys?project=${otherOf(name)}`, has[name].admin)).status).toBe(403)
  })

  test('a call of the same model goes to the own provider with the own credential, whatever the header says', async () => {
    const chat = (model: string, headers = {}) =>
      ask('POST', '/v1/chat/completions', has[name].inference, { model, messages: [] }, headers)
    const { body } = await chat('best')
    const mine = words[name]
    expect(body.choices[0].message.content).toBe(`${mine}-model by Bearer key-of-${mine}, ${mine}`)
    expect((await chat('best', { 'x-project-id': name })).status).toBe(200)
    const refused = await chat('best', { 'x-project-id': otherOf(name) })
    expect([refused.status, refused.body.error.code]).toEqual([403, 'project_forbidden'])
    for (const model of [`alias-of-${otherOf(name)}`, `${otherOf(name)}-house/m`]) {
      const { status, text } = await chat(model)
      expect([status, text.includes(`key-of-${word}`)]).toEqual([401, false])
    }
  })

  test('the list of models has none of the other', async () => {
    for (const path of ['/v1/models', `/api/projects/${name}/models`]) {
      const { status, text } = await ask('GET', path, has[name].admin)
      expect([status, text.includes(words[name]), text.includes(word)]).toEqual([200, true, false])
    }
    expect((await ask('GET', `/v1/models/alias-of-${otherOf(name)}`, has[name].inference)).status).toBe(404)
    expect((await ask('GET', `/v1/models/alias-of-${name}`, has[name].inference)).status).toBe(200)
  })
})

/** Answers that are kept, with a word of their project in them. */
const respond = (name: Name, body: object): Promise<Told> =>
  ask('POST', '/v1/responses', has[name].inference, { model: 'mock/echo', ...body })

test('an answer that is kept can be read, gone on from and deleted in its own project only, from memory and from the disk', async () => {
  const { body: kept } = await respond('alpha', { input: words.alpha })
  const path = `/v1/responses/${kept.id}`
  const check = async (): Promise<void> => {
    for (const key of [has.beta.admin, has.beta.inference]) {
      for (const [method, place] of [
        ['GET', path],
        ['GET', `${path}/input_items`],
        ['DELETE', path],
      ] as const) {
        const told = await ask(method, place, key)
        expect([method, place, told.status, told.text.includes(words.alpha)]).toEqual([method, place, 404, false])
      }
      expect((await ask('GET', path, key, undefined, { 'x-project-id': 'alpha' })).status).toBe(403)
    }
    const next = await respond('beta', { input: 'Go on', previous_response_id: kept.id })
    expect([next.status, next.body.error.code]).toEqual([400, 'previous_response_not_found'])
    // Who may choose the project has it there, and in no other.
    expect((await ask('GET', path, operator)).status).toBe(404)
    expect((await ask('GET', path, operator, undefined, { 'x-project-id': 'beta' })).status).toBe(404)
    expect((await ask('GET', path, operator, undefined, { 'x-project-id': 'alpha' })).text).toContain(words.alpha)
    expect((await ask('GET', path, has.alpha.inference)).text).toContain(words.alpha)
  }
  await check()
  await trunkline.stop()
  trunkline = await startTest({ dataDir: folder.path })
  await check()
  expect((await ask('DELETE', path, has.alpha.inference)).status).toBe(200)
  expect((await ask('GET', path, has.alpha.inference)).status).toBe(404)
})

test('thoughts that the gateway remembers under the id of a tool call come back in their own project only', async () => {
  const asked: { project: string; body: string }[] = []
  const seal = Buffer.from(words.alpha).toString('base64')
  await using claude = await startListener(({ body, headers }, response) => {
    asked.push({ project: String(headers['x-api-key']), body })
    const content = [
      { type: 'thinking', thinking: 'Hm.', signature: seal },
      { type: 'tool_use', id: 'toolu_1', name: 'look', input: {} },
    ]
    const usage = { input_tokens: 1, output_tokens: 1 }
    const answer = { id: 'm', type: 'message', role: 'assistant', model: 'c', content, stop_reason: 'tool_use', usage }
    reply(response, 200, JSON.stringify(answer))
  })
  for (const name of names) {
    await made(`/api/projects/${name}/credentials`, operator, {
      provider: 'anthropic',
      kind: 'api_key',
      fields: { api_key: `claude-${words[name]}` },
      base_url: claude.url.replace('/v1', ''),
    })
  }
  const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }]
  const question = { role: 'user', content: 'Look.' }
  const chat = (name: Name, messages: object[]): Promise<Told> =>
    ask('POST', '/v1/chat/completions', has[name].inference, { model: 'anthropic/c', messages, tools, max_tokens: 9 })
  const { tool_calls } = (await chat('alpha', [question])).body.choices[0].message
  const turn = [
    question,
    { role: 'assistant', content: null, tool_calls },
    { role: 'tool', tool_call_id: 'toolu_1', content: 'Seen.' },
  ]
  for (const name of ['beta', 'alpha'] as const) {
    expect((await chat(name, turn)).status).toBe(200)
    const last = asked.at(-1)
    expect([last?.project, last?.body.includes(seal)]).toEqual([`claude-${words[name]}`, name === 'alpha'])
  }
})

describe('of calls that have one trace id, run and thread in both projects', () => {
  const trace = '0af7651916cd43dd8448eb211c80319c'
  const ids = { 'x-run-id': 'one-run', 'x-thread-id': 'one-thread', 'x-label': 'one-label' }
  beforeAll(async () => {
    for (const name of names) {
      const headers = { ...ids, traceparent: `00-${trace}-b7ad6b7169203331-01` }
      const messages = [{ role: 'user', content: words[name] }]
      const body = { model: 'mock/echo', messages, user: words[name] }
      expect((await ask('POST', '/v1/chat/completions', has[name].inference, body, headers)).status).toBe(200)
    }
  })

  const page = { limit: 100 }
  const filters: readonly TraceFilter[] = [
    {},
    { runId: 'one-run' },
    { threadId: 'one-thread' },
    { model: 'mock/echo' },
    { status: 'ok' },
  ]
  /** Every query that there is, each as it is asked in a project. */
  const queries: Readonly<Record<QueryName, (project: string) => Promise<readonly unknown[]>>> = {
    listTraces: (project) =>
      Promise.all(filters.map((filter) => trunkline.ask('listTraces', { project, filter, page }))),
    showTrace: (project) =>
      Promise.all([trace, trace.slice(0, 8)].map((prefix) => trunkline.ask('showTrace', { project, prefix }))),
  }

  test.each(Object.keys(queries) as QueryName[])('%s has those of its own project', async (query) => {
    for (const name of names) {
      const answers = await queries[query](has[name].project)
      for (const answer of answers) {
        const text = JSON.stringify(answer)
        expect([text.includes(trace), text.includes(words[otherOf(name)])]).toEqual([true, false])
        expect(text).not.toContain(has[otherOf(name)].project)
      }
    }
    expect(JSON.stringify(await queries[query]('default'))).not.toContain(trace)
    expect(JSON.stringify(await queries[query]('nobodys'))).not.toContain(trace)
  })

  test('the commands show those of the project that they name', async () => {
    const run = (...args: string[]) => command(['traces', ...args, '--data-dir', folder.path])
    for (const name of names) {
      const shown = await run('show', trace, '--project', name, '--json')
      expect([shown.code, shown.stdout.includes(words[name]), shown.stdout.includes(words[otherOf(name)])]).toEqual([
        0,
        true,
        false,
      ])
      const { stdout } = await run('list', '--project', name, '--run', 'one-run', '--json')
      expect((JSON.parse(stdout) as { traces: object[] }).traces).toHaveLength(1)
    }
    expect(await run('show', trace)).toMatchObject({ code: 1, stdout: '' })
  })

  test('what is stored says whose it is, and bodies of the two lie in no common block', async () => {
    await trunkline.stop()
    const files = dataFiles(folder.path)
    const rows = (path: string, sql: string): Record<string, unknown>[] => {
      const database = new DatabaseSync(path, { readOnly: true })
      try {
        return database.prepare(sql).all()
      } finally {
        database.close()
      }
    }
    const both = names.map((name) => has[name].project).sort()
    const where = `where hex(trace_id) = '${trace.toUpperCase()}' order by project_id`
    for (const [path, table] of [
      [files.ledger, 'ledger'],
      [files.traces, 'traces'],
    ] as const)
      expect(rows(path, `select project_id from ${table} ${where}`).map((row) => row.project_id)).toEqual(both)
    const spans = rows(files.traces, `select project_id, detail from spans ${where}`)
    expect([...new Set(spans.map((row) => row.project_id))]).toEqual(both)
    const blocks = [...unpackedIn(files.traces)].map(({ bytes }) => Buffer.from(bytes).toString())
    for (const name of names) expect(blocks.some((block) => block.includes(words[name]))).toBe(true)
    expect(blocks.filter((block) => names.every((name) => block.includes(words[name])))).toEqual([])
    trunkline = await startTest({ dataDir: folder.path })
  })

  test('every table has a column for the project, but those of the whole installation', () => {
    const files = dataFiles(folder.path)
    const without = [files.config, files.ledger, files.traces].flatMap((path) => {
      const database = new DatabaseSync(path, { readOnly: true })
      const tables = database
        .prepare(
          `select name from sqlite_schema where type = 'table' and name not like 'sqlite%'
          and not exists (select 1 from pragma_table_info(sqlite_schema.name) as c where c.name = 'project_id')`,
        )
        .all()
      database.close()
      return tables.map(({ name }) => String(name))
    })
    // Each of them with what it has: the projects themselves, what holds for all of them, and how the files were made.
    const ofAll = ['projects', 'settings', 'installation', 'kysely_migration', 'kysely_migration_lock', 'migrated_by']
    expect([...new Set(without)].filter((name) => !ofAll.includes(name))).toEqual([])
  })
})
