import { GatewayError } from '../core/error.ts'
import { type Door, jsonReply } from '../http/exchange.ts'
import type { ConfiguredProvider } from '../providers/provider.ts'

interface ListedModel {
  readonly id: string
  readonly object: 'model'
  readonly created: number
  readonly owned_by: string
}

/** The models that are known without asking anybody: the built-in ones and those of the configuration. */
export function modelDoors(providers: () => ReadonlyMap<string, ConfiguredProvider>, createdSeconds: number): Door[] {
  const all = (): ListedModel[] =>
    [...providers().values()].flatMap((provider) =>
      provider.models.map((id) => ({ id, object: 'model' as const, created: createdSeconds, owned_by: provider.name })),
    )
  const prefix = '/v1/models/'
  return [
    {
      method: 'GET',
      path: '/v1/models',
      scope: 'inference',
      handle: () => jsonReply(200, { object: 'list', data: all() }),
    },
    {
      method: 'GET',
      scope: 'inference',
      path: prefix,
      prefix: true,
      handle({ path }) {
        const id = decoded(path.slice(prefix.length))
        const model = all().find((candidate) => candidate.id === id)
        if (model) return jsonReply(200, model)
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
