// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are what the file may have in its values
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Given, load, loadAll, problemsOf } from '../../test/support/loading.ts'
import type { Config } from '../core/config.ts'
import { ConfigError } from './error.ts'
import { readConfig } from './load.ts'
import type { Environment } from './setting.ts'

describe('what is stronger', () => {
  const yaml = 'server:\n  port: 1\nlog:\n  level: debug\n'

  test('without anything there are defaults', () => {
    expect(load({})).toMatchObject({
      server: { host: '127.0.0.1', port: 9090 },
      log: { level: 'info', format: 'json' },
    })
    expect(load({ terminal: true }).log.format).toBe('pretty')
    expect(load({ yaml: '' }).server.port).toBe(9090)
    expect(load({ yaml: 'server:\n  port:\nlog:\n' }).server.port).toBe(9090)
  })

  test('a flag goes before the environment, which goes before the file', () => {
    const environment = { TRUNKLINE_PORT: '2' }
    expect(load({ yaml }).server.port).toBe(1)
    expect(load({ yaml, environment }).server.port).toBe(2)
    expect(load({ yaml, environment, settings: { 'server.port': '3' } }).server.port).toBe(3)
    expect(load({ yaml, environment, settings: { 'server.port': '3' } }).log.level).toBe('debug')
  })

  test('what is stored is weaker than all that is written down, and only for what may be edited', () => {
    const stored = { translation: 'strict', 'timeouts.idle_ms': 5, 'log.level': 'error', 'server.port': 4 }
    const { config, notices, sources } = loadAll({ yaml, stored, environment: { TRUNKLINE_TIMEOUTS_IDLE_MS: '6' } })
    expect(config).toMatchObject({ translation: 'strict', timeouts: { idleMs: 6 }, log: { level: 'debug' } })
    expect(config.server.port).toBe(1)
    expect(sources.get('translation')).toMatchObject({ kind: 'database' })
    expect(notices).toEqual(['What is stored for server.port is not used: it is no setting that can be stored.'])
  })

  test('what is stored and no longer good is not used, and that is said', () => {
    const { config, notices } = loadAll({ stored: { translation: 'harsh', 'timeouts.idle_ms': 7 } })
    expect(config).toMatchObject({ translation: 'lenient', timeouts: { idleMs: 7 } })
    expect(notices).toEqual([
      'What is stored for translation is not used: translation must be lenient, strict, not "harsh".',
    ])
  })

  test('each setting of Trunkline itself has a variable', () => {
    const environment = {
      TRUNKLINE_LIMITS_BODY_BYTES: '2048',
      TRUNKLINE_CANCEL_MODE: 'drain',
      TRUNKLINE_SERVER_ALLOWED_HOSTS: 'Box.lan, models.example.com,',
      TRUNKLINE_RESPONSES_MAX_BYTES: '0',
    }
    expect(load({ environment })).toMatchObject({
      limits: { bodyBytes: 2048 },
      cancel: { mode: 'drain' },
      server: { allowedHosts: ['box.lan', 'models.example.com'] },
      responses: { maxBytes: 0 },
    })
  })

  test('each value knows where it comes from', () => {
    const { sources } = loadAll({
      yaml,
      environment: { TRUNKLINE_TRANSLATION: 'strict' },
      settings: { 'log.format': 'json' },
    })
    const from = (key: string): unknown => {
      const { kind, place } = sources.get(key) ?? {}
      return [kind, place?.replace(/^.*\//, '')]
    }
    expect(from('server.port')).toEqual(['file', 'trunkline.yaml:2:3'])
    expect(from('translation')).toEqual(['environment', 'TRUNKLINE_TRANSLATION'])
    expect(from('log.format')).toEqual(['flag', '--log-format'])
    expect(from('server.host')).toEqual(['default', undefined])
  })

  test('an empty variable is none', () => {
    expect(load({ yaml, environment: { TRUNKLINE_PORT: '' } }).server.port).toBe(1)
    expect(load({ environment: { OPENAI_API_KEY: '' } }).providers.openai).not.toHaveProperty('apiKey')
  })

  test('a key that was written down goes before one that happens to be in the environment', () => {
    const environment = { OPENAI_API_KEY: 'sk-env', VLLORA_OPENAI_API_KEY: 'sk-old' }
    const keyOf = (given: Given): string | undefined => load(given).providers.openai?.apiKey
    expect(keyOf({ yaml: 'providers:\n  openai:\n    api_key: sk-file\n', environment })).toBe('sk-file')
    expect(keyOf({ environment })).toBe('sk-env')
    expect(keyOf({ environment: { VLLORA_OPENAI_API_KEY: 'sk-old' } })).toBe('sk-old')
    expect(keyOf({ environment: { OPENAI_API_KEY: ' sk-spaces\n' } })).toBe('sk-spaces')
  })

  test('OPENAI_BASE_URL is for programs that call us, and means nothing here', () => {
    expect(load({ environment: { OPENAI_BASE_URL: 'http://127.0.0.1:9090/v1' } }).providers.openai).not.toHaveProperty(
      'baseUrl',
    )
    const own = load({ environment: { TRUNKLINE_OPENAI_BASE_URL: 'http://localhost:1/v1' } })
    expect(own.providers.openai?.baseUrl).toBe('http://localhost:1/v1')
  })
})

describe('each provider', () => {
  const providersOf = (given: Given): Config['providers'] => load(given).providers

  test('has a key in its own variable, in the one of its vendor, or in the file', () => {
    const environment = {
      TRUNKLINE_GROQ_API_KEY: 'ours',
      GROQ_API_KEY: 'vendors',
      ANTHROPIC_API_KEY: 'a',
      GOOGLE_API_KEY: 'g',
      AZURE_OPENAI_API_KEY: 'z',
      AWS_BEARER_TOKEN_BEDROCK: 'b',
      VLLORA_DEEPSEEK_API_KEY: 'd',
      TRUNKLINE_GITHUB_MODELS_API_KEY: 'h',
    }
    const found = Object.entries(providersOf({ environment })).flatMap(([name, { apiKey, keyIsAmbient }]) =>
      apiKey === undefined ? [] : [`${name}: ${apiKey}${keyIsAmbient ? ', found' : ''}`],
    )
    expect(found).toEqual([
      'anthropic: a, found',
      'gemini: g, found',
      'azure: z, found',
      'bedrock: b, found',
      'bedrock-mantle: b, found',
      'groq: ours',
      'deepseek: d, found',
      'github-models: h',
    ])
  })

  test('has the strongest of several keys', () => {
    const yaml = 'providers:\n  gemini:\n    api_key: file\n'
    const keyOf = (given: Given): string | undefined => providersOf(given).gemini?.apiKey
    const found = { GEMINI_API_KEY: 'gemini', GOOGLE_API_KEY: 'google' }
    expect(keyOf({ environment: found })).toBe('gemini')
    expect(keyOf({ environment: { ...found, TRUNKLINE_GEMINI_API_KEY: 'ours' } })).toBe('ours')
    expect(keyOf({ yaml, environment: { ...found, TRUNKLINE_GEMINI_API_KEY: 'ours' } })).toBe('file')
    expect(providersOf({ yaml, environment: found }).gemini).not.toHaveProperty('keyIsAmbient')
  })

  test('is where it is said to be', () => {
    const yaml = `
providers:
  custom: { base_url: "https://h/v1", dialects: [anthropic-messages], models: [m], headers: { X-Team: rail } }
  azure: { resource: mine, api_version: 2024-10-21 }
  groq: { stream_usage: false, timeouts: { idle_ms: 5 } }
`
    const environment = { AWS_REGION: 'eu-west-1', TRUNKLINE_CUSTOM_BASE_URL: 'http://other/v1' }
    expect(providersOf({ yaml, environment })).toMatchObject({
      custom: {
        baseUrl: 'http://other/v1',
        dialects: ['anthropic-messages'],
        models: ['m'],
        headers: { 'x-team': 'rail' },
      },
      azure: { address: { resource: 'mine', api_version: '2024-10-21' } },
      bedrock: { address: { region: 'eu-west-1' } },
      groq: { streamUsage: false, timeouts: { idleMs: 5 } },
    })
    const written = { yaml: 'providers:\n  bedrock:\n    region: us-west-2\n', environment }
    expect(providersOf(written).bedrock?.address).toEqual({ region: 'us-west-2' })
  })
})

test('a loss in translation is named unless it is to be refused', () => {
  expect(load({}).translation).toBe('lenient')
  expect(load({ yaml: 'translation: strict' }).translation).toBe('strict')
  expect(load({ environment: { TRUNKLINE_TRANSLATION: 'strict' } }).translation).toBe('strict')
})

describe('what cannot be used is refused with its name and place', () => {
  test.each<[what: string, given: Given, message: string]>([
    [
      'a misspelt key',
      { yaml: 'server:\n  prot: 1\n' },
      'FILE:2:3: there is no setting server.prot. Did you mean server.port?',
    ],
    [
      'a misspelt group',
      { yaml: 'log:\n  level: info\nservre:\n  port: 1\n' },
      'FILE:3:1: there is no setting servre. Did you mean server?',
    ],
    [
      'a key like nothing',
      { yaml: 'x: 1' },
      'FILE:1:1: there is no setting x. Here may stand: server, log, limits, timeouts, cancel, translation, recording, responses, providers, models.',
    ],
    [
      'a key of every object',
      { yaml: '__proto__:\n  port: 1\n' },
      'FILE:1:1: there is no setting __proto__. Here may stand:',
    ],
    [
      'a provider that there is not',
      { yaml: 'providers:\n  opnai:\n    api_key: x\n' },
      'FILE:2:3: there is no setting providers.opnai. Did you mean providers.openai?',
    ],
    [
      'a word for a number',
      { yaml: 'server:\n  port: high\n' },
      'FILE:2:3: server.port must be a whole number from 0 to 65535, not "high".',
    ],
    [
      'half a number',
      { environment: { TRUNKLINE_PORT: '80.5' } },
      'TRUNKLINE_PORT: server.port must be a whole number from 0 to 65535, not "80.5".',
    ],
    [
      'a number too large',
      { settings: { 'server.port': '65536' } },
      '--port: server.port must be a whole number from 0 to 65535, not "65536".',
    ],
    [
      'a clock that there is not',
      { yaml: 'timeouts:\n  header_ms: 1\n' },
      'FILE:2:3: there is no setting timeouts.header_ms. Did you mean timeouts.headers_ms?',
    ],
    [
      'no time at all',
      { yaml: 'providers:\n  mock:\n    timeouts:\n      idle_ms: 0\n' },
      'FILE:4:7: providers.mock.timeouts.idle_ms must be a whole number from 1 to 86400000, not 0.',
    ],
    [
      'a mode that there is not',
      { yaml: 'cancel:\n  mode: stop\n' },
      'FILE:2:3: cancel.mode must be abort, drain, not "stop".',
    ],
    [
      'a manner of translation that there is not',
      { environment: { TRUNKLINE_TRANSLATION: 'harsh' } },
      'TRUNKLINE_TRANSLATION: translation must be lenient, strict, not "harsh".',
    ],
    [
      'a setting that means nothing for the provider',
      { yaml: 'providers:\n  anthropic:\n    stream_usage: true\n' },
      'FILE:3:5: there is no setting providers.anthropic.stream_usage. Here may stand: api_key, credential, base_url, models, headers, timeouts.',
    ],
    [
      'a misspelt setting of a provider',
      { yaml: 'providers:\n  bedrock:\n    regoin: eu-west-1\n' },
      'FILE:3:5: there is no setting providers.bedrock.regoin. Did you mean providers.bedrock.region?',
    ],
    [
      'a key for the mock',
      { yaml: 'providers:\n  mock:\n    api_key: x\n' },
      'FILE:3:5: there is no setting providers.mock.api_key. Here may stand: timeouts.',
    ],
    [
      'a region that would be another host',
      { yaml: 'providers:\n  bedrock:\n    region: "x.evil.example/"\n' },
      'FILE:3:5: providers.bedrock.region must be made of letters, digits and dashes, not "x.evil.example/".',
    ],
    [
      'a dialect that the provider does not speak',
      { yaml: 'providers:\n  xai:\n    dialects: [gemini]\n' },
      'FILE:3:5: providers.xai.dialects must be a list of some of openai-chat, openai-responses, not ["gemini"].',
    ],
    [
      'no dialect at all',
      { yaml: 'providers:\n  xai:\n    dialects: []\n' },
      'providers.xai.dialects must be a list of some of',
    ],
    [
      'a key among the headers',
      { yaml: 'providers:\n  groq:\n    headers: { X-API-Key: x }\n' },
      "FILE:3:5: providers.groq.headers must not have x-api-key: give the key as the credential's key.",
    ],
    [
      'a header that is ours',
      { yaml: 'providers:\n  groq:\n    headers: { Host: x }\n' },
      'providers.groq.headers must not have host, which Trunkline itself writes.',
    ],
    [
      'a header that is none',
      { yaml: 'providers:\n  groq:\n    headers: { "a b": x }\n' },
      'providers.groq.headers has "a b", which is no header\'s name.',
    ],
    [
      'headers in a list',
      { yaml: 'providers:\n  groq:\n    headers: [a]\n' },
      'providers.groq.headers must be a map of header names and values.',
    ],
    ['an empty flag', { settings: { 'server.port': '' } }, '--port: server.port must be a whole number'],
    [
      'a list for a number',
      { yaml: 'server:\n  port: [1]\n' },
      'FILE:2:3: server.port must be a whole number from 0 to 65535, not [1].',
    ],
    [
      'an unknown level',
      { settings: { 'log.level': 'loud' } },
      '--log-level: log.level must be debug, info, warn, error, silent, not "loud".',
    ],
    [
      'a value for a group',
      { yaml: 'server: 7\n' },
      'FILE:1:1: server must be a map with host, port, ui_port, allowed_hosts, drain_ms.',
    ],
    ['a list for all', { yaml: '- a\n' }, 'FILE:1:1: the file must be a map of settings.'],
    [
      'a word for a truth',
      { yaml: 'providers:\n  openai:\n    stream_usage: "no"\n' },
      'FILE:3:5: providers.openai.stream_usage must be true or false, not "no".',
    ],
    [
      'a word for a list',
      { yaml: 'providers:\n  openai:\n    models: one\n' },
      'FILE:3:5: providers.openai.models must be a list of names.',
    ],
    [
      'an empty name',
      { yaml: 'providers:\n  openai:\n    models: [""]\n' },
      'providers.openai.models must be a list of names.',
    ],
    [
      'an address that is none',
      { settings: { 'providers.openai.base_url': 'localhost:11434' } },
      '--openai-base-url: providers.openai.base_url must be an http or https URL',
    ],
    [
      'an address of a file',
      { settings: { 'providers.openai.base_url': 'file:///etc' } },
      'must be an http or https URL',
    ],
    ['YAML that is none', { yaml: 'server: {port: [}\n' }, 'FILE:1:17: this is not valid YAML:'],
    [
      'a key that stands twice',
      { yaml: 'server:\n  port: 1\n  port: 2\n' },
      'FILE:3:3: this is not valid YAML: Map keys must be unique',
    ],
    ['two documents', { yaml: 'log:\n---\nlog:\n' }, 'FILE:2:1: this is not valid YAML:'],
  ])('%s', (_what, given, message) => {
    expect(() => load(given)).toThrow(message)
    expect(() => load(given)).toThrow(ConfigError)
  })

  test.each(['', 'a b', 'http://host', 'host:80', '1.2.3', '-x', 'x'.repeat(64), '127.0.0.1/8'])(
    'a host that is none is refused: %j',
    (host) => {
      expect(() => load({ settings: { 'server.host': host } })).toThrow(
        `--host: server.host must be an IP address or the name of a host, not ${JSON.stringify(host)}.`,
      )
    },
  )

  test.each(['localhost', '127.0.0.1', '::1', '0.0.0.0', '::', '192.168.0.1', 'box.lan'])(
    '%s is a host to listen on',
    (host) => {
      expect(load({ settings: { 'server.host': host } }).server.host).toBe(host)
    },
  )

  test('a file that was named must be there', () => {
    const named = resolve('/nowhere/at-all.yaml')
    expect(() => readConfig({ config: named, settings: {}, terminal: false }, {})).toThrow(
      `The configuration file ${named} cannot be read: ENOENT`,
    )
    expect(() => readConfig({ settings: {}, terminal: false }, { TRUNKLINE_CONFIG: named })).toThrow(named)
    expect(() => readConfig({ config: tmpdir(), settings: {}, terminal: false }, {})).toThrow(/cannot be read: EISDIR/)
  })
})

test('all that is wrong is said at once', () => {
  const yaml = `
server: { prot: 1, port: high }
translation: harsh
providers:
  opnai: { api_key: x }
  own: { like: opnai, base_url: 'http://h' }
  other: { like: openai }
  groq: { api_key: "" }
models:
  m: { provider: opnai }
`
  expect(problemsOf({ yaml, settings: { 'log.level': 'loud' } })).toEqual([
    'FILE:2:11: there is no setting server.prot. Did you mean server.port?',
    'FILE:2:20: server.port must be a whole number from 0 to 65535, not "high".',
    'FILE:3:1: translation must be lenient, strict, not "harsh".',
    'FILE:5:3: there is no setting providers.opnai. Did you mean providers.openai? A provider of your own has like and base_url.',
    'FILE:6:16: providers.own.like is "opnai", and nothing can be like that. Did you mean openai?',
    'FILE:7:12: providers.other is your own and needs a base_url.',
    'FILE:8:11: providers.groq.api_key must be a text that is not empty.',
    'FILE:10:3: models.m needs model.',
    '--log-level: log.level must be debug, info, warn, error, silent, not "loud".',
  ])
})

describe('a secret is never repeated', () => {
  const canary = 'sk-canary-1234567890'

  test.each<[what: string, given: Given]>([
    ['a quote that was left open', { yaml: `providers:\n  openai:\n    api_key: "${canary}\n` }],
    ['a key with a space in it', { yaml: `providers:\n  openai:\n    api_key: ${canary} x\n` }],
    ['a key with a letter that is none of a key', { environment: { OPENAI_API_KEY: `${canary}ü` } }],
    ['a key in a list', { yaml: `providers:\n  openai:\n    api_key: [${canary}]\n` }],
    ['a secret in a header', { yaml: `providers:\n  groq:\n    headers: { x-secret: "${canary}\\n" }\n` }],
    ["another provider's key in a list", { yaml: `providers:\n  groq:\n    api_key: [${canary}]\n` }],
    ['a password in an address', { settings: { 'providers.openai.base_url': `https://me:${canary}@example.com/v1` } }],
    ['a user in an address', { yaml: `providers:\n  openai:\n    base_url: https://${canary}@example.com/v1\n` }],
    ['a header with a line break', { yaml: `providers:\n  groq:\n    headers: { "x-a": "${canary}\\r\\nhost: x" }\n` }],
    ['an address with a key in its query', { settings: { 'providers.openai.base_url': `htp://h/?key=${canary}` } }],
    ['a variable in a place for a number', { yaml: 'server: { port: "${K}" }', environment: { K: canary } }],
    ['a file in a place for a number', { yaml: 'server: { port: "${file:k}" }', files: { k: canary } }],
    [
      'a secret of a credential',
      { yaml: `providers: { azure: { credential: { kind: entra_id, client_secret: [${canary}] } } }` },
    ],
    [
      'a key file that is no JSON',
      { yaml: `providers: { vertex: { credential: { kind: google_service_account, key_json: "{${canary}" } } }` },
    ],
    ['a text that is none', { yaml: `providers:\n  openai:\n    api_key: |${canary}\n` }],
    ['a tag', { yaml: `providers:\n  openai:\n    api_key: !<${canary} x\n` }],
    ['an escape', { yaml: `providers: { openai: { api_key: "\\U${canary}" } }` }],
    ['a key behind a key', { yaml: `providers:\n  openai:\n    api_key: "a" ${canary}\n` }],
    ['a key as an anchor', { yaml: `providers:\n  openai:\n    api_key: *${canary}\n` }],
    ['a key as a variable', { yaml: `providers:\n  openai:\n    api_key: \${${canary}}\n` }],
    ['a key as a directive', { yaml: `%${canary}\n---\n{}: [\n` }],
    [
      'a list with itself in it',
      {
        yaml: `server: { port: &a [*a] }\ntranslation: [${'x'.repeat(300)}]\nproviders: { groq: { api_key: [${canary}] } }`,
      },
    ],
    ['a mistake on the next line', { yaml: `providers:\n  openai:\n    api_key: ${canary}\n   models: [\n` }],
  ])('%s', (_what, given) => {
    let message = ''
    try {
      load(given)
    } catch (thrown) {
      message = (thrown as Error).message
    }
    expect(message).not.toBe('')
    expect(message).not.toContain(canary)
  })
})

describe('where the data is', () => {
  const dataDirFor = (dataDir: string | undefined, environment: Environment): string =>
    readConfig(
      { ...(dataDir !== undefined && { dataDir }), settings: {}, terminal: false },
      { TRUNKLINE_CONFIG: '', ...environment },
    ).config.dataDir

  test('a flag goes before the variable', () => {
    expect(dataDirFor('/one', { TRUNKLINE_DATA_DIR: '/two' })).toBe(resolve('/one'))
    expect(dataDirFor(undefined, { TRUNKLINE_DATA_DIR: '/two' })).toBe(resolve('/two'))
  })

  test('a relative folder is seen from where the program runs, and ~ is home', () => {
    expect(dataDirFor('some/where', {})).toBe(resolve('some/where'))
    expect(dataDirFor('~/traces', {})).toBe(join(homedir(), 'traces'))
    expect(dataDirFor(undefined, { TRUNKLINE_DATA_DIR: '~' })).toBe(homedir())
    expect(dataDirFor('~other', {})).toBe(resolve('~other'))
  })

  test('an empty name is none, and never the working directory', () => {
    const usual = join(homedir(), '.trunkline')
    expect(dataDirFor('', { TRUNKLINE_DATA_DIR: '' })).toBe(usual)
  })

  test('the file is the one that was named, else the one in the data folder', () => {
    const folder = mkdtempSync(join(tmpdir(), 'trunkline-config-'))
    mkdirSync(join(folder, 'data'))
    writeFileSync(join(folder, 'data', 'trunkline.yaml'), 'server: {port: 1}')
    writeFileSync(join(folder, 'named.yaml'), 'server: {port: 2}')
    const flags = { dataDir: join(folder, 'data'), settings: {}, terminal: false }
    expect(readConfig(flags, {}).config.server.port).toBe(1)
    expect(readConfig(flags, { TRUNKLINE_CONFIG: join(folder, 'named.yaml') }).config.server.port).toBe(2)
    expect(
      readConfig({ ...flags, config: join(folder, 'named.yaml') }, { TRUNKLINE_CONFIG: '/nowhere' }).config.server.port,
    ).toBe(2)
    rmSync(folder, { recursive: true })
  })
})

describe('what hard times need', () => {
  test('has defaults', () => {
    expect(load({})).toMatchObject({
      server: { drainMs: 30_000 },
      limits: { connections: 10_000, headerMs: 30_000, requestMs: 300_000 },
      timeouts: {
        connectMs: 10_000,
        headersMs: 600_000,
        firstContentMs: 600_000,
        idleMs: 120_000,
        totalMs: 600_000,
      },
      cancel: { mode: 'abort', drainMs: 60_000, drainBytes: 1 << 20 },
      providers: { openai: { timeouts: {} }, mock: { timeouts: {} } },
    })
  })

  test('is taken from where it is said', () => {
    const yaml = `
server: { drain_ms: 0 }
limits: { connections: 5, header_ms: 100, request_ms: 200 }
cancel: { mode: drain, drain_ms: 1000, drain_bytes: 4096 }
`
    const config = load({ yaml, environment: { TRUNKLINE_DRAIN_MS: '50' } })
    expect(config.server.drainMs).toBe(50)
    expect(config.limits).toMatchObject({ connections: 5, headerMs: 100, requestMs: 200 })
    expect(config.cancel).toEqual({ mode: 'drain', drainMs: 1000, drainBytes: 4096 })
  })

  test('a provider has the clocks that are said of it, and no others of its own', () => {
    const yaml = `
timeouts: { idle_ms: 7 }
providers:
  openai:
    timeouts: { connect_ms: 1, headers_ms: 2, first_content_ms: 3, idle_ms: 4, total_ms: 5 }
  mock:
    timeouts: { total_ms: 6 }
`
    const { timeouts, providers } = load({ yaml })
    expect(timeouts).toMatchObject({ connectMs: 10_000, idleMs: 7 })
    expect(providers.openai?.timeouts).toEqual({ connectMs: 1, headersMs: 2, firstContentMs: 3, idleMs: 4, totalMs: 5 })
    expect(providers.mock?.timeouts).toEqual({ totalMs: 6 })
  })
})

test('a name for a value that is nowhere is an error', () => {
  expect(() => load({ yaml: 'server:\n  port: *there\n' })).toThrow(
    'FILE:2:3: server.port refers to an anchor that this file does not have.',
  )
})

test('a value may be used again by its anchor', () => {
  expect(load({ yaml: 'limits:\n  header_bytes: &size 2048\n  body_bytes: *size\n' }).limits).toMatchObject({
    headerBytes: 2048,
    bodyBytes: 2048,
  })
})
