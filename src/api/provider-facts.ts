import type { Config } from '../core/config.ts'
import { defaultTimeouts, type ProviderConfig } from '../core/config.ts'
import { nearest } from '../core/nearest.ts'
import { type CredentialKind, type CredentialKindName, credentialKinds } from '../providers/credential-kinds.ts'
import { providerNamed, providers } from '../providers/index.ts'
import { configured, type Provider } from '../providers/provider.ts'
import type { CustomProviderView } from '../store/custom-providers.ts'
import type { ApiDeps, ProviderSummary } from './deps.ts'
import { everyPage } from './every-page.ts'
import { wrongField } from './problems.ts'

/** A provider as a project sees it. */
export interface ProviderFacts {
  readonly name: string
  readonly provider: Provider
  readonly config: ProviderConfig
  readonly origin: 'built_in' | 'file' | 'project'
  readonly credentialFrom?: 'file' | 'environment'
  /** The row of a project's own. */
  readonly own?: CustomProviderView
}

export interface ProjectProviders {
  readonly all: ReadonlyMap<string, ProviderFacts>
  /** The provider that a field names. */
  need(name: string, param: string): ProviderFacts
}

/** Those that a project can name: its own stand before everybody's of the same name. */
export async function providersOf(projectId: string | undefined, deps: ApiDeps): Promise<ProjectProviders> {
  const all = new Map<string, ProviderFacts>(deps.providers().map((summary) => [summary.name, summary]))
  if (projectId !== undefined) {
    for await (const own of everyPage((page) => deps.stores.providers.list(projectId, page))) {
      const facts = factsOf(own)
      if (facts) all.set(own.name, facts)
    }
  }
  return {
    all,
    need(name, param) {
      const found = all.get(name)
      if (found) return found
      const meant = nearest(name, all.keys())
      const way = meant === undefined ? '' : `; perhaps ${JSON.stringify(meant)} was meant`
      throw wrongField(param, `names no provider that there is${way}`)
    },
  }
}

export function factsOf(own: CustomProviderView): ProviderFacts | undefined {
  const provider = providerNamed(own.like)
  return provider && { name: own.name, provider, config: own.config, origin: 'project', own }
}

/** The providers that everybody has. `sourceOf` says where the setting of a key of the configuration comes from. */
export function summariesOf(
  config: Pick<Config, 'providers'>,
  sourceOf: (key: string) => string | undefined,
): readonly ProviderSummary[] {
  const builtIn = Object.keys(providers).map((name) => summaryOf(name, config.providers[name] ?? {}, sourceOf))
  const custom = Object.entries(config.providers).flatMap(([name, own]) =>
    providerNamed(name) === undefined ? [summaryOf(name, own, sourceOf)] : [],
  )
  return [...builtIn, ...custom].filter((summary) => summary !== undefined)
}

function summaryOf(
  name: string,
  config: ProviderConfig,
  sourceOf: (key: string) => string | undefined,
): ProviderSummary | undefined {
  const own = providerNamed(name)
  const provider = own ?? providerNamed(config.like ?? '')
  if (!provider) return undefined
  const hasCredential = config.apiKey !== undefined || config.credential !== undefined
  const source = sourceOf(`providers.${name}.${config.apiKey !== undefined ? 'api_key' : 'credential'}`)
  return {
    name,
    provider,
    config,
    origin: own ? 'built_in' : 'file',
    ...(hasCredential && { credentialFrom: source === 'file' ? ('file' as const) : ('environment' as const) }),
  }
}

/** Whether it can be called with what the configuration has for it. */
export const isConfigured = ({ name, provider, config }: ProviderFacts): boolean =>
  configured(name, provider, defaultTimeouts, config).isConfigured

export const kindRow = (kind: CredentialKindName): CredentialKind => credentialKinds[kind]

export const dialectsOf = ({ endpoints }: Provider, { address = {} }: ProviderConfig): readonly string[] => [
  ...new Set((typeof endpoints === 'function' ? endpoints(address) : endpoints).map(({ dialect }) => dialect)),
]
