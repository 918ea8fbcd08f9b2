// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are what the file may have in its values
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ended, trunkline } from '../../test/support/cli.ts'
import { dataFiles } from '../store/files.ts'
import { configMigrations } from '../store/migrations/config.ts'
import { migrate } from '../store/migrations/migrate.ts'
import type { ConfigDb } from '../store/schema.ts'
import { kyselyOn, openForWriting } from '../store/sqlite/open.ts'
import { SettingStore } from '../store/stored-settings.ts'

const canary = 'sk-canary-1234567890'
const environment = { GROQ: canary, OPENAI_API_KEY: canary, AWS_PROFILE: 'work', TRUNKLINE_LOG_LEVEL: 'warn' }

let folder: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'trunkline-config-'))
  const database = openForWriting(dataFiles(folder).config, { synchronous: 'FULL' })
  const db = kyselyOn<ConfigDb>(database)
  await migrate(db, configMigrations)
  await new SettingStore(db).change({ translation: 'strict', 'timeouts.idle_ms': 60_000 })
  database.close()
})
afterAll(() => rmSync(folder, { recursive: true }))

/** What a command says of this file, with the folder's name taken out. */
async function config(args: readonly string[], yaml?: string): Promise<Ended> {
  const file = join(folder, 'trunkline.yaml')
  if (yaml === undefined) rmSync(file, { force: true })
  else writeFileSync(file, yaml)
  const { code, stdout, stderr } = await trunkline(['config', ...args, '--data-dir', folder], environment)
  const named = (text: string): string => text.replaceAll(folder, 'DIR')
  return { code, stdout: named(stdout), stderr: named(stderr) }
}

const golden = (name: string): string => `../../test/golden/cli/config-${name}.txt`

const good = `
server: { port: 8080, allowed_hosts: [models.example.com] }
timeouts: { idle_ms: 5000 }
providers:
  groq: { api_key: "\${GROQ}", base_url: "https://groq.example/v1?key=${canary}", headers: { x-team: ${canary} } }
  azure:
    resource: mine
    credential: { kind: entra_id, tenant_id: t-1, client_id: c-1, client_secret: ${canary} }
  house: { like: vllm, base_url: http://10.0.0.5/v1, models: [qwen3:8b] }
models:
  fast: { provider: house, model: qwen3:8b }
`

describe('config show', () => {
  test('shows what is set, and where each value comes from, without a secret', async () => {
    const { code, stdout, stderr } = await config(['show'], good)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).not.toContain(canary)
    await expect(stdout).toMatchFileSnapshot(golden('show'))
  })

  test('shows everything that can be set', async () => {
    const { stdout } = await config(['show', '--all'], good)
    expect(stdout).toMatch(/^server\.host +127\.0\.0\.1 +default$/m)
    expect(stdout).toMatch(/^timeouts\.idle_ms +5000 +trunkline\.yaml:3:13$/m)
    expect(stdout).toMatch(/^providers\.xai\.api_key +- +default$/m)
    expect(stdout).toMatch(/^translation +strict +database$/m)
    expect(stdout).not.toContain(canary)
  })

  test('says it to programs, too', async () => {
    const { stdout } = await config(['show', '--json'], good)
    const { settings } = JSON.parse(stdout)
    expect(stdout).not.toContain(canary)
    expect(settings).toContainEqual(
      expect.objectContaining({ key: 'providers.openai.api_key', value: '(hidden)', place: 'OPENAI_API_KEY' }),
    )
    expect(settings).toContainEqual(expect.objectContaining({ key: 'translation', source: 'database', effect: 'now' }))
    expect(settings).toContainEqual(expect.objectContaining({ key: 'server.port', editable: false, effect: 'restart' }))
  })

  test('ends with the reasons when there is nothing to show', async () => {
    const { code, stdout, stderr } = await config(['show'], 'server: { prot: 1 }\n')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toBe('DIR/trunkline.yaml:1:11: there is no setting server.prot. Did you mean server.port?\n')
  })
})

describe('config check', () => {
  test('says what is good', async () => {
    expect(await config(['check'], good)).toEqual({
      code: 0,
      stdout: 'DIR/trunkline.yaml is good and sets 16 values.\n',
      stderr: '',
    })
  })

  test('needs no file', async () => {
    const { code, stdout } = await config(['check'])
    expect(code).toBe(0)
    expect(stdout).toContain('There is no configuration file')
  })

  test('says everything that is wrong, and ends with 1', async () => {
    const yaml = `
server: { prot: 1, port: high }
providers:
  groq: { api_key: "\${NO_KEY}", headers: { authorization: ${canary} } }
  azure: { credential: { kind: entra_id, client_secret: "${canary} x" } }
  own: { like: opnai }
models: { m: { provider: nobody, model: x } }
log: { level: "\u001b[31mred" }
`
    const { code, stdout, stderr } = await config(['check'], yaml)
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(stdout).not.toContain(canary)
    expect(stdout).not.toContain('\u001b')
    await expect(stdout).toMatchFileSnapshot(golden('check'))
  })

  test('looks at the file that is named', async () => {
    const other = join(folder, 'other.yaml')
    writeFileSync(other, 'translation: harsh\n')
    const { code, stdout } = await config(['check', '--config', other], good)
    expect(code).toBe(1)
    expect(stdout).toContain('DIR/other.yaml:1:1: translation must be lenient, strict, not "harsh".')
  })
})

test('config schema is JSON for editors', async () => {
  const { code, stdout, stderr } = await config(['schema'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(JSON.parse(stdout)).toMatchObject({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    properties: { server: { properties: { port: { default: 9090 } } } },
  })
})

test.each([['check'], ['show'], ['schema']])('config %s --help has examples', async (command) => {
  const { code, stdout } = await config([command, '--help'])
  expect(code).toBe(0)
  await expect(stdout).toMatchFileSnapshot(golden(`${command}-help`))
})
