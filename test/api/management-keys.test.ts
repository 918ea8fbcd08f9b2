import { expect, test } from 'vitest'
import { startApi, type TestApi } from '../support/management-api.ts'

async function makeKey(
  api: TestApi,
  body: object,
  key?: string,
): Promise<{ readonly id: string; readonly key: string }> {
  const made = await api.ask('POST', '/api/keys', body, key === undefined ? {} : { key })
  expect(made.status, made.text).toBe(201)
  return made.body
}

/** Two projects, and a key of each kind that there is. */
async function secured(): Promise<{
  readonly api: TestApi
  readonly keys: { readonly master: string; readonly ofA: string; readonly calls: string }
  readonly a: string
  readonly b: string
}> {
  const api = await startApi()
  const a = (await api.ask('POST', '/api/projects', { name: 'A' })).body.id
  const b = (await api.ask('POST', '/api/projects', { name: 'B' })).body.id
  const master = (await makeKey(api, { name: 'master', kind: 'admin' })).key
  const ofA = (await makeKey(api, { name: 'of A', kind: 'admin', project: 'a' }, master)).key
  const calls = (await makeKey(api, { name: 'calls', project: 'a' }, master)).key
  return { api, keys: { master, ofA, calls }, a, b }
}

test('a key is shown once, when it is made', async () => {
  await using api = await startApi()
  const made = await api.ask('POST', '/api/keys', { name: 'First', kind: 'admin' })
  expect(made.status).toBe(201)
  expect(made.body.key).toMatch(/^tl_[a-z0-9]{8}_[\w-]{43}$/)
  const { key, ...rest } = made.body
  const found = await api.ask('GET', made.headers.get('location') as string, undefined, { key })
  expect(found.body).toEqual(rest)
  expect(found.text).not.toContain(key.slice(15))
  expect((await api.ask('GET', '/api/keys', undefined, { key })).text).not.toContain(key.slice(15))
})

test('from the first key on everything needs one', async () => {
  await using api = await startApi()
  expect((await api.ask('GET', '/api/me')).body).toEqual({ scopes: ['public', 'inference', 'admin', 'operator'] })
  const { key } = await makeKey(api, { name: 'First', kind: 'admin' })
  for (const path of ['/api/projects', '/api/keys', '/api/settings', '/api/me', '/api/health']) {
    expect([path, (await api.ask('GET', path)).status]).toEqual([path, 401])
    expect([path, (await api.ask('GET', path, undefined, { key })).status]).toEqual([path, 200])
    expect([path, (await api.ask('GET', path, undefined, { key: `${key.slice(0, -4)}AAAA` })).status]).toEqual([
      path,
      401,
    ])
  }
})

test('a first key that could not make others is refused, with the way out', async () => {
  await using api = await startApi()
  for (const body of [{ name: 'calls' }, { name: 'bound', kind: 'admin', project: 'default' }]) {
    const told = await api.ask('POST', '/api/keys', body)
    expect(told.status).toBe(409)
    expect(told.body.error.message).toContain('Make one of kind admin first')
  }
})

test('a key of a project manages that project and nothing else', async () => {
  const { api, keys, a, b } = await secured()
  await using _ = api
  const key = keys.ofA
  const asks: readonly (readonly [string, string, object | undefined, number, string?])[] = [
    ['GET', `/api/projects/${a}`, undefined, 200],
    ['PATCH', '/api/projects/a', { name: 'Renamed' }, 200],
    ['GET', '/api/projects/a/providers', undefined, 200],
    ['GET', `/api/projects/${b}`, undefined, 403, 'project_forbidden'],
    ['GET', '/api/projects/b/credentials', undefined, 403, 'project_forbidden'],
    ['GET', '/api/projects/never-was', undefined, 403, 'project_forbidden'],
    ['PATCH', '/api/projects/default', { name: 'Mine' }, 403, 'project_forbidden'],
    ['POST', '/api/projects', { name: 'C' }, 403, 'client_key_forbidden'],
    ['POST', '/api/projects/a/archive', undefined, 403, 'client_key_forbidden'],
    ['POST', '/api/projects/a/default', undefined, 403, 'client_key_forbidden'],
    ['GET', '/api/settings', undefined, 403, 'client_key_forbidden'],
    ['PATCH', '/api/settings', {}, 403, 'client_key_forbidden'],
    ['GET', '/api/keys?project=b', undefined, 403, 'project_forbidden'],
  ]
  for (const [method, path, body, status, code] of asks) {
    const told = await api.ask(method, path, body, { key })
    expect([method, path, told.status, told.body.error?.code]).toEqual([method, path, status, code])
  }
  const { body } = await api.ask('GET', '/api/projects', undefined, { key })
  expect(body.data.map(({ slug }: { slug: string }) => slug)).toEqual(['a'])
})

test('a key for calls manages nothing', async () => {
  const { api, keys } = await secured()
  await using _ = api
  for (const path of ['/api/projects', '/api/projects/a', '/api/keys', '/api/settings', '/api/health']) {
    const told = await api.ask('GET', path, undefined, { key: keys.calls })
    expect([path, told.status, told.body.error.code]).toEqual([path, 403, 'client_key_forbidden'])
  }
  expect((await api.ask('GET', '/api/me', undefined, { key: keys.calls })).body).toMatchObject({
    key: { kind: 'inference' },
    scopes: ['public', 'inference'],
  })
})

test('what belongs to another project is not there, whatever its id', async () => {
  const { api, keys } = await secured()
  await using _ = api
  const credential = await api.ask(
    'POST',
    '/api/projects/b/credentials',
    { provider: 'openai', kind: 'api_key', fields: { api_key: 'sk-of-project-b-0001' } },
    { key: keys.master },
  )
  const ofB = await makeKey(api, { name: 'of B', project: 'b' }, keys.master)
  for (const key of [keys.ofA, keys.master]) {
    const path = `/api/projects/a/credentials/${credential.body.id}`
    expect((await api.ask('GET', path, undefined, { key })).status).toBe(404)
    expect((await api.ask('PATCH', path, { priority: 2 }, { key })).status).toBe(404)
    expect((await api.ask('POST', `${path}/test`, undefined, { key })).status).toBe(404)
    expect((await api.ask('DELETE', path, undefined, { key })).status).toBe(204)
  }
  expect((await api.ask('GET', `/api/keys/${ofB.id}`, undefined, { key: keys.ofA })).status).toBe(404)
  expect((await api.ask('POST', `/api/keys/${ofB.id}/revoke`, undefined, { key: keys.ofA })).status).toBe(404)
  expect((await api.ask('DELETE', `/api/keys/${ofB.id}`, undefined, { key: keys.ofA })).status).toBe(204)
  expect((await api.ask('GET', `/api/keys/${ofB.id}`, undefined, { key: keys.master })).body.revoked_us).toBeUndefined()
  const still = await api.ask('GET', `/api/projects/b/credentials/${credential.body.id}`, undefined, {
    key: keys.master,
  })
  expect(still.status).toBe(200)
})

test('a key makes keys only within its own scope', async () => {
  const { api, keys } = await secured()
  await using _ = api
  const endUs = (Date.now() + 3_600_000) * 1000
  const narrow = await makeKey(
    api,
    { name: 'narrow', kind: 'admin', project: 'a', models: ['gpt-*'], expires_us: endUs },
    keys.master,
  )
  const fits = { name: 'x', project: 'a', models: ['gpt-5*'], expires_us: endUs }
  const cases: readonly (readonly [object, number, string | undefined])[] = [
    [fits, 201, undefined],
    [{ ...fits, kind: 'admin' }, 201, undefined],
    [{ ...fits, project: undefined }, 403, 'project'],
    [{ ...fits, project: 'b' }, 403, 'project'],
    [{ ...fits, models: undefined }, 403, 'models'],
    [{ ...fits, models: ['*'] }, 403, 'models'],
    [{ ...fits, models: ['gpt-5', 'claude-*'] }, 403, 'models'],
    [{ ...fits, expires_us: undefined }, 403, 'expires_us'],
    [{ ...fits, expires_us: endUs + 1 }, 403, 'expires_us'],
  ]
  for (const [body, status, param] of cases) {
    const told = await api.ask('POST', '/api/keys', body, { key: narrow.key })
    expect([body, told.status, told.body.error?.param]).toEqual([body, status, param])
  }
  expect((await api.ask('POST', '/api/keys', fits, { key: keys.calls })).status).toBe(403)
  expect((await api.ask('GET', '/api/keys', undefined, { key: narrow.key })).body.data).toHaveLength(5)
})

test('a revoked key is refused, and to revoke it once more changes nothing', async () => {
  const { api, keys } = await secured()
  await using _ = api
  const { id, key } = await makeKey(api, { name: 'short', kind: 'admin' }, keys.master)
  expect((await api.ask('GET', '/api/me', undefined, { key })).status).toBe(200)
  const first = await api.ask('POST', `/api/keys/${id}/revoke`, undefined, { key: keys.master })
  expect(first).toMatchObject({ status: 200, body: { id, revoked_us: expect.any(Number) } })
  expect((await api.ask('GET', '/api/me', undefined, { key })).status).toBe(401)
  const second = await api.ask('POST', `/api/keys/${id}/revoke`, undefined, { key: keys.master })
  expect(second.body).toEqual(first.body)
  expect((await api.ask('DELETE', `/api/keys/${id}`, undefined, { key: keys.master })).status).toBe(204)
  expect((await api.ask('DELETE', '/api/keys/neverwas', undefined, { key: keys.master })).status).toBe(204)
  const revoked = await api.ask('GET', '/api/keys?revoked=true', undefined, { key: keys.master })
  expect(revoked.body.data.map((one: { id: string }) => one.id)).toEqual([id])
})

test('the last key with which everything can be managed is revoked only if that is meant', async () => {
  const { api, keys } = await secured()
  await using _ = api
  const { id } = (await api.ask('GET', '/api/me', undefined, { key: keys.master })).body.key
  const told = await api.ask('DELETE', `/api/keys/${id}`, undefined, { key: keys.master })
  expect(told.status).toBe(409)
  expect(told.body.error.message).toContain('?force=true')
  expect((await api.ask('DELETE', `/api/keys/${id}?force=true`, undefined, { key: keys.master })).status).toBe(204)
  expect((await api.ask('GET', '/api/me', undefined, { key: keys.master })).status).toBe(401)
})

test('an expiry that has passed, a name twice among the models and an unknown project are refused', async () => {
  await using api = await startApi()
  const cases: readonly (readonly [object, number, string])[] = [
    [{ name: 'x', kind: 'admin', expires_us: 1 }, 400, 'expires_us'],
    [{ name: 'x', kind: 'admin', models: ['a', 'a'] }, 400, 'models'],
    [{ name: 'x', kind: 'admin', models: [] }, 400, 'models'],
    [{ name: 'x', kind: 'root' }, 400, 'kind'],
    [{ name: 'x', kind: 'admin', project: 'nowhere' }, 404, 'project'],
  ]
  for (const [body, status, param] of cases) {
    const told = await api.ask('POST', '/api/keys', body)
    expect([body, told.status, told.body.error.param]).toEqual([body, status, param])
  }
})
