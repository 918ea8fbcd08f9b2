/**
 * Line 8 of the security checklist: a secret of its own in every place where one can be given, then everything that can
 * go wrong, and after it all that was said and written is searched for any of them, in whatever form.
 */

import { spawn } from 'node:child_process'
import { createHash, generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, test, vi } from 'vitest'
import { credentialKinds } from '../../src/providers/credential-kinds.ts'
import { dataFiles } from '../../src/store/files.ts'
import { readiness } from '../support/calls.ts'
import { filesBelow, leaksIn, type Place, unpackedIn } from '../support/canary.ts'
import { serving, trunkline } from '../support/cli.ts'
import { temporaryFolder } from '../support/data-folder.ts'
import { startEchoing, ways } from '../support/echoing-upstream.ts'

vi.setConfig({ testTimeout: 120_000 })

const secrets: Record<string, string> = {}

/** A secret that is nowhere else, with the letters in it that are written in different ways. */
function secret(name: string): string {
  const text = `sk-canary/${createHash('sha256').update(name).digest('base64url').slice(0, 20)}+x==`
  secrets[name] = text
  return text
}

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
})
for (const line of [3, 9, 17]) secrets[`line ${line} of the private key`] = privateKey.split('\n')[line] as string

const keyFile = (name: string) => ({
  type: 'service_account',
  project_id: 'p',
  private_key_id: secret(name),
  private_key: privateKey,
  client_email: 'a@p.iam.gserviceaccount.com',
  token_uri: 'https://oauth2.googleapis.com/token',
})

const masterKey = createHash('sha256').update('canary').digest()
secrets['the master key'] = masterKey.toString('base64').slice(0, -1)
secrets['the master key, in hex'] = masterKey.toString('hex')

/** A credential of each kind, every secret of it one that is looked for. */
const credentials = [
  { provider: 'openai', kind: 'api_key', fields: { api_key: secret('api_key') } },
  {
    provider: 'azure',
    kind: 'entra_id',
    fields: { tenant_id: 't', client_id: 'c', client_secret: secret('client_secret') },
  },
  { provider: 'azure', kind: 'entra_default', fields: {} },
  {
    provider: 'bedrock',
    kind: 'aws_static',
    fields: {
      access_key_id: 'AKIDEXAMPLE',
      secret_access_key: secret('secret_access_key'),
      session_token: secret('session_token'),
    },
  },
  { provider: 'bedrock', kind: 'aws_profile', fields: { profile: 'work' } },
  {
    provider: 'bedrock',
    kind: 'aws_role',
    fields: {
      role_arn: 'arn:aws:iam::123456789012:role/r',
      access_key_id: 'AKIDEXAMPLE',
      secret_access_key: secret('secret_access_key of a role'),
    },
  },
  { provider: 'bedrock-mantle', kind: 'aws_default', fields: {} },
  { provider: 'vertex', kind: 'google_service_account', fields: { key_json: keyFile('private_key_id') } },
  { provider: 'vertex', kind: 'google_adc', fields: {} },
  { provider: 'house', kind: 'none', fields: {} },
]

test('what is searched for is found, however it is written', () => {
  const text = 'sk-"canary/é+0123456789=='
  const written = [
    `a key: ${text}`,
    JSON.stringify({ a: text }),
    JSON.stringify(JSON.stringify({ a: text })),
    JSON.stringify({ a: text }).replaceAll('/', '\\/'),
    `?key=${encodeURIComponent(text)}`,
    new URLSearchParams({ text }).toString(),
    Buffer.from(text).toString('hex'),
    Buffer.from(text).toString('hex').toUpperCase(),
    ...['', 'a', 'ab', 'abc:'].flatMap((before) => [
      Buffer.from(`${before}${text}`).toString('base64'),
      Buffer.from(`${before}${text} and more`).toString('base64url'),
    ]),
  ]
  for (const said of written)
    expect([said, leaksIn([{ name: 'here', bytes: said }], { it: text }).length > 0]).toEqual([said, true])
  expect(leaksIn([{ name: 'here', bytes: Buffer.from(written[0] as string) }], { it: text })).toEqual([
    'it in here, as it is',
  ])
  expect(leaksIn([{ name: 'here', bytes: 'sk-"canary/é' }], { it: text })).toEqual([])
})

test('a secret of every kind is seen by its provider, and by nobody else whatever goes wrong', async () => {
  expect([...new Set(credentials.map(({ kind }) => kind))].sort()).toEqual(Object.keys(credentialKinds).sort())
  using folder = temporaryFolder()
  await using provider = await startEchoing()
  const dataDir = join(folder.path, 'data')
  const home = join(folder.path, 'home')
  for (const made of [dataDir, home]) mkdirSync(made, { mode: 0o700 })
  const inHome = (name: string, text: string): string => {
    writeFileSync(join(home, name), text)
    return join(home, name)
  }
  const file = join(dataDir, 'trunkline.yaml')
  const good = configFile(provider.url, inHome('gemini', `${secret('what stands in a file')}\n`))
  writeFileSync(file, good, { mode: 0o600 })
  const environment = {
    ...environmentOf(provider.url),
    HOME: home,
    AWS_SHARED_CREDENTIALS_FILE: inHome(
      'aws',
      `[work]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = ${secret('secret of a profile')}\n`,
    ),
    GOOGLE_APPLICATION_CREDENTIALS: inHome('adc.json', JSON.stringify(keyFile('private_key_id of the machine'))),
  }
  const places: Place[] = []
  await using server = await serving(['--data-dir', dataDir, '--log-level', 'debug'], environment)
  const clients = new Clients(server.url, (name, bytes) => places.push({ name, bytes }))
  const run = async (...args: string[]): Promise<void> => {
    const { stdout, stderr } = await trunkline([...args, '--data-dir', dataDir], environment)
    places.push({ name: args.join(' '), bytes: `${stdout}\n${stderr}` })
  }

  // While the gateway is open: what clients bring of their own.
  for (const headers of [
    { authorization: `Bearer ${secret('key of a client, as bearer')}` },
    { 'x-api-key': secret('key of a client, as x-api-key') },
    { 'x-goog-api-key': secret('key of a client, as x-goog-api-key') },
    { 'api-key': secret('key of a client, as api-key') },
    { cookie: `session=${secret('cookie of a client')}` },
    { 'proxy-authorization': `Basic ${secret('proxy-authorization of a client')}` },
  ])
    for (const door of doors('way-401', false)) await clients.ask('POST', door.path, door.body, headers)
  const inQuery = encodeURIComponent(secret('key of a client, in the address'))
  await clients.ask('POST', `/gemini/v1beta/models/way-401:generateContent?key=${inQuery}`, gemini)

  // Credentials of every kind, and whatever can be done wrong with them.
  const ids: string[] = []
  for (const [index, credential] of credentials.entries()) {
    const headers = { 'x-of-operator': secret(`header of credential ${index}`) }
    const base = ['api_key', 'none'].includes(credential.kind) ? { base_url: `${provider.url}/v1` } : {}
    const answer = await clients.ask('POST', `${api}/credentials`, { ...credential, ...base, headers })
    expect([credential.kind, answer.status, answer.text]).toEqual([credential.kind, 201, answer.text])
    ids.push(JSON.parse(answer.text).id)
  }
  for (const wrong of wrongCredentials()) await clients.ask('POST', `${api}/credentials`, wrong)
  for (const wrong of wrongCredentials()) await clients.ask('PATCH', `${api}/credentials/${ids[0]}`, wrong)
  await clients.ask('POST', `${api}/providers`, {
    name: 'ours',
    like: 'openai',
    base_url: `${provider.url}/v1`,
  })
  for (const wrong of wrongProviders(provider.url)) await clients.ask('POST', `${api}/providers`, wrong)
  await clients.ask('PATCH', '/api/settings', { 'providers.openai.api_key': secret('setting that is none') })
  // One of AWS would be tried with AWS itself.
  for (const [index, id] of ids.entries())
    if (!credentials[index]?.kind.startsWith('aws_')) await clients.ask('POST', `${api}/credentials/${id}/test`)
  for (const path of readable) await clients.ask('GET', path)

  // Client keys: each is told once, to whoever makes it.
  const key = await clients.mint('operator', { name: 'operator', kind: 'admin' })
  secrets['a client key'] = await clients.mint('inference', { name: 'calls', kind: 'inference' })
  secrets['the key of the operator'] = key
  const wrongKey = `${key.slice(0, -5)}AAAAA`
  secrets['a client key that is wrong'] = wrongKey
  for (const headers of [
    { authorization: `Bearer ${wrongKey}` },
    { 'x-api-key': `${wrongKey}x` },
    { authorization: `Basic ${wrongKey}` },
    { authorization: `Bearer ${key}`, 'x-api-key': wrongKey },
    { 'x-goog-api-key': secret('key of a client that is none of ours') },
  ]) {
    for (const door of doors('way-401', false)) await clients.ask('POST', door.path, door.body, headers)
    for (const path of readable) await clients.ask('GET', path, undefined, headers)
  }
  await clients.ask('GET', `/api/keys?key=${wrongKey}`)
  clients.key = key

  // The storm.
  for (const way of Object.keys(ways)) {
    for (const model of way === '401' ? [...models, ...cloudModels] : models) {
      const asked = [false, true].flatMap((isStream) => doors(`${model}way-${way}`, isStream))
      await Promise.all(asked.map(({ path, body }) => clients.ask('POST', path, body)))
    }
  }
  for (const path of ['/v1/models', '/health/live', '/health/ready', '/v1/nothing']) await clients.ask('GET', path)

  // A configuration that is edited with a slip of the hand.
  for (const [index, slip] of slips(good).entries()) {
    writeFileSync(file, slip)
    await vi.waitFor(async () => expect((await readiness(server.url)).status, `slip ${index}`).toBe('degraded'), {
      timeout: 10_000,
    })
    for (const path of ['/health/ready', '/api/health', '/api/settings']) await clients.ask('GET', path)
    await Promise.all([run('config', 'check'), run('config', 'show')])
    writeFileSync(file, good)
    await vi.waitFor(async () => expect((await readiness(server.url)).reasons ?? []).toEqual([]), { timeout: 10_000 })
  }

  // What commands show, with a server and of its files.
  inHome('wrong.json', JSON.stringify({ ...keyFile('private_key_id of a wrong file'), private_key: 7 }))
  const commands = [
    ['config', 'show', '--all'],
    ['config', 'show', '--json'],
    ['credentials', 'list'],
    ['credentials', 'list', '--json'],
    ['credentials', 'test', String(ids[0])],
    ['credentials', 'add', 'openai', '--from-env', 'OPENAI_API_KEY', '--priority', '0'],
    ['credentials', 'add', 'openai', '--from-env', 'OPENAI_API_KEY', '--kind', 'entra_id'],
    ['credentials', 'add', 'openai', '--from-env', 'OPENAI_API_KEY', '--name', 'of the environment'],
    ['credentials', 'add', 'vertex', '--kind', 'google_service_account', '--from-file', join(home, 'wrong.json')],
    ['credentials', 'add', 'openai', '--field', `api_key=${secret('field in the arguments')}`],
    ['keys', 'list', '--json'],
    ['keys', 'revoke', wrongKey],
    ['projects', 'list'],
    ['db', 'check'],
    ['db', 'backup'],
    ['traces', 'list', '--json', '--limit', '1000'],
  ]
  await Promise.all(commands.map((command) => run(...command)))
  // The others are read where they are stored.
  const shown = clients.traceIds.filter((_, index) => index % 150 === 0)
  await Promise.all(shown.map((id) => run('traces', 'show', id, '--json')))
  await run('credentials', 'rotate')

  // While it runs, what it has written is partly beside the databases.
  places.push(...filesIn(dataDir, 'while it runs'))
  server.signal('SIGTERM')
  const { stdout, stderr } = await server.ended
  places.push({ name: 'the log', bytes: stdout }, { name: 'stderr', bytes: stderr }, ...filesIn(dataDir, 'at the end'))
  for (const command of [
    ['credentials', 'list'],
    ['db', 'check'],
    ['db', 'vacuum'],
    ['config', 'show'],
  ])
    await run(...command)
  places.push(...filesIn(dataDir, 'after the commands'), ...unpackedIn(dataFiles(dataDir).traces))

  expect(leaksIn(places, secrets)).toEqual([])
  const raw = places.filter(({ bytes }) => Buffer.from(bytes as string).includes(masterKey))
  expect(raw.map(({ name }) => name)).toEqual([])
  // It was all there: said back by the provider, logged, stored, and asked for.
  const asked = provider.heard.join('\n')
  for (const name of [
    'api_key',
    'a variable of the file',
    'what stands in a file',
    'api_key of the file',
    'TRUNKLINE_GROQ_API_KEY',
    'headers of the file',
  ])
    expect([name, asked.includes(secrets[name] as string)]).toEqual([name, true])
  expect(stdout.match(/"msg":"call"/g)?.length).toBeGreaterThan(300)
  expect(stdout).toMatch(/"level":50,.*trunkline\.yaml:\d+:\d+/)
})

test('a server that loses its parts says and writes no secret either, and its own key is in the file of keys only', async () => {
  using folder = temporaryFolder()
  await using provider = await startEchoing()
  const own = { ...secrets, OPENAI_API_KEY: secret('OPENAI_API_KEY of a server that crashes') }
  const child = spawn(process.execPath, [join(import.meta.dirname, 'crashing-server.ts'), folder.path], {
    env: {
      PATH: process.env.PATH,
      OPENAI_API_KEY: own.OPENAI_API_KEY,
      TRUNKLINE_OPENAI_BASE_URL: `${provider.url}/v1`,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  using _child = { [Symbol.dispose]: () => void child.kill('SIGKILL') }
  const output = Promise.all([text(child.stdout as Readable), text(child.stderr as Readable)])
  const failed = output.then(([, stderr]) => Promise.reject(new Error(`The server did not start: ${stderr}`)))
  const [url] = (await Promise.race([once(child, 'message'), failed])) as [string]
  failed.catch(() => undefined)
  const places: Place[] = []
  const clients = new Clients(url, (name, bytes) => places.push({ name, bytes }))
  const tell = async (): Promise<void> => {
    for (const path of [...readable, '/health/ready']) await clients.ask('GET', path)
  }
  const credential = {
    provider: 'anthropic',
    kind: 'api_key',
    fields: { api_key: secret('api_key of a server that crashes') },
    headers: { 'x-of-operator': secret('header of a server that crashes') },
    base_url: provider.url,
  }
  expect((await clients.ask('POST', `${api}/credentials`, credential)).status).toBe(201)
  for (const part of ['control', 'reader', 'writer', 'control']) {
    const calls = ['way-401', 'anthropic/way-event-later'].flatMap((model) => doors(model, true))
    const asked = calls.map(({ path, body }) => clients.ask('POST', path, body))
    const changed = clients.ask('POST', `${api}/credentials`, { ...credential, name: part })
    child.send(part)
    await Promise.all([...asked, changed])
    await tell()
    await vi.waitFor(
      async () =>
        expect((await readiness(url)).reasons?.filter((reason) => reason.includes('restarted')) ?? []).toEqual([]),
      { timeout: 10_000 },
    )
    await tell()
  }
  child.send('stop')
  const [stdout, stderr] = await output
  const keyFile = join(folder.path, 'master.key')
  const { keys } = JSON.parse(readFileSync(keyFile, 'utf8')) as { keys: Record<string, string> }
  const ofFile = Object.entries(keys).map(([id, key]) => [`the master key ${id}`, key] as const)
  expect(ofFile).toHaveLength(1)
  places.push({ name: 'the log', bytes: stdout }, { name: 'stderr', bytes: stderr })
  places.push(...filesIn(folder.path, 'at the end'), ...unpackedIn(dataFiles(folder.path).traces))
  const elsewhere = places.filter(({ name }) => !name.startsWith('master.key'))
  expect(elsewhere).toHaveLength(places.length - 1)
  expect(leaksIn(places, { ...own, ...secrets })).toEqual([])
  expect(leaksIn(elsewhere, Object.fromEntries(ofFile))).toEqual([])
  const raw = ofFile.map(([, key]) => Buffer.from(key, 'base64'))
  expect(elsewhere.filter(({ bytes }) => raw.some((key) => Buffer.from(bytes as string).includes(key)))).toEqual([])
  expect(stdout).toContain('The control stopped unexpectedly')
})

const api = '/api/projects/default'

/** Everything that can be read of the API without an id. */
const readable = [
  ...['', '/providers', '/models', '/credentials'].map((path) => `${api}${path}`),
  ...['projects', 'keys', 'settings', 'health', 'me', 'credential-kinds', 'openapi.json'].map((path) => `/api/${path}`),
]

const gemini = { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] }

/** A call at each door for a model of the storm. */
function doors(model: string, stream: boolean): readonly { path: string; body: object }[] {
  const messages = [{ role: 'user', content: 'Hello' }]
  const verb = stream ? 'streamGenerateContent?alt=sse' : 'generateContent'
  return [
    { path: '/v1/chat/completions', body: { model, messages, stream } },
    { path: '/v1/responses', body: { model, input: 'Hello', stream } },
    { path: '/v1/messages', body: { model, messages, stream, max_tokens: 10 } },
    { path: '/v1/messages/count_tokens', body: { model, messages } },
    { path: `/gemini/v1beta/models/${encodeURIComponent(model)}:${verb}`, body: gemini },
  ]
}

/** The providers of the storm, as they stand before a model's name; the first is the door's own. */
const models = ['', 'openai/', 'anthropic/', 'gemini/', 'groq/', 'house/', 'ours/']
/** Those for whose credentials there is no token: they are not even asked. */
const cloudModels = ['azure/', 'bedrock/', 'vertex/']

const configFile = (url: string, path: string): string => `
providers:
  openai:
    base_url: ${url}/v1?sig=${secret('query of the base_url of the file')}
    api_key: ${secret('api_key of the file')}
    headers: { x-of-file: ${secret('headers of the file')} }
  anthropic: { base_url: ${url}, api_key: "\${CANARY_NAME}" }
  gemini: { base_url: ${url}/v1beta, api_key: "\${file:${path}}" }
  groq: { base_url: ${url}/openai/v1 }
  mistral: { base_url: ${url}/v1 }
  deepseek: { base_url: ${url}/v1 }
  house: { like: custom, base_url: ${url}/v1, api_key: ${secret('api_key of a provider of the file')} }
  azure: { resource: canary, credential: { kind: entra_id, tenant_id: t, client_id: c, client_secret: ${secret('client_secret of the file')}, authority: ${url} } }
  bedrock: { credential: { kind: aws_static, access_key_id: AKIDEXAMPLE, secret_access_key: ${secret('secret_access_key of the file')} } }
  vertex: { credential: { kind: google_service_account, key_json: '${JSON.stringify(keyFile('private_key_id of the file')).replaceAll("'", "''")}' } }
`

/** Nothing of the machine, and nobody outside it. */
const environmentOf = (url: string): Record<string, string> => ({
  TRUNKLINE_MASTER_KEY: masterKey.toString('base64'),
  CANARY_NAME: secret('a variable of the file'),
  OPENAI_API_KEY: secret('OPENAI_API_KEY'),
  ANTHROPIC_API_KEY: secret('ANTHROPIC_API_KEY'),
  MISTRAL_API_KEY: secret('MISTRAL_API_KEY'),
  TRUNKLINE_GROQ_API_KEY: secret('TRUNKLINE_GROQ_API_KEY'),
  TRUNKLINE_HOUSE_API_KEY: secret('TRUNKLINE_HOUSE_API_KEY'),
  VLLORA_DEEPSEEK_API_KEY: secret('VLLORA_DEEPSEEK_API_KEY'),
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: secret('AWS_SECRET_ACCESS_KEY'),
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_ENDPOINT_URL_STS: url,
  AWS_REGION: 'us-east-1',
  IDENTITY_ENDPOINT: `${url}/identity`,
  IDENTITY_HEADER: secret('IDENTITY_HEADER'),
  HTTPS_PROXY: url,
  GCE_METADATA_HOST: url.replace('http://', ''),
})

/** Credentials that are refused, each with its secret where it has no business. */
function wrongCredentials(): readonly object[] {
  const wrong = secret('credential that is refused')
  const openai = { provider: 'openai', kind: 'api_key' }
  return [
    { ...openai, fields: { apikey: wrong } },
    { ...openai, fields: { [wrong.replaceAll(/[/+=]/g, 'x')]: 'a', api_key: [wrong] } },
    { ...openai, fields: { api_key: `${wrong}\n` }, headers: { 'x y': wrong } },
    { ...openai, fields: { api_key: wrong.repeat(2_000) } },
    { ...openai, fields: { api_key: `${wrong}ü` } },
    { ...openai, kind: 'aws_static', fields: { secret_access_key: wrong } },
    { ...openai, api_key: wrong, fields: { api_key: wrong } },
    { ...openai, fields: wrong },
    { ...openai, fields: { api_key: wrong }, headers: { authorization: wrong } },
    { ...openai, fields: { api_key: wrong }, headers: { 'x-a': `${wrong}\r\nx-b: 1` } },
    { ...openai, fields: { api_key: wrong }, base_url: `https://user:${wrong}@example.com` },
    { ...openai, fields: { api_key: wrong }, base_url: `http://169.254.169.254/?${wrong}` },
    { ...openai, fields: { api_key: wrong }, priority: 0, weight: wrong },
    { provider: 'nobody', kind: 'api_key', fields: { api_key: wrong } },
    { provider: 'vertex', kind: 'google_service_account', fields: { key_json: `{"private_key": "${wrong}"` } },
    { provider: 'vertex', kind: 'google_service_account', fields: { key_json: { private_key: wrong } } },
    { provider: 'azure', kind: 'entra_id', fields: { tenant_id: 't', client_id: 'c', client_secret: { a: wrong } } },
  ]
}

function wrongProviders(url: string): readonly object[] {
  const wrong = secret('provider that is refused')
  const ours = { name: 'wrong', like: 'openai' }
  return [
    { ...ours, base_url: `https://user:${wrong}@example.com` },
    { ...ours, base_url: `http://169.254.169.254/?key=${wrong}` },
    { ...ours, base_url: `${url}/#${wrong}` },
    { ...ours, base_url: `${url}/v1?sig=${wrong}` },
    { ...ours, base_url: url, api_key: wrong },
    { ...ours, base_url: url, headers: { authorization: wrong } },
    { ...ours, base_url: url, address: { region: wrong } },
  ]
}

/** The file with something wrong in it, each time at a secret. */
function slips(good: string): readonly string[] {
  const wrong = secret('value in a broken file')
  return [
    `${good}\n  groq: { api_key: "${wrong}\n`,
    `${good}\n  api_key: ${wrong}\n`,
    `${good}  xai: { apikey: ${wrong} }\n`,
    `${good}  xai: { api_key: [${wrong}] }\n`,
    `${good}  xai: { api_key: { ${wrong}: 1 } }\n`,
    `${good}  xai: { api_key: "${wrong} and more" }\n`,
    `${good}  xai: { headers: { authorization: ${wrong} } }\n`,
    `${good}  xai: { headers: ${wrong} }\n`,
    `${good}  xai: { base_url: "https://user:${wrong}@example.com" }\n`,
    `${good}  xai: { base_url: "nothing?${wrong}" }\n`,
    `${good}  bedrock-mantle: { credential: { kind: aws_static, secret_access_key: ${wrong} } }\n`,
    `${good}  bedrock-mantle: { credential: { kind: aws_static, access_key_id: [${wrong}], secret_access_key: 5 } }\n`,
    `${good}  xai: { api_key: "\${file:/nowhere/${'x'.repeat(10)}}" }\n  deepinfra: { api_key: *${wrong.replaceAll(/[/+=]/g, '')} }\n`,
    `${good}  xai: { credential: ${wrong} }\n`,
  ]
}

const filesIn = (dataDir: string, when: string): Place[] =>
  // The configuration is the user's own file, who has written secrets into it.
  filesBelow(dataDir, (path) => path === 'trunkline.yaml').map(({ name, bytes }) => ({
    name: `${name} ${when}`,
    bytes,
  }))

interface Answer {
  readonly status: number
  readonly text: string
}

/** Whoever asks the server; everything that it answers is put down, but the keys that it makes. */
class Clients {
  key: string | undefined
  readonly traceIds: string[] = []
  private readonly url: string
  private readonly put: (name: string, bytes: string) => void

  constructor(url: string, put: (name: string, bytes: string) => void) {
    this.url = url
    this.put = put
  }

  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const { answer, said } = await this.asked(method, path, body, headers)
    const isDoor = path.startsWith('/api/openapi')
    this.put(`${method} ${isDoor ? path : path.split('?')[0]} ${JSON.stringify(body)?.slice(0, 100)}`, said)
    return answer
  }

  /** Makes a client key, which is the one thing that is told once. */
  async mint(name: string, wanted: object): Promise<string> {
    const { answer, said } = await this.asked('POST', '/api/keys', wanted, {})
    const { key } = JSON.parse(answer.text) as { key: string }
    this.put(`the answer with the key ${name}`, said.replace(key, ''))
    this.key ??= key
    return key
  }

  private async asked(method: string, path: string, body: unknown, headers: Record<string, string>) {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(this.key !== undefined && Object.keys(headers).length === 0 && { authorization: `Bearer ${this.key}` }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const traceId = response.headers.get('x-trace-id')
    if (traceId) this.traceIds.push(traceId)
    let text = ''
    try {
      const decoder = new TextDecoder()
      for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true })
    } catch {
      // What has come of an answer that breaks off counts.
    }
    const said = `${response.status} ${response.statusText}\n${JSON.stringify([...response.headers])}\n${text}`
    return { answer: { status: response.status, text }, said }
  }
}
