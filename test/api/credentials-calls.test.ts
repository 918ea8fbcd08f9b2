import { describe, expect, test } from 'vitest'
import type { Credential, ProjectCredential, Token } from '../../src/core/credential.ts'
import {
  aCredential,
  aProject,
  completion,
  type Heard,
  reply,
  startListener,
  startTestGateway,
  type TestGateway,
} from '../support/gateway.ts'

const privately = { mayBePrivate: true }

const holding = (...credentials: readonly ProjectCredential[]) => [
  aProject('default', { isDefault: true, credentials }),
]

const keyOf = ({ headers }: Heard): string => String(headers.authorization).replace('Bearer ', '')

const refusalOf = (status: number, code: string): string =>
  JSON.stringify({ error: { message: `No (${status}).`, type: 'some_error', code } })

/** A provider that refuses some keys, each with a status and a code. */
const refusing = (refused: Readonly<Record<string, readonly [number, string]>>) =>
  startListener((heard, response) => {
    const refusal = refused[keyOf(heard)]
    if (refusal) reply(response, refusal[0], refusalOf(...refusal))
    else reply(response, 200, completion(keyOf(heard)))
  })

/** With what each attempt of a gateway's calls was paid, and what came of it. */
const attemptsOf = (one: TestGateway): unknown[] =>
  one
    .spans()
    .filter(({ kind }) => kind === 'attempt')
    .toSorted((a, b) => Number(a.detail.number) - Number(b.detail.number))
    .map(({ detail, status }) => [detail.credential, status])

describe('of several credentials for a provider', () => {
  test.each([
    [401, 'invalid_api_key'],
    [403, 'forbidden'],
    [429, 'rate_limit_exceeded'],
    [429, 'insufficient_quota'],
  ])('the second is used when the first is refused with %i %s', async (status, code) => {
    await using provider = await refusing({ first: [status, code] })
    const at = { baseUrl: provider.url, ...privately }
    const projects = holding(
      aCredential('two', 'openai', 'second', { priority: 2, at }),
      aCredential('one', 'openai', 'first', { at }),
    )
    await using one = await startTestGateway({ projects })
    const answer = await one.chat({}, { model: 'openai/m' })
    expect(answer.status).toBe(200)
    expect(await answer.text()).toContain('second')
    expect(provider.heard.map(keyOf)).toEqual(['first', 'second'])
    expect(attemptsOf(one)).toEqual([
      ['one', 'error'],
      ['two', 'ok'],
    ])
  })

  test.each([400, 404, 500, 503])('the second is of no use when the first is answered with %i', async (status) => {
    await using provider = await refusing({ first: [status, 'no_use'] })
    const at = { baseUrl: provider.url, ...privately }
    const projects = holding(
      aCredential('one', 'openai', 'first', { at }),
      aCredential('two', 'openai', 'second', { priority: 2, at }),
    )
    await using one = await startTestGateway({ projects })
    expect((await one.chat({}, { model: 'openai/m' })).status).toBe(status)
    expect(provider.heard.map(keyOf)).toEqual(['first'])
  })

  test("all may be refused: then the client hears the last one's words, and no key of them", async () => {
    await using provider = await startListener((heard, response) =>
      reply(response, 401, JSON.stringify({ error: { message: `Bad key ${keyOf(heard)}.`, code: 'invalid_api_key' } })),
    )
    const at = { baseUrl: provider.url, ...privately }
    const projects = holding(
      aCredential('one', 'openai', 'first-secret', { at }),
      aCredential('two', 'openai', 'second-secret', { priority: 2, at }),
    )
    await using one = await startTestGateway({ projects })
    const answer = await one.chat({}, { model: 'openai/m' })
    expect([answer.status, await answer.text()]).toEqual([401, expect.stringContaining('Bad key [key].')])
    expect(provider.heard).toHaveLength(2)
  })

  test('each gets its share by its weight', async () => {
    await using provider = await refusing({})
    const at = { baseUrl: provider.url, ...privately }
    const projects = holding(
      aCredential('rare', 'openai', 'rare', { weight: 1, at }),
      aCredential('often', 'openai', 'often', { weight: 9, at }),
    )
    await using one = await startTestGateway({ projects })
    for (let call = 0; call < 200; call++) await (await one.chat({}, { model: 'openai/m' })).text()
    const often = provider.heard.filter((heard) => keyOf(heard) === 'often').length
    expect(often).toBeGreaterThan(140)
    expect(often).toBeLessThan(200)
  })

  test('a count of tokens goes on to the next one, too', async () => {
    await using provider = await startListener(({ headers }, response) =>
      headers['x-api-key'] === 'first'
        ? reply(response, 401, '{"type":"error","error":{"type":"authentication_error","message":"no"}}')
        : reply(response, 200, '{"input_tokens":7}'),
    )
    const at = { baseUrl: provider.url, ...privately }
    const projects = holding(
      aCredential('one', 'anthropic', 'first', { at }),
      aCredential('two', 'anthropic', 'second', { priority: 2, at }),
    )
    await using one = await startTestGateway({ projects })
    const counted = await fetch(`${one.url}/v1/messages/count_tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'claude', messages: [{ role: 'user', content: 'Hi' }] }),
    })
    expect(await counted.json()).toEqual({ input_tokens: 7 })
    expect(provider.heard.map(({ headers }) => headers['x-api-key'])).toEqual(['first', 'second'])
  })
})

describe("a project's credential", () => {
  test('stands before what is configured, which others go on to use', async () => {
    await using provider = await refusing({})
    const config = { providers: { openai: { baseUrl: provider.url, apiKey: 'of-file', ...privately } } }
    const projects = [...holding(aCredential('own', 'openai', 'of-project')), aProject('other')]
    await using one = await startTestGateway({ projects, config })
    await one.chat({}, { model: 'openai/m' })
    await one.chat({ 'x-project-id': 'other' }, { model: 'openai/m' })
    expect(provider.heard.map(keyOf)).toEqual(['of-project', 'of-file'])
  })

  test('that is refused is not made good by what is configured', async () => {
    await using provider = await refusing({ 'of-project': [429, 'insufficient_quota'] })
    const config = { providers: { openai: { baseUrl: provider.url, apiKey: 'of-file', ...privately } } }
    await using one = await startTestGateway({ projects: holding(aCredential('own', 'openai', 'of-project')), config })
    expect((await one.chat({}, { model: 'openai/m' })).status).toBe(429)
    expect(provider.heard.map(keyOf)).toEqual(['of-project'])
  })

  test('takes its own headers to its own address, and none that are for the usual one', async () => {
    await using usual = await refusing({})
    await using elsewhere = await refusing({})
    const headers = { 'x-team': 'secret-of-the-operator' }
    const config = { providers: { openai: { baseUrl: usual.url, apiKey: 'of-file', headers, ...privately } } }
    const projects = [
      ...holding(
        aCredential('own', 'openai', 'mine', {
          at: { baseUrl: elsewhere.url, headers: { 'x-mine': 'my-own-header' }, ...privately },
        }),
      ),
      aProject('near', {
        credentials: [aCredential('near', 'openai', 'near', { at: { headers: { 'x-near': '1' } } })],
      }),
    ]
    await using one = await startTestGateway({ projects, config })
    await one.chat({}, { model: 'openai/m' })
    await one.chat({ 'x-project-id': 'near' }, { model: 'openai/m' })
    expect(elsewhere.heard[0]?.headers).toMatchObject({ 'x-mine': 'my-own-header', authorization: 'Bearer mine' })
    expect(elsewhere.heard[0]?.headers).not.toHaveProperty('x-team')
    expect(usual.heard[0]?.headers).toMatchObject({
      'x-near': '1',
      'x-team': 'secret-of-the-operator',
      authorization: 'Bearer near',
    })
  })

  test('is not to be found in what a provider says back, in an answer or in the trace', async () => {
    const secret = 'header/secret"4711'
    await using provider = await startListener((heard, response) =>
      reply(
        response,
        400,
        JSON.stringify({ error: { message: `${keyOf(heard)} with ${heard.headers['x-mine']} is bad`, code: 'x' } }),
      ),
    )
    const at = { baseUrl: provider.url, headers: { 'x-mine': secret }, ...privately }
    await using one = await startTestGateway({
      projects: holding(aCredential('own', 'openai', 'sk-canary-0815', { at })),
    })
    const said = await (await one.chat({}, { model: 'openai/m' })).text()
    expect(said).toContain('[key] with [key] is bad')
    const stored = JSON.stringify(one.spans())
    expect(stored).toContain('[key] with [key] is bad')
    for (const canary of ['sk-canary-0815', 'secret\\"4711', 'header/secret']) expect(stored).not.toContain(canary)
  })
})

test('an error under a good status says nothing of a key either', async () => {
  await using provider = await startListener((heard, response) => {
    const error = JSON.stringify({ error: { message: `Bad key ${keyOf(heard)}.`, code: 'invalid_api_key' } })
    if (!heard.body.includes('"stream":true')) reply(response, 200, error)
    else response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`data: ${error}\n\n`)
  })
  const at = { baseUrl: provider.url, ...privately }
  await using one = await startTestGateway({
    projects: holding(aCredential('own', 'openai', 'sk-canary-0815', { at })),
  })
  for (const stream of [false, true])
    expect(await (await one.chat({}, { model: 'openai/m', stream })).text()).toMatch(/Bad key \*+/)
  const [call] = one.spans().filter(({ kind }) => kind === 'call')
  expect(call?.status).toBe('error')
  expect(JSON.stringify(one.writing.rows('traces', 'select detail from spans'))).not.toContain('canary')
})

describe('a credential of a cloud', () => {
  const cloud = (id: string, credential: Credential, parts: Partial<ProjectCredential> = {}): ProjectCredential => ({
    ...aCredential(id, 'azure', ''),
    credential,
    ...parts,
  })
  const entra: Credential = {
    kind: 'entra_id',
    fields: { tenant_id: 't', client_id: 'c', client_secret: 'the-secret-of-the-app' },
  }
  const tokenOf = (token: string, expiresMs = Date.now() + 60_000): Token => ({ kind: 'bearer', token, expiresMs })

  test('goes up as the token that it was changed into, and as the next one when there is one', async () => {
    await using provider = await refusing({})
    const at = { baseUrl: provider.url, ...privately }
    const asked: unknown[] = []
    await using one = await startTestGateway({
      projects: holding(cloud('e', entra, { at })),
      ask: async (...question) => void asked.push(question),
    })
    for (const token of ['token-1', 'token-2']) {
      one.gateway.setTokens({ e: tokenOf(token) })
      expect((await one.chat({}, { model: 'azure/m' })).status).toBe(200)
    }
    expect(provider.heard.map(keyOf)).toEqual(['token-1', 'token-2'])
    expect(provider.heard.map(({ headers }) => headers['api-key'])).toEqual([undefined, undefined])
    expect(asked).toEqual([])
  })

  test('is asked for once when it has not been pushed or has ended, however many calls wait for it', async () => {
    await using provider = await refusing({})
    const asked: unknown[] = []
    const coming = Promise.withResolvers<Token>()
    await using one = await startTestGateway({
      projects: holding(cloud('e', entra, { at: { baseUrl: provider.url, ...privately } })),
      ask: (part, question, detail) => {
        asked.push([part, question, detail])
        return coming.promise
      },
    })
    one.gateway.setTokens({ e: tokenOf('ended', Date.now() - 1) })
    const calls = Array.from({ length: 20 }, () => one.chat({}, { model: 'azure/m' }))
    await expect.poll(() => one.gateway.running(), { timeout: 10_000 }).toBe(20)
    coming.resolve(tokenOf('fresh'))
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(Array(20).fill(200))
    expect(new Set(provider.heard.map(keyOf))).toEqual(new Set(['fresh']))
    expect(asked).toEqual([['control', 'token', { id: 'e' }]])
  })

  test('that could not be changed is an error that says why, and the next credential is used', async () => {
    await using provider = await refusing({})
    const at = { baseUrl: provider.url, ...privately }
    const failing = cloud('e', entra, { at })
    const projects = [
      ...holding(failing),
      aProject('both', { credentials: [failing, { ...aCredential('k', 'azure', 'key', { at }), priority: 2 }] }),
    ]
    await using one = await startTestGateway({ projects })
    one.gateway.setTokens({ e: { kind: 'failed', reason: 'AADSTS7000222: the secret has expired.' } })
    const refused = await one.chat({}, { model: 'azure/m' })
    expect([refused.status, await refused.text()]).toEqual([401, expect.stringContaining('AADSTS7000222')])
    expect(provider.heard).toEqual([])
    expect((await one.chat({ 'x-project-id': 'both' }, { model: 'azure/m' })).status).toBe(200)
    expect(provider.heard.map(({ headers }) => headers['api-key'])).toEqual(['key'])
    expect(JSON.stringify(one.spans())).not.toContain('the-secret-of-the-app')
  })

  test('of the configuration has a token, too', async () => {
    await using provider = await refusing({})
    const azure = { baseUrl: provider.url, credential: entra, ...privately }
    await using one = await startTestGateway({ config: { providers: { azure } } })
    one.gateway.setTokens({ 'config:azure': tokenOf('of-config') })
    expect((await one.chat({}, { model: 'azure/m' })).status).toBe(200)
    expect(provider.heard.map(keyOf)).toEqual(['of-config'])
    expect(attemptsOf(one)).toEqual([['config:azure', 'ok']])
  })

  test('of AWS is refused before anything is sent, with what can be used instead', async () => {
    await using provider = await refusing({})
    const aws: Credential = { kind: 'aws_static', fields: { access_key_id: 'AKIA', secret_access_key: 'aws-secret' } }
    const projects = holding(cloud('a', aws, { provider: 'bedrock', at: { baseUrl: provider.url, ...privately } }))
    await using one = await startTestGateway({ projects })
    one.gateway.setTokens({ a: { kind: 'aws', accessKeyId: 'AKIA', secretAccessKey: 'aws-secret' } })
    const refused = await one.chat({}, { model: 'bedrock/m' })
    const said = await refused.text()
    expect([refused.status, said]).toEqual([401, expect.stringContaining('AWS_BEARER_TOKEN_BEDROCK')])
    expect(said).not.toContain('aws-secret')
    expect(provider.heard).toEqual([])
  })

  test('of this machine is not shown to an address that somebody else has named', async () => {
    const local: Credential = { kind: 'entra_default', fields: {} }
    const named = cloud('l', local, { at: { baseUrl: 'https://models.evil.example' } })
    await using one = await startTestGateway({ projects: holding(named) })
    one.gateway.setTokens({ l: tokenOf('of-this-machine') })
    const refused = await one.chat({}, { model: 'azure/m' })
    expect([refused.status, await refused.text()]).toEqual([502, expect.stringContaining("this machine's own")])
    // It stands in the way of no other one.
    await using provider = await refusing({})
    const other = aCredential('k', 'azure', 'key', { priority: 2, at: { baseUrl: provider.url, ...privately } })
    one.gateway.setProjects(holding(named, other))
    expect((await one.chat({}, { model: 'azure/m' })).status).toBe(200)
    expect(provider.heard.map(({ headers }) => headers['api-key'])).toEqual(['key'])
  })
})

test('a setting of an address cannot make it the address of somebody else', async () => {
  for (const resource of ['evil.example/', 'evil.example#', 'evil.example?', 'a@evil.example:80/', 'evil.example\\']) {
    const credential = aCredential('r', 'azure', 'azure-key', { at: { address: { resource } } })
    await using one = await startTestGateway({ projects: holding(credential) })
    const refused = await one.chat({}, { model: 'azure/m' })
    expect([resource, refused.status]).toEqual([resource, 401])
  }
})
