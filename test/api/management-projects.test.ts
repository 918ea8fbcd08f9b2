import { expect, test } from 'vitest'
import { startApi } from '../support/management-api.ts'

test('a project is made, found by its id and its slug, renamed, archived, restored and made the default', async () => {
  await using api = await startApi()
  const made = await api.ask('POST', '/api/projects', { name: 'Support bot', settings: { default_provider: 'openai' } })
  expect(made.status).toBe(201)
  expect(made.body).toMatchObject({
    slug: 'support-bot',
    is_default: false,
    settings: { default_provider: 'openai', capture_bodies: true },
    version: 1,
  })
  const path = made.headers.get('location') as string
  expect((await api.ask('GET', path)).body).toEqual(made.body)
  expect((await api.ask('GET', '/api/projects/support-bot')).body).toEqual(made.body)

  const renamed = await api.ask('PATCH', path, { name: 'Helper', settings: { timeouts: { idle_ms: 500 } } })
  expect(renamed.body).toMatchObject({
    name: 'Helper',
    slug: 'support-bot',
    settings: { default_provider: 'openai', timeouts: { idle_ms: 500 }, capture_bodies: true },
  })
  const lessened = await api.ask('PATCH', path, { settings: { default_provider: null, timeouts: { idle_ms: null } } })
  expect(lessened.body.settings).toEqual({ capture_bodies: true })

  expect((await api.ask('POST', `${path}/archive`)).body).toMatchObject({ is_archived: true })
  expect((await api.ask('POST', `${path}/default`)).status).toBe(409)
  expect((await api.ask('POST', `${path}/restore`)).body).toMatchObject({ is_archived: false })
  expect((await api.ask('POST', `${path}/default`)).body).toMatchObject({ is_default: true })
  expect((await api.ask('GET', '/api/projects/default')).body).toMatchObject({ is_default: false })
  expect(api.faults).toEqual([])
})

test('the last project that is not archived stays, and so does the default one', async () => {
  await using api = await startApi()
  expect(await api.ask('POST', '/api/projects/default/archive')).toMatchObject({
    status: 409,
    body: { error: { code: 'conflict' } },
  })
  await api.ask('POST', '/api/projects', { name: 'Other' })
  expect((await api.ask('POST', '/api/projects/default/archive')).body.error.message).toContain(
    'Make another the default',
  )
})

test('lists come in pages that together have everything once', async () => {
  await using api = await startApi()
  for (let n = 0; n < 7; n++) await api.ask('POST', '/api/projects', { name: `Project ${n}` })
  const slugs: string[] = []
  let path: string | undefined = '/api/projects?limit=3'
  while (path !== undefined) {
    const { body } = await api.ask('GET', path)
    expect(body.data.length).toBeLessThanOrEqual(3)
    slugs.push(...body.data.map(({ slug }: { slug: string }) => slug))
    path = body.next && `/api/projects?limit=3&after=${body.next}`
  }
  expect(slugs.sort()).toEqual(['default', ...Array.from({ length: 7 }, (_, n) => `project-${n}`)])
})

test('whoever has seen an older version changes nothing', async () => {
  await using api = await startApi()
  const first = await api.ask('GET', '/api/projects/default')
  const seen = { headers: { 'if-match': first.headers.get('etag') as string } }
  expect(first.headers.get('etag')).toBe('"1"')
  expect((await api.ask('PATCH', '/api/projects/default', { name: 'Mine' }, seen)).status).toBe(200)
  const late = await api.ask('PATCH', '/api/projects/default', { name: 'Also mine' }, seen)
  expect(late).toMatchObject({ status: 412, body: { error: { code: 'precondition_failed' } } })
  expect((await api.ask('GET', '/api/projects/default')).body.name).toBe('Mine')
  const any = { headers: { 'if-match': '*' } }
  expect((await api.ask('PATCH', '/api/projects/default', { name: 'Any' }, any)).status).toBe(200)
  for (const garbled of ['W/"2"', '2', '"x"', '"1", "2"', '']) {
    const { status, body } = await api.ask('PATCH', '/api/projects/default', {}, { headers: { 'if-match': garbled } })
    expect([status, body.error.param]).toEqual([400, 'if-match'])
  }
})

const refused = [
  { name: 'a misspelt field', body: { name: 'A', setings: {} }, message: 'Did you mean "settings"?', param: 'setings' },
  {
    name: 'a setting that has no feature yet',
    body: { name: 'A', settings: { budget: 5 } },
    message: '"settings" has no field "budget"',
    param: 'settings.budget',
  },
  { name: 'no name', body: {}, message: '"name" is missing', param: 'name' },
  { name: 'a number for a name', body: { name: 5 }, message: '"name" must be a text', param: 'name' },
  { name: 'an empty name', body: { name: '' }, message: '"name" must not be empty', param: 'name' },
  { name: 'a line break in a name', body: { name: 'a\nb' }, message: 'control characters', param: 'name' },
  { name: 'half a character', body: { name: 'a\ud800' }, message: 'half characters', param: 'name' },
  {
    name: 'a provider that there is not',
    body: { name: 'A', settings: { default_provider: 'openia' } },
    message: 'perhaps "openai"',
    param: 'settings.default_provider',
  },
  {
    name: 'a time that is none',
    body: { name: 'A', settings: { timeouts: { idle_ms: 0 } } },
    message: 'at least 1',
    param: 'settings.timeouts.idle_ms',
  },
  { name: 'a list', body: [], message: 'The body must be an object', param: undefined },
  {
    name: 'a prototype',
    body: '{"name":"A","__proto__":{"x":1}}',
    message: 'There is no field "__proto__"',
    param: undefined,
  },
]

for (const { name, body, message, param } of refused) {
  test(`a project with ${name} is refused in words that name it`, async () => {
    await using api = await startApi()
    const told = await api.ask('POST', '/api/projects', body)
    expect(told.status).toBe(400)
    expect(told.body.error.code).toBe('bad_request')
    expect(told.body.error.message).toContain(message)
    expect(told.body.error.param).toBe(param)
  })
}

test('everything that is wrong is told at once', async () => {
  await using api = await startApi()
  const { body } = await api.ask('POST', '/api/projects', { nam: 'A', settings: { capture_bodies: 'yes' } })
  expect(body.error.details).toEqual(
    expect.arrayContaining([
      { param: 'name', message: '"name" is missing.' },
      { param: 'settings.capture_bodies', message: '"settings.capture_bodies" must be true or false.' },
      { param: 'nam', message: 'The body has no field "nam". Did you mean "name"?' },
    ]),
  )
})

test('whatever is wrong with a request, the answer has the one form of errors', async () => {
  await using api = await startApi()
  const json = { 'content-type': 'application/json' }
  const cases: readonly (readonly [string, string, unknown, Readonly<Record<string, string>>, number, string])[] = [
    ['GET', '/api/nothing', undefined, {}, 404, 'unknown_url'],
    ['GET', '/api/project', undefined, {}, 404, 'unknown_url'],
    ['GET', '/api/projects/', undefined, {}, 404, 'unknown_url'],
    ['GET', '/api/projects/none', undefined, {}, 404, 'project_not_found'],
    ['PUT', '/api/projects', {}, {}, 405, 'method_not_allowed'],
    ['OPTIONS', '/api/projects', undefined, {}, 405, 'method_not_allowed'],
    ['DELETE', '/api/projects/default', undefined, {}, 405, 'method_not_allowed'],
    ['POST', '/api/projects', '{"name":', json, 400, 'invalid_json'],
    ['POST', '/api/projects', '', json, 400, 'invalid_json'],
    ['POST', '/api/projects', '['.repeat(200_000), json, 400, 'invalid_json'],
    ['POST', '/api/projects', '{"name":"A"}', { 'content-type': 'text/plain' }, 415, 'unsupported_media_type'],
    ['POST', '/api/projects', JSON.stringify({ name: 'A'.repeat(2 ** 20) }), json, 413, 'body_too_large'],
    ['POST', '/api/projects/default/archive', { force: true }, {}, 400, 'bad_request'],
    ['GET', '/api/projects?limit=0', undefined, {}, 400, 'bad_request'],
    ['GET', '/api/projects?limit=101', undefined, {}, 400, 'bad_request'],
    ['GET', '/api/projects?limit=5&limit=6', undefined, {}, 400, 'bad_request'],
    ['GET', '/api/projects?limt=5', undefined, {}, 400, 'bad_request'],
    ['GET', '/api/projects?after=garbage', undefined, {}, 400, 'bad_request'],
  ]
  for (const [method, path, body, headers, status, code] of cases) {
    const told = await api.ask(method, path, body, { headers })
    expect([method, path, told.status, told.body?.error.code]).toEqual([method, path, status, code])
    expect(told.headers.get('cache-control')).toBe('no-store')
    expect(told.headers.get('x-content-type-options')).toBe('nosniff')
    expect(told.headers.get('access-control-allow-origin')).toBeNull()
  }
  const { headers } = await api.ask('PUT', '/api/projects', {})
  expect(headers.get('allow')).toBe('GET, POST, HEAD')
  expect(api.faults).toEqual([])
})

test('what is our own fault is told to the log and not to the client', async () => {
  await using api = await startApi()
  api.breakDown()
  const told = await api.ask('GET', '/api/projects')
  expect(told).toMatchObject({ status: 500, body: { error: { code: 'internal', message: 'Internal error.' } } })
  expect(api.faults).toHaveLength(1)
})
