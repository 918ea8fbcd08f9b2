import type { ProviderConfig, Timeouts } from '../core/config.ts'
import type { Dialect } from '../dialects/dialect.ts'
import { type DialectName, dialects } from '../dialects/index.ts'
import type { Send } from '../http/upstream.ts'
import { type AddressSettings, addressOf, type Path, pathBelow } from './address.ts'
import type { CredentialKindName } from './credential-kinds.ts'
import { type Header, type KeyHeader, keyHeaders } from './key-headers.ts'

/** Somebody who answers: the dialects it speaks and where, a way to show a key, and what is peculiar to it. One row each. */
export interface Provider {
  readonly label: string
  /**
   * Where it is when nobody says otherwise, with a setting of its own in braces where every user has another address.
   * Absent when the operator has to say it.
   */
  readonly baseUrl?: string
  /** The flag that says where it is, as commander writes it. */
  readonly baseUrlFlag?: string
  /** Best first: what a client's dialect is translated to when the provider does not speak that one itself. */
  readonly endpoints: readonly Endpoint[] | ((settings: AddressSettings) => readonly Endpoint[])
  /** How a key is shown to it. */
  readonly keyHeader: KeyHeader
  /** The kinds of credentials that it takes besides a key and none. */
  readonly credentialKinds?: readonly CredentialKindName[]
  /** The environment variables in which its users have their key, the strongest first. */
  readonly keyVariables?: readonly string[]
  /** True for what is called without a key if there is none, wherever it is: servers on one's own machine. */
  readonly keyless?: true
  /**
   * True when a key from the vendor's own variable goes to whatever address is configured. All others' goes only to the
   * vendor: it was put there for the vendor, and not for whom the base URL names.
   */
  readonly keyGoesAnywhere?: true
  /** Hosts that are the vendor's too, besides that of `baseUrl`. */
  readonly ownHosts?: RegExp
  /** The dialects whose clients hold keys of this vendor. */
  readonly clients?: readonly DialectName[]
  /** True when a stream of openai-chat reports its usage only if asked to. */
  readonly asksForStreamUsage?: boolean
  /** Settings of which its address is made, by their names in the configuration. */
  readonly settings?: Readonly<Record<string, AddressSetting>>
  /** Models that are always there. */
  readonly models?: readonly string[]
  /** For a provider that answers in this process: no network is between. */
  readonly send?: Send
}

/** A part of a provider's address that each of its users has for themselves. */
export interface AddressSetting {
  readonly help: string
  readonly env?: readonly string[]
  readonly fallback?: string
}

/** A dialect that a provider speaks. Paths stand below the base URL; `{model}` is the model's name, `..` leaves out a version at the end of the base. */
export interface Endpoint {
  readonly dialect: DialectName
  readonly whole: string
  /** Where streams are asked for, if elsewhere. */
  readonly stream?: string
  readonly countTokens?: string
  /** What every request has to say beside the key; what a client says itself stands before it. */
  readonly headers?: Readonly<Record<string, string>>
  /** The models with which it is spoken; all when absent. */
  readonly models?: RegExp
  /** A dialect from which it differs in its wrapping only, so that clients of that one are best served here. */
  readonly alike?: DialectName
  /** True for what only some hosts of this kind have, so that the setting `dialects` has to name it. */
  readonly optional?: true
}

/** A provider as configured: what a call needs of it, worked out once for each configuration. */
export interface ConfiguredProvider {
  readonly name: string
  readonly provider: Provider
  /** Scheme, host and port; empty when the address has not been said. */
  readonly origin: string
  readonly endpoints: readonly ConfiguredEndpoint[]
  readonly key: string | undefined
  /** The configured key as it is sent. */
  readonly credential: Header | undefined
  /** True at the built-in address, the only place where a client's own key may go. */
  readonly atHome: boolean
  /** True when it can be called by its name: there is a key, or the operator says where it is, or it wants no key. */
  readonly isConfigured: boolean
  readonly needsKey: boolean
  readonly addsStreamUsage: boolean
  readonly models: readonly string[]
  readonly timeouts: Timeouts
}

export interface ConfiguredEndpoint {
  readonly dialect: Dialect
  /** Sent with each request; a client's own of the same name stands before them. */
  readonly headers: Readonly<Record<string, string>>
  readonly models: RegExp | undefined
  readonly alike: string | undefined
  readonly paths: Readonly<Record<Operation, Path | undefined>>
}

/** What is asked of an endpoint. */
export type Operation = 'whole' | 'stream' | 'countTokens'

/** `timeouts` are those of all providers; what is configured for this one stands before them. */
export function configured(
  name: string,
  provider: Provider,
  timeouts: Timeouts,
  config: ProviderConfig = {},
): ConfiguredProvider {
  const base = addressOf(provider, config)
  const atHome = config.baseUrl === undefined
  const key = keyFor(provider, config, base)
  const needsKey = provider.keyHeader !== 'none' && provider.keyless === undefined && atHome
  return {
    name,
    provider,
    origin: base?.origin ?? '',
    endpoints: base === undefined ? [] : endpointsAt(base, provider, config),
    key,
    credential: key === undefined ? undefined : keyHeaders[provider.keyHeader](key),
    atHome,
    isConfigured: base !== undefined && (key !== undefined || !needsKey),
    needsKey,
    addsStreamUsage: config.streamUsage ?? provider.asksForStreamUsage ?? false,
    models: [...(provider.models ?? []), ...(config.models ?? [])],
    timeouts: { ...timeouts, ...config.timeouts },
  }
}

/** A key that stands in the environment for the vendor goes to nobody else. */
function keyFor(provider: Provider, config: ProviderConfig, base: URL | undefined): string | undefined {
  const { apiKey, baseUrl, keyIsAmbient } = config
  if (!keyIsAmbient || provider.keyGoesAnywhere || baseUrl === undefined) return apiKey
  return base !== undefined && isVendors(base, provider) ? apiKey : undefined
}

function isVendors(base: URL, { baseUrl, ownHosts }: Provider): boolean {
  if (base.protocol !== 'https:') return false
  const isBuiltIn = baseUrl !== undefined && URL.canParse(baseUrl) && new URL(baseUrl).host === base.host
  return isBuiltIn || (ownHosts?.test(base.hostname) ?? false)
}

function endpointsAt(base: URL, { endpoints }: Provider, config: ProviderConfig): readonly ConfiguredEndpoint[] {
  const rows = typeof endpoints === 'function' ? endpoints(config.address ?? {}) : endpoints
  const spoken = config.dialects
    ? config.dialects.flatMap((name) => rows.filter(({ dialect }) => dialect === name))
    : rows.filter(({ optional }) => !optional)
  return spoken.map(({ dialect, whole, stream, countTokens, headers, models, alike }) => {
    const at = (path: string | undefined): Path | undefined => (path === undefined ? undefined : pathBelow(base, path))
    return {
      dialect: dialects[dialect],
      headers: { ...headers, ...config.headers },
      models,
      alike,
      paths: { whole: at(whole), stream: at(stream ?? whole), countTokens: at(countTokens) },
    }
  })
}
