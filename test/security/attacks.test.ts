/** What somebody might try who has less leave than they want: each test is an attack, and what becomes of it. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { anybody, type Scope } from '../../src/core/access.ts'
import { GatewayError } from '../../src/core/error.ts'
import { inThreads } from '../../src/threads/supervisor.ts'
import { postChat } from '../support/calls.ts'
import { completion, reply, startListener } from '../support/gateway.ts'
import { type ApiSetup, startApi, type TestApi, type Told } from '../support/management-api.ts'
import { rawCall, rawRequest, rawSocket, readAnswer } from '../support/raw-http.ts'
import { startTest, type TestTrunkline } from '../support/trunkline.ts'
import { startBare } from './bare-server.ts'

interface Secured extends AsyncDisposable {
  readonly api: TestApi
  readonly master: string
  /** Of kind admin, bound to the project `a`. */
  readonly ofA: string
  asMaster(method: string, path: string, body?: unknown): Promise<Told>
  asA(method: string, path: string, body?: unknown): Promise<Told>
  makeKey(body: object): Promise<{ readonly id: string; readonly key: string }>
}

/** Two projects, one key for everything, and one for the first of them. */
async function secured(setup: ApiSetup = {}): Promise<Secured> {
  const api = await startApi(setup)
  for (const name of ['A', 'B']) await api.ask('POST', '/api/projects', { name })
  const { key: master } = (await api.ask('POST', '/api/keys', { name: 'master', kind: 'admin' })).body
  const makeKey: Secured['makeKey'] = async (body) => {
    const made = await api.ask('POST', '/api/keys', body, { key: master })
    expect(made.status, made.text).toBe(201)
    return made.body
  }
  const { key: ofA } = await makeKey({ name: 'of A', kind: 'admin', project: 'a' })
  return {
    api,
    master,
    ofA,
    makeKey,
    asMaster: (method, path, body) => api.ask(method, path, body, { key: master }),
    asA: (method, path, body) => api.ask(method, path, body, { key: ofA }),
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  }
}

const outcome = ({ status, body }: Told): readonly [number, string | undefined] => [status, body?.error?.code]

const aRole = { role_arn: 'arn:aws:iam::123456789012:role/models' }

/** Kinds of which the secret is not in the hands of whoever names it, but this machine's own. */
const ofThisMachine: readonly (readonly [provider: string, kind: string, fields?: object])[] = [
  ['azure', 'entra_default'],
  ['vertex', 'google_adc'],
  ['bedrock', 'aws_default'],
  ['bedrock', 'aws_profile', { profile: 'prod' }],
  ['bedrock', 'aws_role', aRole],
  ['bedrock', 'aws_role', { ...aRole, profile: 'prod' }],
]

describe('the holder of an admin key that is bound to a project', () => {
  test.each(ofThisMachine)('does not call %s as this machine itself: %s %j', async (provider, kind, fields = {}) => {
    await using the = await secured()
    const path = '/api/projects/a/credentials'
    const wanted = { provider, kind, fields }
    const refused = await the.asA('POST', path, wanted)
    expect([...outcome(refused), refused.body.error.param]).toEqual([403, 'client_key_forbidden', 'kind'])
    expect(refused.body.error.message).toContain('this machine')

    const { id } = (await the.asA('POST', path, { provider, kind: 'api_key', fields: { api_key: 'sk-mine-1' } })).body
    expect(outcome(await the.asA('PATCH', `${path}/${id}`, { kind, fields }))).toEqual([403, 'client_key_forbidden'])

    const lent = await the.asMaster('POST', path, wanted)
    expect(lent.status, lent.text).toBe(201)
    for (const change of [{ name: 'mine' }, { address: null }, { headers: { 'x-a': 'b' } }, { fields }]) {
      expect(outcome(await the.asA('PATCH', `${path}/${lent.body.id}`, change))).toEqual([403, 'client_key_forbidden'])
    }
    expect((await the.asMaster('PATCH', `${path}/${lent.body.id}`, { name: 'lent' })).status).toBe(200)
    // Another one of theirs may take its place.
    const own = { kind: 'api_key', fields: { api_key: 'sk-mine-2' } }
    expect((await the.asA('PATCH', `${path}/${lent.body.id}`, own)).status).toBe(403)
    expect((await the.asA('DELETE', `${path}/${lent.body.id}`)).status).toBe(204)
  })

  test('assumes a role with an access key of their own', async () => {
    await using the = await secured()
    const fields = { ...aRole, access_key_id: 'AKIAMINE', secret_access_key: 'mine' }
    const made = await the.asA('POST', '/api/projects/a/credentials', { provider: 'bedrock', kind: 'aws_role', fields })
    expect(made.status, made.text).toBe(201)
    // Without it, it would be this machine's.
    const path = `/api/projects/a/credentials/${made.body.id}`
    expect(outcome(await the.asA('PATCH', path, { fields: aRole }))).toEqual([403, 'client_key_forbidden'])
  })

  test('opens the server to nobody by revoking the last keys, one after the other or at once', async () => {
    for (const atOnce of [false, true]) {
      await using the = await secured()
      const other = await the.makeKey({ name: 'other of A', kind: 'admin', project: 'a' })
      const { data } = (await the.asMaster('GET', '/api/keys')).body
      const idOf = (name: string): string => data.find((one: { name: string }) => one.name === name).id
      expect((await the.asMaster('POST', `/api/keys/${idOf('master')}/revoke?force=true`)).status).toBe(200)
      const revoke = (id: string): Promise<Told> => the.asA('POST', `/api/keys/${id}/revoke?force=true`)
      const told = atOnce
        ? await Promise.all([revoke(other.id), revoke(idOf('of A'))])
        : [await revoke(other.id), await revoke(idOf('of A'))]
      expect(told.map(outcome).toSorted()).toEqual([
        [200, undefined],
        [403, 'client_key_forbidden'],
      ])
      expect((await the.api.ask('GET', '/api/me')).status).toBe(401)
      expect((await the.api.ask('GET', '/api/settings')).status).toBe(401)
    }
  })

  test('has a write-only secret sent to no other host of its vendor than that for which it was given', async () => {
    await using the = await secured()
    const path = '/api/projects/a/credentials'
    const wanted = {
      provider: 'azure',
      kind: 'api_key',
      fields: { api_key: 'azure-key-of-ours' },
      address: { resource: 'ours' },
    }
    const { id } = (await the.asMaster('POST', path, wanted)).body
    const moved = await the.asA('PATCH', `${path}/${id}`, { address: { resource: 'evil' } })
    expect([moved.status, moved.body.needs_secret]).toEqual([200, true])
    expect(await the.api.stores.credentials.open('a')).toEqual([])
  })

  test('does not take the name by which programs call another project', async () => {
    await using the = await secured()
    await the.asMaster('PATCH', '/api/projects/b', { slug: 'b2' })
    expect(outcome(await the.asA('PATCH', '/api/projects/a', { slug: 'b' }))).toEqual([403, 'client_key_forbidden'])
    expect((await the.asA('PATCH', '/api/projects/a', { slug: 'a', name: 'Mine' })).status).toBe(200)
  })

  test('learns nothing of what is wrong elsewhere', async () => {
    const problems = ['credential c1 (openai, project b) cannot be used']
    await using the = await secured({ problems })
    expect((await the.asA('GET', '/api/health')).body).toEqual({ status: 'degraded', reasons: [] })
    expect((await the.asMaster('GET', '/api/health')).body.reasons).toEqual(problems)
  })

  test('gives no other name to a model for which their key is not good', async () => {
    await using the = await secured()
    const { key } = await the.makeKey({
      name: 'narrow',
      kind: 'admin',
      project: 'a',
      models: ['openai/gpt-5-*', 'mine-*'],
    })
    const models = '/api/projects/a/models'
    const ask = (method: string, path: string, body: object): Promise<Told> => the.api.ask(method, path, body, { key })
    const dear = { name: 'mine-1', provider: 'openai', model: 'o3-pro' }
    expect(outcome(await ask('POST', models, dear))).toEqual([403, 'client_key_forbidden'])
    expect((await ask('POST', models, { ...dear, model: 'gpt-5-mini' })).status).toBe(201)
    expect(outcome(await ask('PATCH', `${models}/mine-1`, { model: 'o3-pro' }))).toEqual([403, 'client_key_forbidden'])
    expect(outcome(await ask('PATCH', `${models}/mine-1`, { provider: 'groq' }))).toEqual([403, 'client_key_forbidden'])
    expect((await ask('PATCH', `${models}/mine-1`, { model: 'gpt-5-nano' })).status).toBe(200)
  })

  test('names no address of this machine, of its network or of its cloud, however it is written', async () => {
    await using the = await secured()
    for (const host of [
      'localhost',
      'LOCALHOST.',
      'a.localhost',
      '127.1',
      '0x7f000001',
      '2130706433',
      '017700000001',
      '0',
      '0.0.0.0',
      '10.1.2.3',
      '169.254.169.254',
      '0xa9fea9fe',
      '①⑥⑨.254.169.254',
      '100.100.100.200',
      '168.63.129.16',
      'metadata.google.internal',
      'Metadata.Google.Internal.',
      '[::]',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '[::ffff:a9fe:a9fe]',
      '[::127.0.0.1]',
      '[fd00:ec2::254]',
      '[fe80::1]',
      '[fec0::1]',
      '[64:ff9b::7f00:1]',
      '[64:ff9b:1::7f00:1]',
      '[2002:7f00:1::]',
    ]) {
      for (const scheme of ['http', 'https']) {
        const base_url = `${scheme}://${host}/v1`
        const provider = await the.asA('POST', '/api/projects/a/providers', {
          name: 'inside',
          like: 'custom',
          base_url,
        })
        expect([base_url, ...outcome(provider)]).toEqual([base_url, 400, 'bad_request'])
        const fields = { api_key: 'sk-any' }
        const wanted = { provider: 'openai', kind: 'api_key', fields, base_url }
        const credential = await the.asA('POST', '/api/projects/a/credentials', wanted)
        expect([base_url, ...outcome(credential)]).toEqual([base_url, 400, 'bad_request'])
      }
    }
    for (const base_url of [
      'file:///etc/passwd',
      'unix:///run/api.sock',
      'http:localhost',
      'https://u:p@x.example',
      'gopher://x',
    ]) {
      const provider = await the.asA('POST', '/api/projects/a/providers', { name: 'inside', like: 'custom', base_url })
      expect([base_url, provider.status]).toEqual([base_url, 400])
    }
  })

  test('has no file and no variable of this machine put into what they store', async () => {
    await using the = await secured()
    const path = '/api/projects/a/credentials'
    const templates = `\${file:/etc/hostname}-\${PATH}`
    const fields = { api_key: templates }
    const wanted = { provider: 'openai', kind: 'api_key', fields, headers: { 'x-a': templates } }
    expect((await the.asA('POST', path, wanted)).status).toBe(201)
    const [opened] = await the.api.stores.credentials.open((await the.asA('GET', '/api/projects/a')).body.id)
    expect([opened?.credential.fields.api_key, opened?.at.headers]).toEqual([templates, { 'x-a': templates }])
  })

  test('stores no more than a project can use', async () => {
    await using the = await secured()
    const { id: project } = (await the.asA('GET', '/api/projects/a')).body
    const credential = { kind: 'api_key', fields: { api_key: 'sk-one-of-many' } }
    for (let made = 0; made < 100; made++)
      await the.api.stores.credentials.create(project, { provider: 'openai', credential })
    const more = { provider: 'openai', ...credential }
    const refused = await the.asA('POST', '/api/projects/a/credentials', more)
    expect([...outcome(refused), refused.body.error.message]).toEqual([409, 'conflict', expect.stringContaining('100')])
    expect((await the.asA('POST', '/api/projects/a/credentials', { ...more, provider: 'groq' })).status).toBe(201)
  })
})

test('of two who change a project at once, neither undoes unseen what the other has said', async () => {
  await using the = await secured()
  for (let round = 0; round < 5; round++) {
    await the.asMaster('PATCH', '/api/projects/a', { settings: { capture_bodies: true, timeouts: null } })
    const changes = [{ capture_bodies: false }, { timeouts: { idle_ms: 5_000 } }, { default_provider: 'openai' }]
    const told = await Promise.all(changes.map((settings) => the.asMaster('PATCH', '/api/projects/a', { settings })))
    const after = (await the.asMaster('GET', '/api/projects/a')).body.settings
    for (const [index, change] of changes.entries()) {
      if (told[index]?.status === 200) expect(after).toMatchObject(change)
      else expect(outcome(told[index] as Told)).toEqual([412, 'precondition_failed'])
    }
    expect(told.some(({ status }) => status === 200)).toBe(true)
  }
})

test('a call that was begun with a key is refused when that has been revoked before its body is there', async () => {
  let nowUs = 0
  let isRevoked = false
  const asked: Scope[] = []
  await using server = await startBare({
    clock: () => nowUs,
    admit: (_request, scope) => {
      asked.push(scope)
      if (isRevoked) throw new GatewayError('client_key_invalid', 'It has been revoked.')
      return anybody
    },
  })
  const headers = ['Content-Type: application/json']
  const request = rawRequest(server.url, { target: '/', headers, body: '{"a":"b"}' })
  const socket = await rawSocket(server.url)
  socket.write(request.subarray(0, -1))
  await vi.waitFor(() => expect(asked).toEqual(['inference']))
  isRevoked = true
  nowUs += 600_000
  socket.write(request.subarray(-1))
  expect((await readAnswer(socket)).status).toBe(401)
  expect([server.seen, asked]).toEqual([[], ['inference', 'inference']])
  socket.destroy()
})

describe('a stranger without a key', () => {
  test('has no body of the API read, at neither port', async () => {
    await using one = await startTest()
    const { key } = await made(one, { name: 'master', kind: 'admin' })
    for (const url of [one.url, one.trunkline.uiUrl]) {
      for (const method of ['POST', 'PATCH', 'PUT', 'DELETE']) {
        const headers = ['Content-Type: application/json', 'Content-Length: 1000000']
        // Nothing of the body is ever sent: an answer that waited for it would not come.
        const { status, body } = await rawCall(url, { method, target: '/api/projects', headers })
        expect([url, method, status]).toEqual([url, method, 401])
        expect(JSON.parse(body)).toEqual({ error: { code: 'client_key_missing', message: expect.any(String) } })
      }
      const document = await fetch(`${url}/api/openapi.json`)
      expect(document.status).toBe(200)
      const authorization = `Bearer ${key}`
      expect((await fetch(`${url}/api/projects`, { headers: { authorization } })).status).toBe(200)
    }
  })

  test('is let in by no moment in which the part that knows the keys is born again', async () => {
    await using one = await startTest({ spawn: inThreads })
    await made(one, { name: 'master', kind: 'admin' })
    const born = one.trunkline.parts.control.link
    one.trunkline.parts.control.restart()
    const statuses = new Set<number>()
    const isBack = (): boolean => {
      const { condition, link } = one.trunkline.parts.control
      return link !== undefined && link !== born && condition?.phase === 'ready'
    }
    do {
      const told = await Promise.all([
        postChat(one.url, 'Hi'),
        fetch(`${one.url}/v1/models`),
        fetch(`${one.url}/api/projects`),
        fetch(`${one.trunkline.uiUrl}/api/projects`).catch(() => undefined),
      ])
      for (const response of told) if (response) statuses.add(response.status)
    } while (!isBack())
    expect([...statuses].filter((status) => status !== 401 && status !== 503)).toEqual([])
    expect(statuses).toContain(401)
    expect((await postChat(one.url, 'Hi')).status).toBe(401)
  })
})

test('what a project says only to its own address is said nowhere else when its credential cannot be used any more', async () => {
  await using usual = await startListener((_heard, response) => reply(response, 200, completion('usual')))
  await using own = await startListener((_heard, response) => reply(response, 200, completion('own')))
  await using one = await startTest({
    settings: { 'providers.openai.base_url': usual.url, 'providers.openai.api_key': 'sk-of-the-operator' },
  })
  const ask = (method: string, path: string, body: object): Promise<Response> =>
    fetch(`${one.trunkline.uiUrl}/api/projects/default/${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const chat = async (model: string): Promise<number> => (await postChat(one.url, 'Hi', { model })).status
  const fields = { api_key: 'sk-of-the-project' }
  const wanted = { provider: 'openai', kind: 'api_key', fields, base_url: own.url }
  const { id } = (await (await ask('POST', 'credentials', wanted)).json()) as { id: string }
  expect([await chat('openai/m'), await chat('m')]).toEqual([200, 200])

  const masterKey = join(one.dataDir, 'master.key')
  const kept = readFileSync(masterKey)
  rmSync(masterKey)
  await ask('PATCH', `credentials/${id}`, { name: 'seen anew' })
  expect([await chat('openai/m'), await chat('m')]).toEqual([401, 401])
  writeFileSync(masterKey, kept, { mode: 0o600 })
  await ask('PATCH', `credentials/${id}`, { base_url: `${own.url}/elsewhere` })
  expect([await chat('openai/m'), await chat('m')]).toEqual([401, 401])
  expect([usual.heard.length, own.heard.length]).toEqual([0, 2])
  // Another one that can be used is enough, and without any of its own the project has what everybody has.
  await ask('POST', 'credentials', { ...wanted, priority: 2 })
  expect(await chat('openai/m')).toBe(200)
  const { data } = (await (await fetch(`${one.trunkline.uiUrl}/api/projects/default/credentials`)).json()) as {
    data: { id: string }[]
  }
  for (const credential of data)
    await fetch(`${one.trunkline.uiUrl}/api/projects/default/credentials/${credential.id}`, { method: 'DELETE' })
  expect(await chat('openai/m')).toBe(200)
  expect([usual.heard.length, own.heard.length]).toEqual([1, 3])
})

test('tests of credentials that nobody answers do not pile up', async () => {
  let asked = 0
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  await using provider = await startListener(async (_heard, response) => {
    asked++
    await released
    reply(response, 200, '{"data":[]}')
  })
  await using one = await startTest()
  const credentials = `${one.trunkline.uiUrl}/api/projects/default/credentials`
  const post = (url: string, body?: object): Promise<Response> =>
    fetch(url, {
      method: 'POST',
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
  const wanted = { provider: 'openai', kind: 'api_key', fields: { api_key: 'sk-any-key' }, base_url: provider.url }
  const { id } = (await (await post(credentials, wanted)).json()) as { id: string }
  const running = Array.from({ length: 8 }, () => post(`${credentials}/${id}/test`))
  await vi.waitFor(() => expect(asked).toBe(8))
  const refused = await post(`${credentials}/${id}/test`)
  expect(refused.status).toBe(429)
  expect(await refused.json()).toMatchObject({ error: { code: 'too_many_waiting' } })
  release()
  expect((await Promise.all(running)).map(({ status }) => status)).toEqual(Array(8).fill(200))
  expect((await post(`${credentials}/${id}/test`)).status).toBe(200)
})

test('a key that is revoked is refused at once: on a connection that is open already, and for the API at either port', async () => {
  await using one = await startTest()
  const { key: master } = await made(one, { name: 'master', kind: 'admin' })
  const { id, key } = await made(one, { name: 'other', kind: 'admin' }, master)
  const head = [`Authorization: Bearer ${key}`]
  const targets = [
    [one.url, '/v1/models'],
    [one.url, '/api/me'],
    [one.trunkline.uiUrl, '/api/me'],
  ] as const
  const sockets = await Promise.all(targets.map(([url]) => rawSocket(url)))
  const statuses = (): Promise<number[]> =>
    Promise.all(
      targets.map(async ([url, target], index) => {
        const socket = sockets[index] as Socket
        socket.write(rawRequest(url, { method: 'GET', target, headers: head }))
        return (await readAnswer(socket)).status
      }),
    )
  expect(await statuses()).toEqual([200, 200, 200])
  const revoked = await fetch(`${one.trunkline.uiUrl}/api/keys/${id}/revoke`, {
    method: 'POST',
    headers: { authorization: `Bearer ${master}` },
  })
  expect(revoked.status).toBe(200)
  expect(await statuses()).toEqual([401, 401, 401])
  for (const socket of sockets) socket.destroy()
})

async function made(
  { trunkline }: TestTrunkline,
  body: object,
  by?: string,
): Promise<{ readonly id: string; readonly key: string }> {
  const response = await fetch(`${trunkline.uiUrl}/api/keys`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(by !== undefined && { authorization: `Bearer ${by}` }) },
    body: JSON.stringify(body),
  })
  expect(response.status).toBe(201)
  return (await response.json()) as { id: string; key: string }
}
