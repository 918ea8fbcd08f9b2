import { z } from '@hono/zod-openapi'
import { checkVersion } from '../core/checks.ts'
import { GatewayError } from '../core/error.ts'
import type { CustomModelView } from '../store/custom-models.ts'
import { afterName, listed as part } from '../store/page.ts'
import type { ApiDeps } from './deps.ts'
import { everyPage } from './every-page.ts'
import { checkAlias } from './minting.ts'
import { providersOf } from './provider-facts.ts'
import { projectRoute, type Result } from './route.ts'
import { list, Micros, ModelName, pageOf, pageQuery, text, Version } from './wire.ts'

const tag = 'Models'

const ProviderOf = text(63).openapi({ description: 'The provider that is asked for it.', example: 'openai' })

const Model = z
  .strictObject({
    name: ModelName,
    provider: z.string(),
    model: z.string().openapi({ description: 'The provider’s name for it.' }),
    origin: z.enum(['provider', 'file', 'project']).openapi({
      description: 'Who lists it: its provider, or under a name of its own the configuration file or the project.',
    }),
    created_us: Micros.optional(),
    updated_us: Micros.optional(),
    version: Version.optional(),
  })
  .openapi('Model')

type ModelBody = z.output<typeof Model>

const example = {
  name: 'fast',
  provider: 'openai',
  model: 'gpt-5-mini',
  origin: 'project' as const,
  created_us: 1_790_000_000_000_000,
  updated_us: 1_790_000_000_000_000,
  version: 1,
}

const params = { model: ModelName }

const ownBody = ({ name, provider, model, createdUs, updatedUs, version }: CustomModelView): ModelBody => ({
  name,
  provider,
  model,
  origin: 'project',
  created_us: createdUs,
  updated_us: updatedUs,
  version,
})

const one = (view: CustomModelView): Result<ModelBody> => ({ body: ownBody(view), version: view.version })

const notFound = (name: string): GatewayError =>
  new GatewayError('not_found', `This project lists no model ${JSON.stringify(name)}.`, { param: 'model' })

/** Everything that is listed for a project. Of the same name the project's own stands first, then the file's. */
async function modelsOf(project: string, deps: ApiDeps): Promise<ReadonlyMap<string, ModelBody>> {
  const models = new Map<string, ModelBody>()
  for (const { name, provider, config } of (await providersOf(project, deps)).all.values()) {
    for (const model of [...(provider.models ?? []), ...(config.models ?? [])]) {
      if (!models.has(model)) models.set(model, { name: model, provider: name, model, origin: 'provider' })
    }
  }
  for (const [name, custom] of Object.entries(deps.models())) models.set(name, { name, ...custom, origin: 'file' })
  for await (const own of everyPage((page) => deps.stores.models.list(project, page)))
    models.set(own.name, ownBody(own))
  return models
}

export const listModels = projectRoute({
  method: 'get',
  path: '/models',
  scope: 'admin',
  operationId: 'listModels',
  tag,
  summary: 'All models that are listed for the project',
  description: 'Others can be asked for as well, as `provider/model`.',
  query: pageQuery,
  answers: { 200: list(Model) },
  answerExample: { data: [example] },
  async handle({ project, query }, deps) {
    const { limit, after } = pageOf(query)
    const from = afterName(after)
    const models = [...(await modelsOf(project.id, deps)).values()]
      .filter(({ name }) => from === undefined || name > from)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
    const { items, next } = part(
      models,
      limit,
      ({ name }) => [name],
      (model) => model,
    )
    return { body: { data: [...items], ...(next !== undefined && { next }) } }
  },
})

export const getModel = projectRoute({
  method: 'get',
  path: '/models/{model}',
  scope: 'admin',
  operationId: 'getModel',
  tag,
  summary: 'One model',
  description: 'A slash in its name is written `%2F`.',
  params,
  answers: { 200: Model },
  answerExample: example,
  async handle({ project, params: { model: name } }, deps) {
    const model = (await modelsOf(project.id, deps)).get(name)
    if (!model) throw notFound(name)
    return { body: model, version: model.version ?? 0 }
  },
})

export const createModel = projectRoute({
  method: 'post',
  path: '/models',
  scope: 'admin',
  operationId: 'createModel',
  tag,
  summary: 'Give a model a name of the project’s own',
  errors: ['conflict'],
  body: z.strictObject({ name: ModelName, provider: ProviderOf, model: ModelName }).openapi('NewModel'),
  bodyExample: { name: 'fast', provider: 'openai', model: 'gpt-5-mini' },
  answers: { 201: Model },
  answerExample: example,
  async handle({ project, caller, body }, deps) {
    ;(await providersOf(project.id, deps)).need(body.provider, 'provider')
    checkAlias(caller, body.provider, body.model)
    const model = await deps.stores.models.create(project.id, body)
    await deps.changed()
    return { ...one(model), location: `/api/projects/${project.id}/models/${encodeURIComponent(model.name)}` }
  },
})

export const changeModel = projectRoute({
  method: 'patch',
  path: '/models/{model}',
  scope: 'admin',
  operationId: 'changeModel',
  tag,
  summary: 'Let a name of the project’s own stand for another model',
  description: 'Only what the body names is changed.',
  errors: ['conflict'],
  params,
  ifMatch: true,
  body: z.strictObject({ provider: ProviderOf.optional(), model: ModelName.optional() }).openapi('ModelChange'),
  bodyExample: { model: 'gpt-5' },
  answers: { 200: Model },
  answerExample: { ...example, model: 'gpt-5', version: 2 },
  async handle({ project, caller, params: { model: name }, body: { provider, model }, ifVersion }, deps) {
    if (provider !== undefined) (await providersOf(project.id, deps)).need(provider, 'provider')
    const before = await ownOf(project.id, name, deps)
    checkVersion(`The model ${name}`, before.version, ifVersion)
    checkAlias(caller, provider ?? before.provider, model ?? before.model)
    const change = { ...(provider !== undefined && { provider }), ...(model !== undefined && { model }) }
    const changed = await deps.stores.models.change(project.id, name, change, before.version)
    await deps.changed()
    return one(changed)
  },
})

export const removeModel = projectRoute({
  method: 'delete',
  path: '/models/{model}',
  scope: 'admin',
  operationId: 'removeModel',
  tag,
  summary: 'Remove a name of the project’s own',
  description: 'Nothing happens when it is gone already.',
  params,
  ifMatch: true,
  answers: { 204: null },
  async handle({ project, params: { model }, ifVersion }, deps) {
    if (await deps.stores.models.remove(project.id, model, ifVersion)) await deps.changed()
    return undefined
  },
})

/** What others list can only be hidden, by a model of the project's own with the same name. */
async function ownOf(project: string, name: string, deps: ApiDeps): Promise<CustomModelView> {
  const own = await deps.stores.models.find(project, name)
  if (own) return own
  const listed = (await modelsOf(project, deps)).get(name)
  if (!listed) throw notFound(name)
  const owner = listed.origin === 'file' ? 'the configuration file' : `its provider, ${listed.provider}`
  throw new GatewayError(
    'conflict',
    `${JSON.stringify(name)} is listed by ${owner}. Make a model of the same name in the project: it stands first.`,
    { param: 'model' },
  )
}
