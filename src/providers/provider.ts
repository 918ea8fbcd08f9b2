import type { ProviderConfig, Timeouts } from '../core/config.ts'
import { type Credential, configuredId } from '../core/credential.ts'
import type { Dialect } from '../dialects/dialect.ts'
import { type DialectName, dialects } from '../dialects/index.ts'
import type { Send } from '../http/upstream.ts'
import { type AddressSettings, type Path, pathBelow, placeOf } from './address.ts'
import { type CredentialKindName, kindOf } from './credential-kinds.ts'
import type { KeyHeader } from './key-headers.ts'
import { type UsableCredential, usable } from './usable-credential.ts'

/** Somebody who answers: the dialects it speaks and where, a way to show a key, and what is peculiar to it. One row each. */
export interface Provider {
  readonly label: string
  /**
   * Where it is when nobody says otherwise, with a setting of its own in braces where every user has another address.
   * Absent when the operator has to say it.
   */
  readonly baseUrl?: string
  /**
   * Where it is for a credential of a cloud, if that is somewhere else, written like `baseUrl`. `settings` are those that
   * are said, with what the credential itself says of them.
   */
  readonly cloudBaseUrl?: (settings: AddressSettings) => string
  /** What a credential says of the provider's settings, in place of what is not said. */
  readonly settingsOf?: (credential: Credential) => AddressSettings
  /** The flag that says where it is, as commander writes it. */
  readonly baseUrlFlag?: string
  /** Best first: what a client's dialect is translated to when the provider does not speak that one itself. */
  readonly endpoints: readonly Endpoint[] | ((settings: AddressSettings) => readonly Endpoint[])
  /** How a key is shown to it. */
  readonly keyHeader: KeyHeader
  /** The kinds of credentials that it takes besides a key and none. */
  readonly credentialKinds?: readonly CredentialKindName[]
  /**
   * The credential that is found by its cloud's own chain, and the variables that show that there is one: all of any of
   * these sets.
   */
  readonly chain?: { readonly kind: CredentialKindName; readonly variables: readonly (readonly string[])[] }
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
  /** Where it lists its models, seen from its base URL, if that is not below it; undefined where nobody lists them. */
  readonly listUrl?: (base: URL) => URL | undefined
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
  /** Where the models of the host are listed. */
  readonly list?: string
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
  /** Of which provider it is another instance, under a name of its own. */
  readonly like?: string
  readonly provider: Provider
  /** Scheme, host and port; empty when the address has not been said. */
  readonly origin: string
  readonly endpoints: readonly ConfiguredEndpoint[]
  /** What is configured to pay with, whatever its kind. */
  readonly standing: UsableCredential | undefined
  /** What a project has of its own to pay with, by priority. They stand before `standing`. */
  readonly own: readonly UsableCredential[]
  /** What a project has of its own to pay with cannot be used, none of it. */
  readonly isUnusable?: true
  /** True at the built-in address, the only place where a client's own key may go. */
  readonly atHome: boolean
  /** True at an address of the vendor's, be it the built-in one or another. */
  readonly atVendor: boolean
  /** Whether it may be in a private network, or on this machine: who runs Trunkline says so, or it always is. */
  readonly mayBePrivate: boolean
  /** True when it can be called by its name: there is a key, or the operator says where it is, or it wants no key. */
  readonly isConfigured: boolean
  readonly needsKey: boolean
  readonly addsStreamUsage: boolean
  readonly models: readonly string[]
  /** Where it lists its models, as far as that is known. */
  readonly list: ListAddress | undefined
  readonly timeouts: Timeouts
  /** What is sent because the operator has set it in headers, or in the address behind the question mark. */
  readonly mayBeSecret: readonly string[]
}

export interface ListAddress {
  readonly origin: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
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

/**
 * `timeouts` are those of all providers; what is configured for this one stands before them. `credential` is what it is
 * called with, if that is not what is configured.
 */
export function configured(
  name: string,
  provider: Provider,
  timeouts: Timeouts,
  config: ProviderConfig = {},
  credential: Credential | undefined = config.apiKey === undefined ? config.credential : undefined,
): ConfiguredProvider {
  const { base, atHome, atVendor } = placeOf(provider, config, credential)
  const standing = standingOf(name, provider, config, keyFor(provider, config, atVendor))
  const wantsNone = provider.keyHeader === 'none' || provider.keyless === true || config.credential?.kind === 'none'
  const needsKey = !wantsNone && atHome
  return {
    name,
    ...(config.like !== undefined && { like: config.like }),
    provider,
    origin: base?.origin ?? '',
    endpoints: base === undefined ? [] : endpointsAt(base, provider, config),
    standing,
    own: [],
    atHome,
    atVendor,
    mayBePrivate: atHome || config.mayBePrivate === true,
    isConfigured: base !== undefined && (standing !== undefined || !needsKey),
    needsKey,
    addsStreamUsage: config.streamUsage ?? provider.asksForStreamUsage ?? false,
    models: [...(provider.models ?? []), ...(config.models ?? [])],
    list: base && listAt(base, provider, config),
    timeouts: { ...timeouts, ...config.timeouts },
    mayBeSecret: [...Object.values(config.headers ?? {}), ...valuesIn(base)],
  }
}

/** What stands in an address behind the question mark, but for the version of an API. */
const valuesIn = (base: URL | undefined): readonly string[] =>
  [...(base?.search.matchAll(/[?&]([^&=]*)=([^&]*)/g) ?? [])].flatMap(([, name, written = '']) =>
    name === 'api-version' ? [] : [written, decoded(written)],
  )

function decoded(written: string): string {
  try {
    return decodeURIComponent(written)
  } catch {
    return written
  }
}

/** A key that stands in the environment for the vendor goes to nobody else. */
function keyFor(provider: Provider, config: ProviderConfig, atVendor: boolean): string | undefined {
  const { apiKey, credential, keyIsAmbient } = config
  const key = apiKey ?? (credential?.kind === 'api_key' ? credential.fields.api_key : undefined)
  return !keyIsAmbient || provider.keyGoesAnywhere || atVendor ? key : undefined
}

function standingOf(
  name: string,
  provider: Provider,
  { credential }: ProviderConfig,
  key: string | undefined,
): UsableCredential | undefined {
  const id = configuredId(name)
  if (key !== undefined) return usable(id, { kind: 'api_key', fields: { api_key: key } }, provider)
  return credential && kindOf(credential)?.isCloud ? usable(id, credential, provider) : undefined
}

/** Its endpoints as they are in the table, as far as it speaks them. */
function spokenBy({ endpoints }: Provider, { address = {}, dialects: names }: ProviderConfig): readonly Endpoint[] {
  const rows = typeof endpoints === 'function' ? endpoints(address) : endpoints
  return names
    ? names.flatMap((name) => rows.filter(({ dialect }) => dialect === name))
    : rows.filter(({ optional }) => !optional)
}

function listAt(base: URL, provider: Provider, config: ProviderConfig): ListAddress | undefined {
  if (provider.listUrl) {
    const url = provider.listUrl(base)
    return url && { origin: url.origin, path: `${url.pathname}${url.search}`, headers: config.headers ?? {} }
  }
  for (const { list, headers } of spokenBy(provider, config)) {
    if (list === undefined) continue
    return { origin: base.origin, path: pathBelow(base, list).before, headers: { ...headers, ...config.headers } }
  }
  return undefined
}

function endpointsAt(base: URL, provider: Provider, config: ProviderConfig): readonly ConfiguredEndpoint[] {
  return spokenBy(provider, config).map(({ dialect, whole, stream, countTokens, headers, models, alike }) => {
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
