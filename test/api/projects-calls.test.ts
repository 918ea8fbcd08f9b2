import { readdirSync, readFileSync } from 'node:fs'
import { Agent, request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import {
  aCredential,
  aKey,
  aProject,
  completion,
  reply,
  startListener,
  startTestGateway,
  usualConfig,
} from '../support/gateway.ts'

const privately = { mayBePrivate: true }

/** Status and error of an answer, as OpenAI's clients read them. */
async function errorOf(response: Response): Promise<{ status: number; code: string; message: string }> {
  const { error } = (await response.json()) as { error: { code: string; message: string } }
  return { status: response.status, code: error.code, message: error.message }
}

const two = [aProject('default', { isDefault: true }), aProject('p2', { slug: 'second' })]

describe('a call belongs to', () => {
  test('the project that x-project-id names, by id or slug, else to the default one', async () => {
    await using one = await startTestGateway({ projects: two })
    for (const headers of [{}, { 'x-project-id': 'p2' }, { 'x-project-id': 'second' }])
      expect((await one.chat(headers)).status).toBe(200)
    const calls = one.spans().filter(({ kind }) => kind === 'call')
    expect(calls.map(({ project }) => project).sort()).toEqual(['default', 'p2', 'p2'])
  })

  test('the project of its client key where nothing else is named', async () => {
    const { text, key } = aKey({ projectId: 'p2' })
    await using one = await startTestGateway({ projects: two, keys: [key] })
    const authorization = `Bearer ${text}`
    expect((await one.chat({ authorization })).status).toBe(200)
    expect((await one.chat({ authorization, 'x-project-id': 'second' })).status).toBe(200)
    expect(new Set(one.spans().map(({ project }) => project))).toEqual(new Set(['p2']))
  })

  test('no project that is not there, and is recorded where its caller can see it', async () => {
    await using one = await startTestGateway({ projects: two })
    const refused = await errorOf(await one.chat({ 'x-project-id': 'third' }))
    expect(refused).toMatchObject({ status: 404, code: 'project_not_found' })
    expect(refused.message).toContain('third')
    expect(one.spans()).toMatchObject([{ project: 'default', kind: 'call', status: 'error' }])
  })

  test('no project that is archived, and the refusal says how to bring it back', async () => {
    await using one = await startTestGateway({ projects: [two[0] as never, aProject('old', { isArchived: true })] })
    const refused = await errorOf(await one.chat({ 'x-project-id': 'old' }))
    expect(refused).toMatchObject({ status: 403, code: 'project_archived' })
    expect(refused.message).toContain('trunkline projects restore old')
  })

  test("no project but its key's, whether there is another of that name or not", async () => {
    const { text, key } = aKey({ projectId: 'p2' })
    await using one = await startTestGateway({ projects: two, keys: [key] })
    const said = await Promise.all(
      ['default', 'nobodys'].map(async (name) => {
        const refused = await errorOf(await one.chat({ authorization: `Bearer ${text}`, 'x-project-id': name }))
        return { ...refused, message: refused.message.replace(name, '…') }
      }),
    )
    expect(said[0]).toMatchObject({ status: 403, code: 'project_forbidden' })
    expect(said[1]).toEqual(said[0])
    expect(new Set(one.spans().map(({ project }) => project))).toEqual(new Set(['p2']))
  })
})

describe('a project has', () => {
  test('credentials of its own, and of 10,000 calls at once each goes up with the right one', async () => {
    const wrong: string[] = []
    await using provider = await startListener(({ headers, body }, response) => {
      const said = (JSON.parse(body) as { messages: [{ content: string }] }).messages[0].content
      if (headers.authorization !== `Bearer key-of-${said}`) wrong.push(`${said}: ${headers.authorization}`)
      reply(response, 200, completion(said))
    })
    const projects = ['a', 'b'].map((id) =>
      aProject(id, {
        isDefault: id === 'a',
        credentials: [
          aCredential(`of-${id}`, 'openai', `key-of-${id}`, { at: { baseUrl: provider.url, ...privately } }),
        ],
      }),
    )
    await using one = await startTestGateway({ projects })
    const agent = new Agent({ keepAlive: true, maxSockets: 100 })
    const answered = await Promise.all(
      Array.from({ length: 10_000 }, (_, index) => said(one.url, agent, index % 2 === 0 ? 'a' : 'b')),
    )
    agent.destroy()
    expect(wrong).toEqual([])
    expect(provider.heard).toHaveLength(10_000)
    expect(answered.filter((text, index) => text !== (index % 2 === 0 ? 'a' : 'b'))).toEqual([])
  }, 60_000)

  test('a provider of its own under a name of its own, which no other project has', async () => {
    await using provider = await startListener((_heard, response) => reply(response, 200, completion('mine')))
    const own = { like: 'openai', baseUrl: provider.url, apiKey: 'of-mine-alone', ...privately }
    const [first, second] = two as [never, never]
    const projects = [first, Object.assign({}, second, { providers: { mine: own } })]
    await using one = await startTestGateway({ projects })
    const answer = await one.chat({ 'x-project-id': 'p2' }, { model: 'mine/gpt' })
    expect(await answer.json()).toMatchObject({ choices: [{ message: { content: 'mine' } }] })
    expect(provider.heard[0]).toMatchObject({ headers: { authorization: 'Bearer of-mine-alone' } })
    expect(JSON.parse(provider.heard[0]?.body ?? '')).toMatchObject({ model: 'gpt' })
    expect(await errorOf(await one.chat({}, { model: 'mine/gpt' }))).toMatchObject({ status: 401 })
    expect(provider.heard).toHaveLength(1)
  })

  test('models under names of its own, which stand before those of the configuration and are listed', async () => {
    const projects = [two[0] as never, aProject('p2', { models: { best: { provider: 'mock', model: 'echo' } } })]
    const models = { best: { provider: 'nobody', model: 'x' }, 'team/fast': { provider: 'mock', model: 'echo' } }
    await using one = await startTestGateway({ projects, config: { models } })
    const listed = async (project: string): Promise<Record<string, string>> => {
      const { data } = (await (
        await fetch(`${one.url}/v1/models`, { headers: { 'x-project-id': project } })
      ).json()) as {
        data: { id: string; owned_by: string }[]
      }
      return Object.fromEntries(data.map(({ id, owned_by }) => [id, owned_by]))
    }
    expect((await one.chat({ 'x-project-id': 'p2' }, { model: 'best' })).headers.get('x-provider-name')).toBe('mock')
    expect((await one.chat({}, { model: 'team/fast' })).status).toBe(200)
    const missing = await errorOf(await one.chat({}, { model: 'best' }))
    expect(missing).toMatchObject({ status: 404 })
    expect(missing.message).toContain('nobody, and there is no such provider')
    expect(await listed('p2')).toMatchObject({ best: 'mock', 'team/fast': 'mock' })
    expect(await listed('default')).toMatchObject({ best: 'nobody', 'mock/echo': 'mock' })
  })

  test('a provider for models that nobody claims', async () => {
    await using provider = await startListener((_heard, response) => reply(response, 200, completion('ok')))
    const config = { providers: { groq: { baseUrl: provider.url, apiKey: 'k', ...privately } } }
    const settings = { captureBodies: true }
    const projects = [
      aProject('default', { isDefault: true, settings: { ...settings, defaultProvider: 'groq' } }),
      aProject('lost', { settings: { ...settings, defaultProvider: 'gone' } }),
      aProject('poor', { settings: { ...settings, defaultProvider: 'mistral' } }),
    ]
    await using one = await startTestGateway({ projects, config })
    expect((await one.chat({}, { model: 'some/model' })).headers.get('x-provider-name')).toBe('groq')
    expect(JSON.parse(provider.heard[0]?.body ?? '')).toMatchObject({ model: 'some/model' })
    const lost = await errorOf(await one.chat({ 'x-project-id': 'lost' }, { model: 'some' }))
    expect(lost).toMatchObject({ status: 404 })
    expect(lost.message).toContain('gone, the default provider of this project, does not exist')
    const poor = await errorOf(await one.chat({ 'x-project-id': 'poor' }, { model: 'some' }))
    expect(poor).toMatchObject({ status: 401 })
    expect(poor.message).toContain('There is no credential for mistral')
  })

  test('clocks of its own, before which those of a provider stand', async () => {
    await using silent = await startListener(() => undefined)
    const at = { baseUrl: silent.url, apiKey: 'k', ...privately }
    const config = {
      providers: { groq: at, mistral: { ...at, timeouts: { headersMs: 300 } } },
      timeouts: { connectMs: 5_000, headersMs: 20_000, firstContentMs: 20_000, idleMs: 20_000, totalMs: 20_000 },
    }
    const settings = { captureBodies: true, timeouts: { headersMs: 200 } }
    await using one = await startTestGateway({ config, projects: [aProject('default', { isDefault: true, settings })] })
    const words = async (model: string): Promise<string> => (await errorOf(await one.chat({}, { model }))).message
    expect(await words('groq/m')).toContain('200 ms')
    expect(await words('mistral/m')).toContain('300 ms')
  })
})

describe('where bodies are not to be recorded', () => {
  const canary = 'canary-4711-never-to-disk'
  const settings = { captureBodies: false }
  const projects = [aProject('default', { isDefault: true, settings })]

  test('no byte of one comes to the disk, and the trace says that there is none', async () => {
    await using provider = await startListener(({ body }, response) => {
      if (body.includes('"stream":true')) {
        const chunk = { id: 'c', choices: [{ index: 0, delta: { content: canary }, finish_reason: 'stop' }] }
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.end(`data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`)
      } else reply(response, 200, completion(canary))
    })
    const groq = { baseUrl: provider.url, apiKey: 'k', ...privately }
    const asked: string[] = []
    await using one = await startTestGateway({
      projects,
      config: { providers: { groq } },
      ask: async (part, question, detail) => void asked.push(`${part} ${question} ${JSON.stringify(detail)}`),
    })
    const messages = [{ role: 'user', content: canary }]
    for (const stream of [false, true]) {
      const answer = await one.chat({}, { model: 'groq/m', messages, stream })
      expect(await answer.text()).toContain(canary)
    }
    const response = await fetch(`${one.url}/v1/responses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'groq/m', input: canary }),
    })
    const { id } = (await response.json()) as { id: string }
    // What the next turn needs is kept in memory only.
    const again = await fetch(`${one.url}/v1/responses/${id}`)
    expect(await again.text()).toContain(canary)
    expect(asked).toEqual([])

    const spans = one.spans()
    expect(spans.filter(({ kind }) => kind === 'call')).toHaveLength(3)
    for (const { kind, status, detail } of spans) {
      expect(status).toBe('ok')
      expect(Number(detail.answerBytes)).toBeGreaterThan(canary.length)
      if (kind === 'call') expect(detail).toMatchObject({ bodiesNotCaptured: true })
    }
    expect(one.writing.count('ledger')).toBe(3)
    expect(one.writing.rows('traces', 'select count(*) as n from blocks')).toEqual([{ n: 0 }])
    for (const { name, bytes } of filesOf(one.writing.folder))
      expect(`${name}: ${bytes.includes(canary)}`).toBe(`${name}: false`)
  })

  test('a provider that says back what it was asked is not quoted either', async () => {
    await using provider = await startListener((_heard, response) =>
      reply(response, 400, JSON.stringify({ error: { message: `I do not like ${canary}.`, code: 'bad' } })),
    )
    const groq = { baseUrl: provider.url, apiKey: 'k', ...privately }
    await using one = await startTestGateway({ projects, config: { providers: { groq } } })
    expect(await (await one.chat({}, { model: 'groq/m' })).text()).toContain(canary)
    const spans = one.spans()
    expect(spans).toHaveLength(2)
    for (const { detail } of spans)
      expect(detail.error).toEqual({ code: 'bad_request', message: 'What the provider said of it is not recorded.' })
    for (const { name, bytes } of filesOf(one.writing.folder))
      expect(`${name}: ${bytes.includes(canary)}`).toBe(`${name}: false`)
  })

  test('of a project next to it they are', async () => {
    await using one = await startTestGateway({ projects: [...projects, aProject('open')] })
    const messages = [{ role: 'user', content: canary }]
    await (await one.chat({ 'x-project-id': 'open' }, { messages })).text()
    const [call] = one.spans().filter(({ kind }) => kind === 'call')
    expect(call?.detail).not.toHaveProperty('bodiesNotCaptured')
    expect(one.writing.rows('traces', 'select count(*) as n from blocks')).toEqual([{ n: 1 }])
  })
})

test('while the configuration changes under load, each call goes by one version of it', async () => {
  const mixed: string[] = []
  const versions = new Set<string>()
  await using provider = await startListener(({ headers, body }, response) => {
    const { model } = JSON.parse(body) as { model: string }
    const seen = [headers.authorization, headers['x-version'], model]
    const version = String(headers['x-version'])
    versions.add(version)
    if (headers.authorization !== `Bearer key-${version}` || model !== `model-${version}`) mixed.push(seen.join(' '))
    reply(response, 200, completion('ok'))
  })
  const versionOf = (version: number) => ({
    ...usualConfig,
    providers: {
      openai: {
        baseUrl: provider.url,
        apiKey: `key-${version}`,
        headers: { 'x-version': String(version) },
        ...privately,
      },
    },
    models: { current: { provider: 'openai', model: `model-${version}` } },
  })
  await using one = await startTestGateway({ config: versionOf(0) })
  let version = 0
  let failed = 0
  const caller = async (): Promise<void> => {
    while (version < 200) {
      const answer = await one.chat({}, { model: 'current' })
      await answer.text()
      if (answer.status !== 200) failed++
    }
  }
  const editor = async (): Promise<void> => {
    while (version < 200) {
      const before = provider.heard.length
      one.gateway.configure(versionOf(++version))
      await vi.waitUntil(() => provider.heard.length > before || version === 200, { interval: 1, timeout: 10_000 })
    }
  }
  await Promise.all([editor(), ...Array.from({ length: 16 }, caller)])
  expect([mixed, failed]).toEqual([[], 0])
  expect(versions.size).toBeGreaterThan(100)
})

const filesOf = (folder: string): { name: string; bytes: Buffer }[] =>
  readdirSync(folder).map((name) => ({ name, bytes: readFileSync(join(folder, name)) }))

/** What a call in a project is answered, over one of the agent's connections. */
const said = (url: string, agent: Agent, project: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'x-project-id': project }
    const request = httpRequest(`${url}/v1/chat/completions`, { method: 'POST', agent, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => {
        const { choices } = JSON.parse(text) as { choices?: [{ message: { content: string } }] }
        resolve(choices?.[0].message.content ?? text)
      })
    })
    request.on('error', reject)
    request.end(JSON.stringify({ model: 'openai/m', messages: [{ role: 'user', content: project }] }))
  })
