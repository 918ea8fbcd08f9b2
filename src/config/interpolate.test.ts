// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are what the file may have in its values
import { symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Given, load, loadAll, problemsOf } from '../../test/support/loading.ts'
import { readConfig } from './load.ts'

const key = (given: Given): string | undefined => load(given).providers.groq?.apiKey

describe('a value of the file', () => {
  const yaml = 'providers:\n  groq:\n    api_key: ${KEY}\n'

  test('may be that of a variable, and counts as one of the file', () => {
    const environment = { KEY: 'sk-1', TRUNKLINE_GROQ_API_KEY: 'sk-2' }
    expect(key({ yaml, environment })).toBe('sk-1')
    expect(loadAll({ yaml, environment }).sources.get('providers.groq.api_key')).toMatchObject({ kind: 'file' })
  })

  test('may be that of a file beside it, without its last line break', () => {
    const files = { secret: 'sk-3\r\n' }
    expect(key({ yaml: 'providers: { groq: { api_key: "${file:secret}" } }', files })).toBe('sk-3')
    expect(key({ yaml: 'providers: { groq: { api_key: "${file:./secret}" } }', files })).toBe('sk-3')
    const { files: read, path } = loadAll({ yaml: 'providers: { groq: { api_key: "${file:secret}" } }', files })
    expect(read).toEqual([path, path?.replace('trunkline.yaml', 'secret')])
  })

  test('may be so in part, more than once, and in lists, maps and anchors', () => {
    const yaml = `
providers:
  groq:
    base_url: "https://\${HOST}:\${PORT}/v1"
    models: [&m "\${MODEL}-a", b]
    headers: { x-team: "Bearer \${TEAM}" }
  mistral: { models: [*m] }
server: { port: "\${PORT}" }
`
    const environment = { HOST: 'h', PORT: '81', MODEL: 'm', TEAM: 't' }
    const { providers, server } = load({ yaml, environment })
    expect(providers.groq).toMatchObject({
      baseUrl: 'https://h:81/v1',
      models: ['m-a', 'b'],
      headers: { 'x-team': 'Bearer t' },
    })
    expect(providers.mistral?.models).toEqual(['m-a'])
    expect(server.port).toBe(81)
  })

  test('may have the signs themselves', () => {
    const modelsOf = (text: string) =>
      load({ yaml: `providers: { groq: { models: ['${text}'] } }` }).providers.groq?.models
    expect(modelsOf('$${HOME}')).toEqual(['${HOME}'])
    expect(modelsOf('a$b $5 $$ {x}')).toEqual(['a$b $5 $$ {x}'])
  })

  test('is not looked at twice', () => {
    expect(
      load({ yaml: 'providers: { groq: { models: ["${A}"] } }', environment: { A: '${B}' } }).providers.groq?.models,
    ).toEqual(['${B}'])
  })
})

describe('what cannot be put in is refused with its place', () => {
  test.each<[what: string, given: Given, problem: string]>([
    [
      'a variable that is not set',
      { yaml: 'providers:\n  groq:\n    api_key: ${NO_KEY}\n' },
      'FILE:3:14: this value has ${NO_KEY}, but the environment variable NO_KEY is not set.',
    ],
    [
      'a variable that is empty, for a secret',
      { yaml: 'providers:\n  groq:\n    api_key: ${KEY}\n', environment: { KEY: '' } },
      'FILE:3:5: providers.groq.api_key must be a text that is not empty.',
    ],
    [
      'an empty file, for a secret',
      { yaml: 'providers:\n  groq:\n    api_key: ${file:k}\n', files: { k: '\n' } },
      'FILE:3:5: providers.groq.api_key must be a text that is not empty.',
    ],
    [
      'nothing, for a secret',
      { yaml: 'providers:\n  groq:\n    api_key:\n' },
      'FILE:3:5: providers.groq.api_key is empty. Give it a value, or take the line out.',
    ],
    [
      'a file that is not there',
      { yaml: 'log: { level: "${file:none}" }' },
      "FILE:1:15: this value has ${file:DIR/none}, which cannot be read: ENOENT: no such file or directory, stat 'DIR/none'.",
    ],
    [
      'a folder',
      { yaml: 'log: { level: "${file:.}" }' },
      'FILE:1:15: this value has ${file:DIR}, which cannot be read: it is not a file.',
    ],
    [
      'a large file',
      { yaml: 'log: { level: "${file:k}" }', files: { k: 'x'.repeat(65_537) } },
      'FILE:1:15: this value has ${file:DIR/k}, which is larger than the 65536 bytes that a value may have.',
    ],
    [
      'an opening that nothing closes',
      { yaml: 'log: { level: "${A" }', environment: { A: 'info' } },
      'FILE:1:15: this value has a ${ that is neither ${NAME} nor ${file:path}; $${ stands for a ${ that is meant as it is.',
    ],
    [
      'a name that is none',
      { yaml: 'log: { level: "${A:-info}" }' },
      'FILE:1:15: this value has a ${ that is neither ${NAME} nor ${file:path}; $${ stands for a ${ that is meant as it is.',
    ],
    [
      'a value that does not fit, by what was written and not by what it is',
      { yaml: 'server: { port: "${A}" }', environment: { A: 'secret' } },
      'FILE:1:11: server.port must be a whole number from 0 to 65535, not "${A}".',
    ],
  ])('%s', (_what, given, problem) => {
    expect(problemsOf(given)).toEqual([problem])
  })
})

test('a file is found through links, as containers mount secrets', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'trunkline-config-'))
  writeFileSync(join(dataDir, 'real'), 'sk-linked')
  symlinkSync('real', join(dataDir, 'link'))
  writeFileSync(join(dataDir, 'trunkline.yaml'), 'providers: { groq: { api_key: "${file:link}" } }')
  const { config } = readConfig({ dataDir, settings: {}, terminal: false }, {})
  expect(config.providers.groq?.apiKey).toBe('sk-linked')
  await rm(dataDir, { recursive: true })
})
