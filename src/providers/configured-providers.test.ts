import { describe, expect, test } from 'vitest'
import { defaultTimeouts, type ProviderConfig } from '../core/config.ts'
import type { ProjectCredential } from '../core/credential.ts'
import { firstProject, type Project } from '../core/project.ts'
import { type ConfiguredProviders, everybodys, providersOf } from './configured-providers.ts'

const configOf = (providers: Readonly<Record<string, ProviderConfig>> = {}) => ({
  timeouts: defaultTimeouts,
  providers,
})

function of(project: Partial<Project>, providers: Readonly<Record<string, ProviderConfig>> = {}): ConfiguredProviders {
  const config = configOf(providers)
  return providersOf({ ...firstProject('p'), ...project }, config, everybodys(config))
}

const credential = (provider: string, parts: Partial<ProjectCredential> = {}): ProjectCredential => ({
  id: `of-${provider}`,
  provider,
  priority: 1,
  weight: 1,
  credential: { kind: 'api_key', fields: { api_key: 'mine' } },
  at: {},
  ...parts,
})

describe('of its providers a project has', () => {
  test('those that everybody has, as the very same, while it has nothing of its own', () => {
    const config = configOf({ groq: { apiKey: 'k' } })
    const shared = everybodys(config)
    expect(providersOf(firstProject('p'), config, shared)).toBe(shared)
    const own = { ...firstProject('p'), credentials: [credential('openai')] }
    expect(providersOf(own, config, shared).get('groq')).toBe(shared.get('groq'))
  })

  test('its own first, and in place of one of the same name in the configuration', () => {
    const all = of(
      { providers: { corp: { like: 'anthropic', baseUrl: 'https://mine.example', apiKey: 'm' } } },
      { corp: { like: 'openai', baseUrl: 'https://everybodys.example/v1' } },
    )
    expect([...all.keys()][0]).toBe('corp')
    expect(all.get('corp')).toMatchObject({ origin: 'https://mine.example', standing: { header: ['x-api-key', 'm'] } })
    expect(of({}, { corp: { like: 'openai', baseUrl: 'https://e.example/v1' } }).get('corp')).toMatchObject({
      origin: 'https://e.example',
      like: 'openai',
    })
  })

  test('none that is like one which is not there', () => {
    const all = of({ providers: { a: { like: 'nobody' }, b: { like: 'constructor' }, c: { baseUrl: 'https://c' } } })
    expect(['a', 'b', 'c'].map((name) => all.has(name))).toEqual([false, false, false])
  })

  test('its clocks before those of everybody and behind those of the provider', () => {
    const timeouts = { idleMs: 1, totalMs: 2 }
    const all = of({ settings: { captureBodies: true, timeouts } }, { groq: { timeouts: { totalMs: 3 } } })
    expect(all.get('openai')?.timeouts).toEqual({ ...defaultTimeouts, idleMs: 1, totalMs: 2 })
    expect(all.get('groq')?.timeouts).toEqual({ ...defaultTimeouts, idleMs: 1, totalMs: 3 })
  })
})

describe('a credential of a project', () => {
  const atOf = (at: ProjectCredential['at'], said: ProviderConfig, provider = 'openai') =>
    of({ credentials: [credential(provider, { at })] }, { [provider]: said }).get(provider)?.own[0]?.at

  test('makes a provider one that can be called by its name', () => {
    expect(of({}).get('groq')?.isConfigured).toBe(false)
    expect(of({ credentials: [credential('groq')] }).get('groq')?.isConfigured).toBe(true)
    // Nobody has said where it is.
    expect(of({ credentials: [credential('azure')] }).get('azure')?.isConfigured).toBe(false)
    const somewhere = credential('azure', { at: { address: { resource: 'mine' } } })
    expect(of({ credentials: [somewhere] }).get('azure')?.isConfigured).toBe(true)
  })

  test('stands where its priority puts it, and equals as they came', () => {
    const credentials = [3, 1, 2, 1].map((priority, at) => credential('groq', { id: `${priority}-${at}`, priority }))
    expect(
      of({ credentials })
        .get('groq')
        ?.own.map(({ id }) => id),
    ).toEqual(['1-1', '1-3', '2-2', '3-0'])
  })

  const said: ProviderConfig = {
    baseUrl: 'http://10.0.0.1/v1',
    mayBePrivate: true,
    apiKey: 'of-the-operator',
    headers: { 'x-secret': 'of-the-operator' },
  }

  test('is good where the provider is unless it says otherwise', () => {
    expect(atOf({}, said)).toBeUndefined()
  })

  test('takes nothing of the operator to an address of its own, the leave to be private neither', () => {
    const at = atOf({ baseUrl: 'https://elsewhere.example/v1', headers: { 'x-own': '1' } }, said)
    expect(at).toMatchObject({ origin: 'https://elsewhere.example', mayBePrivate: false, mayBeSecret: ['1'] })
    expect(JSON.stringify(at)).not.toContain('of-the-operator')
    expect(atOf({ baseUrl: 'http://10.0.0.2/v1', mayBePrivate: true }, said)?.mayBePrivate).toBe(true)
    expect(JSON.stringify(atOf({ address: { resource: 'mine' } }, said, 'azure'))).not.toContain('of-the-operator')
  })

  test('adds its headers to those of the operator at the usual address', () => {
    const at = atOf({ headers: { 'x-own': '1' } }, said)
    expect(at).toMatchObject({ origin: 'http://10.0.0.1', mayBePrivate: true })
    expect(at?.endpoints[0]?.headers).toMatchObject({ 'x-own': '1', 'x-secret': 'of-the-operator' })
  })
})
