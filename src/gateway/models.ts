import type { Caller } from '../core/access.ts'
import { GatewayError } from '../core/error.ts'
import { type Door, type Exchange, jsonReply } from '../http/exchange.ts'
import { type IdentityDeps, identify } from './identity.ts'
import { mayUse } from './key-models.ts'
import type { GatewayState, ProjectState } from './state.ts'

interface ListedModel {
  readonly id: string
  readonly object: 'model'
  readonly created: number
  readonly owned_by: string
}

/**
 * The models that are known without asking anybody: those under names of somebody's own, the built-in ones and those of
 * the configuration, as far as the caller's key is good for them. A name that two claim is the first one's.
 */
function listed({ providers, models }: ProjectState, caller: Caller): ReadonlyMap<string, string> {
  const owners = new Map<string, string>()
  const add = (id: string, provider: string, model: string): void => {
    if (!owners.has(id) && mayUse(caller, id, provider, model)) owners.set(id, provider)
  }
  for (const [id, { provider, model }] of models) add(id, provider, model)
  for (const { name, models: own } of providers.values()) for (const id of own) if (!models.has(id)) add(id, name, id)
  return owners
}

export interface ModelsDeps extends Pick<IdentityDeps, 'newTraceId'> {
  readonly state: () => GatewayState
  readonly createdSeconds: number
}

export function modelDoors({ state, newTraceId, createdSeconds }: ModelsDeps): Door[] {
  const all = (exchange: Exchange): ReadonlyMap<string, string> => {
    const { problem, project } = identify(exchange, { newTraceId, projects: state().projects })
    if (problem) throw problem
    return listed(project, exchange.caller)
  }
  const modelOf = (id: string, owner: string): ListedModel => ({
    id,
    object: 'model',
    created: createdSeconds,
    owned_by: owner,
  })
  const prefix = '/v1/models/'
  return [
    {
      method: 'GET',
      path: '/v1/models',
      scope: 'inference',
      handle: (exchange) =>
        jsonReply(200, { object: 'list', data: [...all(exchange)].map(([id, owner]) => modelOf(id, owner)) }),
    },
    {
      method: 'GET',
      scope: 'inference',
      path: prefix,
      prefix: true,
      handle(exchange) {
        const id = decoded(exchange.path.slice(prefix.length))
        const owner = all(exchange).get(id)
        if (owner !== undefined) return jsonReply(200, modelOf(id, owner))
        throw new GatewayError(
          'model_not_found',
          `The model ${JSON.stringify(id)} is not listed. See GET /v1/models.`,
          { param: 'model' },
        )
      },
    },
  ]
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
