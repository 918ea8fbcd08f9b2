import { GatewayError } from '../core/error.ts'
import { abilitiesFor } from './abilities.ts'
import { pathFor } from './address.ts'
import { headOf } from './head.ts'
import type { ConfiguredEndpoint, ConfiguredProvider, Operation } from './provider.ts'

/** What of a request decides in which dialect a provider can be asked for it. */
export interface ChatNeeds {
  readonly hasTools: boolean
  /** How much the model is to think, if the client says so. */
  readonly effort: string | undefined
}

/** What a provider speaks with a model for clients of a dialect. */
interface Spoken {
  readonly endpoint: ConfiguredEndpoint
  /** Where tools go together with a wish to think, if that is somewhere else. */
  readonly bridge: ConfiguredEndpoint | undefined
}

/** How much is remembered of each provider; clients may make up names without end. */
const most = 1_000
const known = new WeakMap<ConfiguredProvider, Map<string, Spoken>>()

/**
 * Where and in which dialect a model is asked: in the client's own if the provider speaks it with that model, so that the
 * bytes can pass as they are, else in the provider's best. `needs` is asked for only where it may matter.
 */
export function endpointFor(
  provider: ConfiguredProvider,
  model: string,
  client: string,
  needs: () => ChatNeeds,
): ConfiguredEndpoint {
  const { endpoint, bridge } = spokenBy(provider, model, client)
  if (!bridge) return endpoint
  const { hasTools, effort } = needs()
  return hasTools && effort !== undefined && effort !== 'none' ? bridge : endpoint
}

function spokenBy(provider: ConfiguredProvider, model: string, client: string): Spoken {
  const head = headOf(model)
  const key = `${client} ${head}`
  let remembered = known.get(provider)
  if (!remembered) {
    remembered = new Map()
    known.set(provider, remembered)
  }
  const before = remembered.get(key)
  if (before) return before
  if (remembered.size >= most) remembered.clear()
  const found = findSpoken(provider, model, head, client)
  remembered.set(key, found)
  return found
}

function findSpoken(provider: ConfiguredProvider, model: string, head: string, client: string): Spoken {
  const spoken = provider.endpoints.filter(({ models }) => !models || models.test(head))
  const native = spoken.find(({ dialect }) => dialect.name === client) ?? spoken.find(({ alike }) => alike === client)
  const endpoint = native ?? spoken[0]
  if (!endpoint) throw noEndpoint(provider, model)
  const { bridgesTools } = abilitiesFor(provider, model, endpoint.dialect.name)
  return { endpoint, bridge: bridgesTools ? spoken.find(({ dialect }) => dialect.name === bridgesTools) : undefined }
}

/** The path and query of a request; undefined when the endpoint has no such operation. */
export function pathOf({ paths }: ConfiguredEndpoint, operation: Operation, model: string): string | undefined {
  const path = paths[operation]
  return path && pathFor(path, model)
}

function noEndpoint({ name, origin, provider }: ConfiguredProvider, model: string): GatewayError {
  if (origin !== '')
    return new GatewayError('model_not_found', `${name} is not configured for chats with ${JSON.stringify(model)}.`)
  const needed = [provider.baseUrl, provider.cloudBaseUrl?.({})].join(' ').match(/\{(\w+)\}/)?.[1]
  const settings =
    needed === undefined ? `providers.${name}.base_url` : `providers.${name}.${needed}, or providers.${name}.base_url`
  return new GatewayError('no_credential', `Trunkline does not know where ${name} is. Set ${settings}.`)
}
