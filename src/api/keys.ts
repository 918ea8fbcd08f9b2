import { z } from '@hono/zod-openapi'
import { type Caller, keyKinds } from '../core/access.ts'
import { GatewayError } from '../core/error.ts'
import { isLoopback } from '../http/addresses.ts'
import type { ClientKeyView } from '../store/client-keys.ts'
import type { ApiDeps } from './deps.ts'
import { checkFirst, checkMinting, checkPatterns, checkRevoking, type WantedKey } from './minting.ts'
import { wrongField } from './problems.ts'
import { projectFor } from './project-access.ts'
import { type Result, route } from './route.ts'
import { Id, list, listed, Micros, pageOf, pageQuery, queryTruth, text } from './wire.ts'

const tag = 'Client keys'

const Name = text(200).openapi({ description: 'What people call it.', example: 'Claude Code on my laptop' })
const Kind = z.enum(keyKinds).openapi({ description: '`inference` for calls, `admin` for calls and management.' })
const Patterns = z
  .array(text(200))
  .min(1)
  .max(100)
  .openapi({ description: 'Names of models, where `*` stands for anything; all when absent.', example: ['gpt-5*'] })

const shape = {
  id: Id,
  name: Name,
  kind: Kind,
  project_id: Id.optional().openapi({ description: 'The one project for which it is good; all when absent.' }),
  models: Patterns.optional(),
  expires_us: Micros.optional(),
  created_us: Micros,
  revoked_us: Micros.optional(),
  created_by: z.string().optional().openapi({ description: 'The id of the key with which it was made.' }),
  last_four: z.string().openapi({ description: 'By which its owner knows it.' }),
}

const Key = z.strictObject(shape).openapi('ClientKey')

const NewKey = z
  .strictObject({
    ...shape,
    key: z.string().openapi({ description: 'The key itself. It is shown here and never again.' }),
  })
  .openapi('MadeClientKey')

const example = {
  id: 'a1b2c3d4',
  name: 'Claude Code on my laptop',
  kind: 'inference' as const,
  project_id: 'default',
  models: ['claude-*'],
  created_us: 1_790_000_000_000_000,
  last_four: 'x7Qf',
}

const bodyOf = (view: ClientKeyView): z.output<typeof Key> => ({
  id: view.id,
  name: view.name,
  kind: view.kind,
  ...(view.projectId !== undefined && { project_id: view.projectId }),
  ...(view.models && { models: [...view.models] }),
  ...(view.expiresUs !== undefined && { expires_us: view.expiresUs }),
  created_us: view.createdUs,
  ...(view.revokedUs !== undefined && { revoked_us: view.revokedUs }),
  ...(view.createdBy !== undefined && { created_by: view.createdBy }),
  last_four: view.lastFour,
})

/** A key changes once in its life, when it is revoked. */
const versionOf = ({ revokedUs }: ClientKeyView): number => (revokedUs === undefined ? 1 : 2)

const one = (view: ClientKeyView): Result<z.output<typeof Key>> => ({ body: bodyOf(view), version: versionOf(view) })

const params = { key: Id }

/** The key, if the caller may know that it is there. */
async function visible(id: string, { key: own }: Caller, { stores }: ApiDeps): Promise<ClientKeyView | undefined> {
  const view = await stores.clientKeys.find(id)
  if (own?.projectId !== undefined && view?.projectId !== own.projectId) return undefined
  return view
}

const notFound = (id: string): GatewayError =>
  new GatewayError('not_found', `There is no client key ${JSON.stringify(id)}.`, { param: 'key' })

/** The project to which a key is to be bound, by its id. */
async function projectIdOf(named: string | undefined, caller: Caller, deps: ApiDeps): Promise<string | undefined> {
  if (named === undefined) return undefined
  return (await projectFor(named, caller, deps)).id
}

export const listKeys = route({
  method: 'get',
  path: '/api/keys',
  scope: 'admin',
  operationId: 'listKeys',
  tag,
  summary: 'All client keys',
  description: 'With a client key that is bound to a project: those that are bound to the same.',
  query: {
    ...pageQuery,
    project: Id.optional().openapi({
      description: 'Only those that are bound to this project, by its id or its slug.',
    }),
    revoked: queryTruth
      .optional()
      .openapi({ description: 'Only those that are revoked, or are not; all unless said.' }),
  },
  errors: ['project_not_found', 'project_forbidden'],
  answers: { 200: list(Key) },
  answerExample: { data: [example] },
  async handle({ query, caller }, deps) {
    const projectId = await projectIdOf(query.project ?? caller.key?.projectId, caller, deps)
    const filter = {
      ...(projectId !== undefined && { projectId }),
      ...(query.revoked !== undefined && { revoked: query.revoked }),
    }
    return { body: listed(await deps.stores.clientKeys.list(filter, pageOf(query)), bodyOf) }
  },
})

export const getKey = route({
  method: 'get',
  path: '/api/keys/{key}',
  scope: 'admin',
  operationId: 'getKey',
  tag,
  summary: 'One client key',
  params,
  answers: { 200: Key },
  answerExample: example,
  async handle({ params: { key: id }, caller }, deps) {
    const view = await visible(id, caller, deps)
    if (!view) throw notFound(id)
    return one(view)
  },
})

export const createKey = route({
  method: 'post',
  path: '/api/keys',
  scope: 'admin',
  operationId: 'createKey',
  tag,
  summary: 'Make a client key',
  description:
    'It is good for no more than the key with which it is made: of the same project if that is bound to one, for no other models, and no longer. The first key has to be of kind admin and bound to no project, since from then on everything needs one.',
  errors: ['conflict', 'project_not_found', 'project_forbidden'],
  body: z
    .strictObject({
      name: Name,
      kind: Kind.optional().openapi({ description: '`inference` unless said.' }),
      project: Id.optional().openapi({ description: 'The id or the slug of the one project for which it is good.' }),
      models: Patterns.optional(),
      expires_us: Micros.optional(),
    })
    .openapi('NewClientKey'),
  bodyExample: { name: 'Claude Code on my laptop', project: 'default', models: ['claude-*'] },
  answers: { 201: NewKey },
  answerExample: { ...example, key: 'tl_a1b2c3d4_0000000000000000000000000000000000000000000' },
  async handle({ body, caller }, deps) {
    const { clientKeys } = deps.stores
    const projectId = await projectIdOf(body.project, caller, deps)
    const nowUs = Date.now() * 1000
    const wanted: WantedKey = {
      kind: body.kind ?? 'inference',
      ...(projectId !== undefined && { projectId }),
      ...(body.models && { models: checkPatterns(body.models) }),
      ...(body.expires_us !== undefined && { expiresUs: body.expires_us }),
    }
    if (wanted.expiresUs !== undefined && wanted.expiresUs <= nowUs)
      throw wrongField('expires_us', 'must be in the future')
    checkMinting(caller, wanted)
    const { view, key } = await clientKeys.create(
      { name: body.name, ...wanted, ...(caller.key && { createdBy: caller.key.id }) },
      (keys) => checkFirst(wanted, { keys, nowUs }),
    )
    await deps.changed()
    return { body: { ...bodyOf(view), key }, version: versionOf(view), location: `/api/keys/${view.id}` }
  },
})

const force = queryTruth
  .optional()
  .openapi({ description: 'Revokes the last key with which everything can be managed, too.' })

/** Refused from then on, within a second. Done once more it tells everybody once more. */
async function revoke(
  { id }: ClientKeyView,
  caller: Caller,
  isForced: boolean,
  deps: ApiDeps,
): Promise<ClientKeyView | undefined> {
  const revoked = await deps.stores.clientKeys.revoke(id, (keys) =>
    checkRevoking({ id, caller, isForced, isReachable: isReachable(deps), keys, nowUs: Date.now() * 1000 }),
  )
  await deps.changed()
  return revoked
}

/** Whether others than this machine can reach the server. */
function isReachable({ settings }: ApiDeps): boolean {
  const host = settings.list().find(({ key }) => key === 'server.host')?.value
  return typeof host === 'string' && !isLoopback(host)
}

export const revokeKey = route({
  method: 'post',
  path: '/api/keys/{key}/revoke',
  scope: 'admin',
  operationId: 'revokeKey',
  tag,
  summary: 'Revoke a client key',
  description:
    'For good, and within a second. It stays in the list. Where it was the last of all, nobody on this machine needs one any more.',
  errors: ['conflict'],
  params,
  query: { force },
  answers: { 200: Key },
  answerExample: { ...example, revoked_us: 1_790_000_000_000_000 },
  async handle({ params: { key: id }, query, caller }, deps) {
    const view = await visible(id, caller, deps)
    const revoked = view && (await revoke(view, caller, query.force ?? false, deps))
    if (!revoked) throw notFound(id)
    return one(revoked)
  },
})

export const removeKey = route({
  method: 'delete',
  path: '/api/keys/{key}',
  scope: 'admin',
  operationId: 'removeKey',
  tag,
  summary: 'Revoke a client key, as `revoke` does',
  description: 'Nothing happens when it is revoked already, or was never there.',
  errors: ['conflict'],
  params,
  query: { force },
  answers: { 204: null },
  async handle({ params: { key: id }, query, caller }, deps) {
    const view = await visible(id, caller, deps)
    if (view) await revoke(view, caller, query.force ?? false, deps)
    return undefined
  },
})
