import type { z } from '@hono/zod-openapi'
import type { Caller } from '../core/access.ts'
import type { ProviderConfig } from '../core/config.ts'
import { GatewayError } from '../core/error.ts'
import { nearest } from '../core/nearest.ts'
import { checkedAddress } from '../credentials/credential-change.ts'
import { providerNamed, providers } from '../providers/index.ts'
import type { Provider as ProviderRow } from '../providers/provider.ts'
import { afterName, listed as part } from '../store/page.ts'
import type { ApiDeps } from './deps.ts'
import { checkBaseUrl } from './destination.ts'
import { everyPage } from './every-page.ts'
import { wrongField } from './problems.ts'
import { BaseUrl, NewProvider, Provider, ProviderName, providerBody } from './provider-body.ts'
import { dialectsOf, factsOf, type ProviderFacts, providersOf } from './provider-facts.ts'
import { projectRoute, type Result } from './route.ts'
import { timeoutsWith } from './timeouts.ts'
import { list, pageOf, pageQuery, TimeoutsChange, text } from './wire.ts'

const tag = 'Providers'

const example = {
  name: 'my-vllm',
  label: 'my-vllm',
  origin: 'project' as const,
  like: 'vllm',
  base_url: 'https://llm.example.com/v1',
  may_be_private: false,
  dialects: ['openai-chat'],
  is_configured: true,
  credential_from: 'none' as const,
  credential_kinds: [
    {
      kind: 'api_key',
      label: 'API key',
      is_cloud: false,
      fields: [{ name: 'api_key', help: 'the key', secret: true, optional: false, json: false }],
    },
  ],
  address_settings: [],
  address: {},
  models: ['qwen3-32b'],
  created_us: 1_790_000_000_000_000,
  updated_us: 1_790_000_000_000_000,
  version: 1,
}

const params = { provider: ProviderName }

/** The providers for which the project has credentials of its own, and whether any of these can be used. */
async function paidFor(project: string, { stores }: ApiDeps, provider?: string): Promise<ReadonlyMap<string, boolean>> {
  const names = new Map<string, boolean>()
  const filter = provider === undefined ? {} : { provider }
  for await (const { provider: name, needsSecret } of everyPage((page) =>
    stores.credentials.list(project, filter, page),
  )) {
    names.set(name, names.get(name) || !needsSecret)
  }
  return names
}

async function one(facts: ProviderFacts, project: string, deps: ApiDeps): Promise<Result<z.output<typeof Provider>>> {
  const isPaid = (await paidFor(project, deps, facts.name)).get(facts.name)
  return { body: providerBody(facts, isPaid), version: facts.own?.version ?? 0 }
}

/** Those of a project can be changed here, and no others. */
const onlyOwn = (name: string, origin: 'built_in' | 'file'): GatewayError =>
  new GatewayError(
    'conflict',
    origin === 'file'
      ? `The provider ${name} comes from the configuration file: change it there.`
      : `${name} is a provider that Trunkline knows. Its address and settings stand in the configuration file; for a project, a credential may have a base_url of its own.`,
    { param: 'provider' },
  )

async function ownOf(project: string, name: string, deps: ApiDeps): Promise<ProviderFacts> {
  const facts = (await providersOf(project, deps)).all.get(name)
  if (!facts) throw notFound(name)
  if (facts.origin === 'project') return facts
  throw onlyOwn(name, facts.origin)
}

const notFound = (name: string): GatewayError =>
  new GatewayError('not_found', `This project has no provider ${JSON.stringify(name)}.`, { param: 'provider' })

function rowFor(like: string): ProviderRow {
  const row = providerNamed(like)
  // One that answers in this process has no address to be given another of.
  if (row && !row.send) return row
  const meant = nearest(like, Object.keys(providers))
  throw wrongField(
    'like',
    `must name a provider that Trunkline knows${meant === undefined ? '' : `; perhaps ${JSON.stringify(meant)} was meant`}`,
  )
}

function checkDialects(dialects: readonly string[], row: ProviderRow, config: ProviderConfig): readonly string[] {
  const spoken = dialectsOf(row, config)
  if (new Set(dialects).size === dialects.length && dialects.every((name) => spoken.includes(name))) return dialects
  throw wrongField('dialects', `must be some of ${spoken.join(', ')}, each of them once`)
}

export const listProviders = projectRoute({
  method: 'get',
  path: '/providers',
  scope: 'admin',
  operationId: 'listProviders',
  tag,
  summary: 'All providers that the project can name',
  query: pageQuery,
  answers: { 200: list(Provider) },
  answerExample: { data: [example] },
  async handle({ project, query }, deps) {
    const { limit, after } = pageOf(query)
    const from = afterName(after)
    const paid = await paidFor(project.id, deps)
    const names = [...(await providersOf(project.id, deps)).all.values()]
      .filter(({ name }) => from === undefined || name > from)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
    const { items, next } = part(
      names,
      limit,
      ({ name }) => [name],
      (facts) => providerBody(facts, paid.get(facts.name)),
    )
    return { body: { data: [...items], ...(next !== undefined && { next }) } }
  },
})

export const getProvider = projectRoute({
  method: 'get',
  path: '/providers/{provider}',
  scope: 'admin',
  operationId: 'getProvider',
  tag,
  summary: 'One provider',
  params,
  answers: { 200: Provider },
  answerExample: example,
  async handle({ project, params: { provider } }, deps) {
    const facts = (await providersOf(project.id, deps)).all.get(provider)
    if (!facts) throw notFound(provider)
    return one(facts, project.id, deps)
  },
})

export const createProvider = projectRoute({
  method: 'post',
  path: '/providers',
  scope: 'admin',
  operationId: 'createProvider',
  tag,
  summary: 'Make a provider of the project’s own',
  description:
    'Another instance of a provider that Trunkline knows, at an address of its own. Keys and headers go with it as a credential.',
  errors: ['conflict'],
  body: NewProvider,
  bodyExample: { name: 'my-vllm', like: 'vllm', base_url: 'https://llm.example.com/v1', models: ['qwen3-32b'] },
  answers: { 201: Provider },
  answerExample: example,
  async handle({ project, caller, body }, deps) {
    const row = rowFor(body.like)
    if (providerNamed(body.name)) throw onlyOwn(body.name, 'built_in')
    const address = checkedAddress(row, body.address)
    const timeouts = timeoutsWith({}, body.timeouts ?? {})
    const config: ProviderConfig = {
      like: body.like,
      ...checkBaseUrl(body.base_url, caller, 'base_url'),
      ...(address && { address }),
      ...(body.models && { models: body.models }),
      ...(body.stream_usage !== undefined && { streamUsage: body.stream_usage }),
      ...(timeouts && { timeouts }),
    }
    const spoken = body.dialects && checkDialects(body.dialects, row, config)
    const own = await deps.stores.providers.create(project.id, {
      name: body.name,
      config: { ...config, ...(spoken && { dialects: spoken }) },
    })
    await deps.changed()
    return {
      ...(await one(factsOf(own) as ProviderFacts, project.id, deps)),
      location: `/api/projects/${project.id}/providers/${own.name}`,
    }
  },
})

const ProviderChange = NewProvider.omit({ name: true })
  .extend({
    like: text(63).optional(),
    base_url: BaseUrl.optional(),
    address: NewProvider.shape.address.nullable(),
    dialects: NewProvider.shape.dialects.nullable(),
    models: NewProvider.shape.models.nullable(),
    stream_usage: NewProvider.shape.stream_usage.nullable(),
    timeouts: TimeoutsChange.nullable().optional(),
  })
  .openapi('ProviderChange')

type Change = z.output<typeof ProviderChange>

export const changeProvider = projectRoute({
  method: 'patch',
  path: '/providers/{provider}',
  scope: 'admin',
  operationId: 'changeProvider',
  tag,
  summary: 'Change a provider of the project’s own',
  description:
    'Only what the body names is changed; `null` takes away what may be absent. Where the address changes, the project’s credentials for it lose their secrets, which were given for the old one.',
  errors: ['conflict'],
  params,
  ifMatch: true,
  body: ProviderChange,
  bodyExample: { base_url: 'https://llm2.example.com/v1', stream_usage: null },
  answers: { 200: Provider },
  answerExample: { ...example, base_url: 'https://llm2.example.com/v1', version: 2 },
  async handle({ project, caller, params: { provider }, body, ifVersion }, deps) {
    const facts = await ownOf(project.id, provider, deps)
    const config = changedConfig(facts.config, body, caller)
    const own = await deps.stores.providers.change(project.id, provider, config, ifVersion ?? facts.own?.version)
    await deps.changed()
    return one(factsOf(own) as ProviderFacts, project.id, deps)
  },
})

function changedConfig(there: ProviderConfig, change: Change, caller: Caller): ProviderConfig {
  const like = change.like ?? there.like ?? ''
  const row = rowFor(like)
  const { address: was, dialects, models, streamUsage, timeouts, ...rest } = there
  const kept = <T>(said: T | null | undefined, was: T | undefined): T | undefined =>
    said === undefined ? was : (said ?? undefined)
  const next = {
    models: kept<readonly string[]>(change.models, models),
    streamUsage: kept(change.stream_usage, streamUsage),
    timeouts: change.timeouts === null ? undefined : timeoutsWith(timeouts, change.timeouts ?? {}),
  }
  const address = checkedAddress(row, kept(change.address, was))
  const config: ProviderConfig = {
    ...rest,
    like,
    ...(change.base_url !== undefined && checkBaseUrl(change.base_url, caller, 'base_url')),
    ...(address && { address }),
    ...(next.models && { models: next.models }),
    ...(next.streamUsage !== undefined && { streamUsage: next.streamUsage }),
    ...(next.timeouts && { timeouts: next.timeouts }),
  }
  const spoken = kept<readonly string[]>(change.dialects, dialects)
  return spoken ? { ...config, dialects: checkDialects(spoken, row, config) } : config
}

export const removeProvider = projectRoute({
  method: 'delete',
  path: '/providers/{provider}',
  scope: 'admin',
  operationId: 'removeProvider',
  tag,
  summary: 'Remove a provider of the project’s own',
  description:
    'Its credentials go with it, so that they cannot be sent to another of the same name. It cannot be removed while models of the project are asked of it. Nothing happens when it is gone already.',
  errors: ['conflict'],
  params,
  ifMatch: true,
  answers: { 204: null },
  async handle({ project, params: { provider }, ifVersion }, deps) {
    const { stores } = deps
    const own = await stores.providers.find(project.id, provider)
    if (!own) {
      if (providerNamed(provider)) throw onlyOwn(provider, 'built_in')
      return undefined
    }
    for await (const model of everyPage((page) => stores.models.list(project.id, page))) {
      if (model.provider === provider) throw inUse(provider, model.name)
    }
    await stores.providers.remove(project.id, provider, ifVersion)
    await deps.changed()
    return undefined
  },
})

const inUse = (provider: string, model: string): GatewayError =>
  new GatewayError(
    'conflict',
    `The model ${JSON.stringify(model)} is asked of ${provider}. Change or remove it first.`,
    { param: 'provider' },
  )
