import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ErrorBody } from '../../src/api/problems.ts'
import type { Route } from '../../src/api/route.ts'
import { routes } from '../../src/api/routes.ts'
import { credentialKinds } from '../../src/providers/credential-kinds.ts'
import { startApi, type TestApi, type Told } from '../support/management-api.ts'
import { broken, fitting, junk, type Likely, nasty, type Schema } from '../support/schema-arbitrary.ts'
import { operationOf } from '../support/schema-check.ts'

const runsOfRoute = 60
const runsOfAll = 600

/** What there is in the stores when the driver begins. */
async function furnished(api: TestApi) {
  const made = async (path: string, body: object, key?: string) => {
    const told = await api.ask('POST', path, body, key === undefined ? {} : { key })
    expect(told.status, told.text).toBe(201)
    return told.body
  }
  const a = await made('/api/projects', { name: 'A' })
  const b = await made('/api/projects', { name: 'B' })
  const provider = { name: 'own', like: 'vllm', base_url: 'https://own.example/v1', models: ['m/1'] }
  const credential = { provider: 'own', kind: 'api_key', fields: { api_key: 'sk-0123456789abcdef' } }
  const credentials: string[] = []
  for (const { id } of [a, b]) {
    await made(`/api/projects/${id}/providers`, provider)
    await made(`/api/projects/${id}/providers`, { ...provider, name: 'spare', models: [] })
    await made(`/api/projects/${id}/models`, { name: 'team/fast', provider: 'own', model: 'm/1' })
    credentials.push((await made(`/api/projects/${id}/credentials`, credential)).id)
  }
  const master = await made('/api/keys', { name: 'master', kind: 'admin' })
  const bound = await made('/api/keys', { name: 'bound', kind: 'admin', project: 'a', models: ['m*'] }, master.key)
  const calls = await made('/api/keys', { name: 'calls' }, master.key)
  const ids = [(await made('/api/keys', { name: 'idle' }, master.key)).id, 'abcdefgh']
  const likely: Likely = {
    project: ['a', 'b', 'default', a.id, b.id],
    provider: ['spare', 'own', 'openai', 'azure', 'vertex', 'bedrock', 'mock'],
    like: ['vllm', 'custom', 'azure', 'openai'],
    default_provider: ['spare', 'own', 'openai'],
    model: ['team/fast', 'm/1', 'gpt-5'],
    name: ['own', 'fresh', 'team/fast', 'A name'],
    kind: [...Object.keys(credentialKinds), 'admin', 'inference'],
    fields: [{ api_key: 'sk-fedcba9876543210' }, {}, { profile: 'p' }],
    headers: [{ 'x-a': '1' }, {}],
    address: [{ region: 'eu-west-1' }, { resource: 'r' }, {}],
    base_url: [
      'https://api.example/v1',
      'http://127.0.0.1:1/',
      'http://169.254.169.254/',
      'https://api.example/v1?key=1',
    ],
    dialects: [['openai-chat']],
    credential: credentials,
    key: ids,
    limit: ['1', '2', '100'],
    revoked: ['true', 'false'],
    archived: ['true', 'false'],
    force: ['true', 'false'],
    translation: ['strict'],
    expires_us: [(Date.now() + 1e9) * 1000],
  }
  return { keys: [master.key, master.key, master.key, bound.key, calls.key, 'tl_abcdefgh_nonsense', undefined], likely }
}

interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required?: boolean
  readonly schema: Schema
}

/** Requests for an operation, by what the document says of it: most of them fit, the others nearly. */
function requests(document: object, route: Route, likely: Likely) {
  const { parameters = [], requestBody } = operationOf(document, route) as {
    readonly parameters?: readonly Parameter[]
    readonly requestBody?: { readonly content: Record<string, { readonly schema: Schema }> }
  }
  const texts = fc.oneof(fc.constantFrom(...nasty), fc.string({ maxLength: 12 }))
  const given = ({ name, schema }: Parameter) =>
    fc.oneof(
      { weight: 6, arbitrary: fitting(document, schema, likely, name).map(String) },
      { weight: 1, arbitrary: texts },
    )
  const of = (where: Parameter['in']) => parameters.filter((one) => one.in === where)
  const record = (where: Parameter['in']) =>
    fc.record(Object.fromEntries(of(where).map((one) => [one.name, given(one)])), {
      requiredKeys: where === 'path' ? of(where).map(({ name }) => name) : [],
    })
  const schema = requestBody?.content['application/json']?.schema
  const fits = schema ? fitting(document, schema, likely) : fc.constant(undefined)
  const body = fc.oneof(
    { weight: 3, arbitrary: fits.map((value) => JSON.stringify(value)) },
    { weight: 2, arbitrary: fits.chain(broken).map((value) => JSON.stringify(value)) },
    {
      weight: 1,
      arbitrary: fc.oneof(
        junk.map((value) => JSON.stringify(value)),
        fc.string(),
        fc.constant(''),
      ),
    },
  )
  return fc.record({
    path: record('path'),
    query: fc.oneof(
      { weight: 5, arbitrary: record('query') },
      { weight: 1, arbitrary: fc.dictionary(fc.string({ minLength: 1, maxLength: 6 }), texts, { maxKeys: 2 }) },
    ),
    ifMatch: fc.option(
      fc.oneof(fc.constantFrom('*', '"1"', '"2"', '"999"', 'W/"1"', 'x'), fc.stringMatching(/^[ -~]{0,8}$/)),
      { nil: undefined, freq: 3 },
    ),
    type: fc.oneof(
      { weight: 8, arbitrary: fc.constant('application/json') },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          'text/plain',
          'application/json; charset=utf-8',
          'multipart/form-data',
          'application/xml',
        ),
      },
    ),
    body: schema ? body : fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: body }),
    who: fc.nat(6),
  })
}

function checkAnswer(route: Route, document: object, told: Told): void {
  const { status, text, body, headers } = told
  const { responses } = operationOf(document, route) as { readonly responses: object }
  expect(status).toBeLessThan(500)
  expect(Object.keys(responses)).toContain(String(status))
  expect(headers.get('cache-control')).toBe('no-store')
  if (status === 204) {
    expect(text).toBe('')
    return
  }
  const schema = status === route.status ? route.answer : ErrorBody
  expect(schema?.safeParse(body).error?.issues).toBeUndefined()
  expect(text).not.toContain('sk-0123456789abcdef')
  expect(text).not.toContain('sk-fedcba9876543210')
}

/** What the document gives as an example, asked of what there is, by somebody who may. */
function example(document: object, route: Route, likely: Likely): Request {
  const { requestBody } = operationOf(document, route) as {
    readonly requestBody?: { readonly content: Record<string, { readonly example: unknown }> }
  }
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string)
  const body = requestBody?.content['application/json']?.example
  return {
    path: Object.fromEntries(names.map((name) => [name, String(likely[name]?.[0])])),
    query: {},
    ifMatch: undefined,
    type: 'application/json',
    body: body === undefined ? undefined : JSON.stringify(body),
    who: 0,
  }
}

type Request = typeof requests extends (...all: never) => fc.Arbitrary<infer R> ? R : never

/** Sends a request, if a URL can have its path, and checks what comes back. */
async function driven(
  api: TestApi,
  document: object,
  route: Route,
  request: Request,
  key: string | undefined,
): Promise<number> {
  const { path, query, ifMatch, type, body } = request
  const real = route.path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String(path[name]).toWellFormed()),
  )
  // An empty step or one of dots makes another path, which a URL would not even keep.
  fc.pre(new URL(real, 'http://x').pathname === real && !real.includes('//') && !real.endsWith('/'))
  const search = new URLSearchParams(query as Record<string, string>).toString()
  const method = route.method.toUpperCase()
  const hasBody = body !== undefined && method !== 'GET'
  const told = await api.ask(method, search === '' ? real : `${real}?${search}`, hasBody ? body : undefined, {
    ...(key !== undefined && { key }),
    headers: { ...(hasBody && { 'content-type': type }), ...(ifMatch !== undefined && { 'if-match': ifMatch }) },
  })
  checkAnswer(route, document, told)
  expect(api.faults.map(String)).toEqual([])
  return told.status
}

for (const route of routes) {
  test(`whatever ${route.operationId} is asked, its answer is in the document, and none is our fault`, async () => {
    await using api = await startApi()
    const document = JSON.parse(JSON.stringify(api.api.document()))
    const { keys, likely } = await furnished(api)
    const statuses: number[] = []
    await fc.assert(
      fc.asyncProperty(requests(document, route, likely), async (request) => {
        statuses.push(await driven(api, document, route, request, keys[request.who]))
      }),
      { numRuns: runsOfRoute, examples: [[example(document, route, likely)]] },
    )
    expect(statuses).toHaveLength(runsOfRoute)
    // The document's own example does what it says.
    expect(statuses[0]).toBe(route.status)
  })
}

test('in whatever order all is asked, no answer is our fault, and each is one that the document has', {
  timeout: 60_000,
}, async () => {
  await using api = await startApi()
  const document = JSON.parse(JSON.stringify(api.api.document()))
  const { keys, likely } = await furnished(api)
  const any = fc.oneof(
    ...routes.map((route) => requests(document, route, likely).map((request) => ({ route, request }))),
  )
  await fc.assert(
    fc.asyncProperty(any, async ({ route, request }) => {
      await driven(api, document, route, request, keys[request.who])
    }),
    { numRuns: runsOfAll },
  )
  expect(({} as Record<string, unknown>).x).toBeUndefined()
})
