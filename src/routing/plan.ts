import type { ConfiguredProvider } from '../providers/provider.ts'

/** A provider and its name for the model. */
export interface Target {
  readonly provider: ConfiguredProvider
  readonly model: string
  /** The provider that the name seems to mean, had it been configured. */
  readonly meant?: ConfiguredProvider
}

/** What is known when a model's name is looked up. */
export interface Facts {
  /** All that there are, configured or not. */
  readonly providers: ReadonlyMap<string, ConfiguredProvider>
}

/**
 * The targets for a model's name, best first. A name that somebody lists is taken whole, slashes and all; `a/b` is model
 * `b` of provider `a` if there is such a provider and it can be called; any other name passes on to `vendor`, the vendor
 * of the door through which the call came.
 */
export function plan(name: string, { providers }: Facts, vendor: string): readonly Target[] {
  for (const provider of providers.values()) {
    if (provider.models.includes(name)) return [{ provider, model: name }]
  }
  const slash = name.indexOf('/')
  const hasBoth = slash > 0 && slash < name.length - 1
  const named = hasBoth ? providers.get(name.slice(0, slash)) : undefined
  if (named && (named.isConfigured || named.name === vendor)) {
    return [{ provider: named, model: name.slice(slash + 1) }]
  }
  const provider = providers.get(vendor)
  return provider ? [{ provider, model: name, ...(named && { meant: named }) }] : []
}
