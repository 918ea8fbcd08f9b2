import { GatewayError } from '../core/error.ts'
import type { CustomModel } from '../core/project.ts'
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
  /** Models under names that somebody has given them. */
  readonly models: ReadonlyMap<string, CustomModel>
  /** Who is asked for what nobody claims, where that is not the vendor of the door. */
  readonly standard?: string | undefined
}

/**
 * The targets for a model's name, best first. A name that somebody has given, or lists, is taken whole, slashes and all;
 * `a/b` is model `b` of provider `a` if there is such a provider and it can be called; any other name passes on to the
 * standard provider, or else to `vendor`, the vendor of the door through which the call came.
 */
export function plan(name: string, { providers, models, standard }: Facts, vendor: string): readonly Target[] {
  const custom = models.get(name)
  if (custom) return [ofCustom(name, custom, providers)]
  for (const provider of providers.values()) {
    if (provider.models.includes(name)) return [{ provider, model: name }]
  }
  const slash = name.indexOf('/')
  const hasBoth = slash > 0 && slash < name.length - 1
  const named = hasBoth ? providers.get(name.slice(0, slash)) : undefined
  if (named && (named.isConfigured || named.name === vendor || named.name === standard)) {
    return [{ provider: named, model: name.slice(slash + 1) }]
  }
  const provider = providers.get(standard ?? vendor)
  if (!provider && standard !== undefined) throw noStandard(name, standard)
  return provider ? [{ provider, model: name, ...(named && { meant: named }) }] : []
}

function ofCustom(name: string, { provider, model }: CustomModel, providers: Facts['providers']): Target {
  const found = providers.get(provider)
  if (found) return { provider: found, model }
  throw new GatewayError(
    'model_not_found',
    `The model ${JSON.stringify(name)} is one of ${provider}, and there is no such provider. Add it, or change the model.`,
    { param: 'model' },
  )
}

const noStandard = (name: string, standard: string): GatewayError =>
  new GatewayError(
    'model_not_found',
    `Nobody claims the model ${JSON.stringify(name)}, and ${standard}, the default provider of this project, does not exist. Change the setting default_provider.`,
    { param: 'model' },
  )
