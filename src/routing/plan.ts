import type { ConfiguredProvider } from '../providers/provider.ts'

/** A provider and its name for the model. */
export interface Target {
  readonly provider: ConfiguredProvider
  readonly model: string
}

/** What is known when a model's name is looked up. */
export interface Facts {
  readonly providers: ReadonlyMap<string, ConfiguredProvider>
  /** The vendor of the door through which the call came: it gets the names that nobody else claims. */
  readonly defaultProvider: ConfiguredProvider
}

/**
 * The targets for a model's name, best first. A name that somebody lists is taken whole, slashes and all; `a/b` is model
 * `b` of provider `a` if there is such a provider; any other name passes on to the door's own vendor.
 */
export function plan(name: string, { providers, defaultProvider }: Facts): readonly Target[] {
  for (const provider of providers.values()) {
    if (provider.models.includes(name)) return [{ provider, model: name }]
  }
  const slash = name.indexOf('/')
  const hasBoth = slash > 0 && slash < name.length - 1
  const named = hasBoth ? providers.get(name.slice(0, slash)) : undefined
  if (named) return [{ provider: named, model: name.slice(slash + 1) }]
  return [{ provider: defaultProvider, model: name }]
}
