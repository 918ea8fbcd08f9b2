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
  const head = headOf(model)
  const spoken = provider.endpoints.filter(({ models }) => !models || models.test(head))
  const native = spoken.find(({ dialect }) => dialect.name === client) ?? spoken.find(({ alike }) => alike === client)
  const endpoint = native ?? spoken[0]
  if (!endpoint) throw noEndpoint(provider, model)
  const { bridgesTools } = abilitiesFor(provider, model, endpoint.dialect.name)
  if (!bridgesTools) return endpoint
  const { hasTools, effort } = needs()
  const mustBridge = hasTools && effort !== undefined && effort !== 'none'
  return (mustBridge && spoken.find(({ dialect }) => dialect.name === bridgesTools)) || endpoint
}

/** The path and query of a request; undefined when the endpoint has no such operation. */
export function pathOf({ paths }: ConfiguredEndpoint, operation: Operation, model: string): string | undefined {
  const path = paths[operation]
  return path && pathFor(path, model)
}

function noEndpoint({ name, origin, provider }: ConfiguredProvider, model: string): GatewayError {
  if (origin !== '')
    return new GatewayError('model_not_found', `${name} is not configured for chats with ${JSON.stringify(model)}.`)
  const needed = provider.baseUrl?.match(/\{(\w+)\}/)?.[1]
  const settings =
    needed === undefined ? `providers.${name}.base_url` : `providers.${name}.${needed}, or providers.${name}.base_url`
  return new GatewayError('no_credential', `Trunkline does not know where ${name} is. Set ${settings}.`)
}
