import { placeOf } from '../providers/address.ts'
import { providers } from '../providers/index.ts'
import type { Provider } from '../providers/provider.ts'
import { providerConfig } from './config-of.ts'
import type { InForce } from './resolve.ts'
import type { Environment } from './setting.ts'

/**
 * Gives each provider that has neither key nor credential the chain of its cloud, if the variables of that are there. As
 * with a key that was put there for the vendor, it is for the vendor's own hosts only.
 */
export function addChains(settings: Map<string, InForce>, environment: Environment): void {
  for (const [name, provider] of Object.entries<Provider>(providers)) {
    const { chain } = provider
    const key = `providers.${name}.credential.kind`
    const found = settings.get(key)
    if (!chain || !found || found.kind !== 'default') continue
    const variables = chain.variables.find((all) => all.every((variable) => environment[variable]))
    if (!variables || settings.get(`providers.${name}.api_key`)?.value !== undefined) continue
    const credential = { kind: chain.kind, fields: {} }
    const { base, atVendor } = placeOf(provider, providerConfig(settings, name, provider), credential)
    if (!base || !atVendor) continue
    settings.set(key, {
      row: found.row,
      value: chain.kind,
      kind: 'environment',
      place: variables.join(', '),
      isAmbient: true,
    })
  }
}
