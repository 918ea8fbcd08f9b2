import type { Config, ProviderConfig } from '../core/config.ts'
import type { ProjectCredential } from '../core/credential.ts'
import type { Project } from '../core/project.ts'
import { providerNamed, providers } from './index.ts'
import { type ConfiguredProvider, configured, type Provider } from './provider.ts'
import { type UsableCredential, usable } from './usable-credential.ts'

export type ConfiguredProviders = ReadonlyMap<string, ConfiguredProvider>

type Parts = Pick<Project, 'settings' | 'providers' | 'credentials' | 'unusable'>

/** What everybody has. */
const nobodys: Parts = { settings: { captureBodies: true }, providers: {}, credentials: [] }

/** Every provider as calls know it who are of no project in particular. */
export const everybodys = (config: Pick<Config, 'timeouts' | 'providers'>): ConfiguredProviders =>
  providersOf(nobodys, config, new Map())

/** Every provider as a project's calls know it: those of its own first, then `shared`, which are those that everybody has. */
export function providersOf(
  { settings, providers: own, credentials, unusable = [] }: Parts,
  config: Pick<Config, 'timeouts' | 'providers'>,
  shared: ConfiguredProviders,
): ConfiguredProviders {
  const hasOwn =
    Object.keys(own).length > 0 || credentials.length > 0 || unusable.length > 0 || settings.timeouts !== undefined
  if (!hasOwn && shared.size > 0) return shared
  const timeouts = { ...config.timeouts, ...settings.timeouts }
  const all = new Map<string, ConfiguredProvider>()
  const add = (name: string, said: ProviderConfig | undefined, usual?: ConfiguredProvider): void => {
    const row = providerNamed(said?.like ?? name)
    if (!row || all.has(name)) return
    const provider = usual ?? configured(name, row, timeouts, said)
    const its = credentials.filter((credential) => credential.provider === name)
    if (its.length > 0) all.set(name, withOwn(provider, row, said, its))
    // What else there is to pay with is for who has nothing of their own, and may be good at another address.
    else if (unusable.includes(name)) all.set(name, { ...provider, isConfigured: true, isUnusable: true })
    else all.set(name, provider)
  }
  for (const [name, said] of Object.entries(own)) add(name, said)
  const usual = settings.timeouts === undefined ? shared : undefined
  for (const name of new Set([...Object.keys(providers), ...Object.keys(config.providers)]))
    add(name, config.providers[name], usual?.get(name))
  return all
}

function withOwn(
  provider: ConfiguredProvider,
  row: Provider,
  said: ProviderConfig | undefined,
  credentials: readonly ProjectCredential[],
): ConfiguredProvider {
  const own = credentials.map((one): UsableCredential => {
    const { id, priority, weight, credential } = one
    const at = elsewhere(provider, row, said, one)
    return usable(id, credential, row, { priority, weight, ...(at && { at }) })
  })
  own.sort((a, b) => a.priority - b.priority)
  return { ...provider, own, isConfigured: own.some(({ at = provider }) => at.origin !== '') }
}

/**
 * The provider as it is reached with a credential that says where it is good, or whose kind does. What the operator has
 * set for the usual address, such as a header with a secret, does not go along to another one.
 */
function elsewhere(
  { name, timeouts }: ConfiguredProvider,
  row: Provider,
  said: ProviderConfig = {},
  { at, credential }: ProjectCredential,
): ConfiguredProvider | undefined {
  const { apiKey: _key, keyIsAmbient: _ambient, credential: _credential, ...rest } = said
  if (at.baseUrl !== undefined || at.address !== undefined) {
    const { baseUrl: _url, headers: _headers, mayBePrivate: _private, ...kept } = rest
    return configured(name, row, timeouts, { ...kept, ...at, address: { ...kept.address, ...at.address } }, credential)
  }
  if (at.headers === undefined && !row.cloudBaseUrl && !row.settingsOf) return undefined
  return configured(name, row, timeouts, { ...rest, headers: { ...rest.headers, ...at.headers } }, credential)
}
