import type { ProviderConfig, Timeouts } from '../core/config.ts'
import type { Dialect } from '../dialects/dialect.ts'
import type { Send } from '../http/upstream.ts'

/** Somebody who answers: a dialect, an address, a way to sign, and what is peculiar to them. */
export interface Provider {
  readonly label: string
  readonly dialect: Dialect
  /** Where it is when nobody says otherwise. */
  readonly baseUrl: string
  /** What its chat stands under, below the base URL. */
  readonly chatPath: string
  /** How it wants to be shown a key; `none` is called without one. */
  readonly credential: 'bearer' | 'none'
  /** The environment variable in which its users have their key. */
  readonly keyVariable?: string
  /** True when a stream reports its usage only if asked to. */
  readonly asksForStreamUsage: boolean
  /** Models that are always there. */
  readonly models: readonly string[]
  /** For a provider that answers in this process: no network is between. */
  readonly send?: Send
}

/** A provider as configured: what a call needs of it, worked out once for each configuration. */
export interface ConfiguredProvider {
  readonly name: string
  readonly provider: Provider
  readonly origin: string
  readonly chatPath: string
  readonly key: string | undefined
  /** True at the built-in address, the only place where a client's own key may go. */
  readonly atHome: boolean
  readonly addsStreamUsage: boolean
  readonly models: readonly string[]
  readonly timeouts: Timeouts
}

/** `timeouts` are those of all providers; what is configured for this one stands before them. */
export function configured(
  name: string,
  provider: Provider,
  timeouts: Timeouts,
  config: ProviderConfig = {},
): ConfiguredProvider {
  const base = new URL(config.baseUrl ?? provider.baseUrl)
  return {
    name,
    provider,
    origin: base.origin,
    chatPath: `${base.pathname.replace(/\/+$/, '')}${provider.chatPath}${base.search}`,
    key: config.apiKey,
    atHome: config.baseUrl === undefined,
    addsStreamUsage: config.streamUsage ?? provider.asksForStreamUsage,
    models: [...provider.models, ...(config.models ?? [])],
    timeouts: { ...timeouts, ...config.timeouts },
  }
}
