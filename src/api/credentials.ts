import { z } from '@hono/zod-openapi'
import { type Caller, isAllowed } from '../core/access.ts'
import { checkVersion } from '../core/checks.ts'
import type { Credential, ProjectCredential } from '../core/credential.ts'
import { GatewayError } from '../core/error.ts'
import type { CredentialView } from '../credentials/key-storage.ts'
import { kindOf } from '../providers/credential-kinds.ts'
import { isAmbient } from '../providers/usable-credential.ts'
import {
  bodyOf,
  CredentialBody,
  CredentialChangeBody,
  example,
  NewCredentialBody,
  ProviderOf,
  type WrittenFields,
} from './credential-body.ts'
import { checkBaseUrl } from './destination.ts'
import { wrongField } from './problems.ts'
import { providersOf } from './provider-facts.ts'
import { projectRoute, type Result } from './route.ts'
import { Id, list, listed, pageOf, pageQuery } from './wire.ts'

const tag = 'Credentials'

const params = { credential: Id }

const one = (view: CredentialView): Result<z.output<typeof CredentialBody>> => ({
  body: bodyOf(view),
  version: view.version,
})

const notFound = (id: string): GatewayError =>
  new GatewayError('not_found', `This project has no credential ${JSON.stringify(id)}.`, { param: 'credential' })

/** A credential as it is written, with its documents as text. Whether the provider takes it, its store says. */
function credentialOf(kind: string, written: WrittenFields): Credential {
  const rows = kindOf({ kind })?.fields ?? {}
  const fields: Record<string, string> = {}
  for (const [name, value] of Object.entries(written)) {
    if (typeof value !== 'string' && !(Object.hasOwn(rows, name) && rows[name]?.json)) {
      throw wrongField(`fields.${name.slice(0, 64)}`, 'must be a text')
    }
    fields[name] = typeof value === 'string' ? value : JSON.stringify(value)
  }
  return { kind, fields }
}

/** What this machine itself is allowed belongs to whoever runs it, and not to whoever manages a project. */
function checkLent(credential: Credential, caller: Caller): void {
  if (isAllowed(caller, 'operator') || !isAmbient(credential)) return
  throw new GatewayError(
    'client_key_forbidden',
    `A credential of kind ${credential.kind} calls as this machine itself, so it takes a client key of kind admin that is not bound to a project. Give one with a secret of its own.`,
    { param: 'kind' },
  )
}

interface WrittenPlace {
  readonly base_url?: string | null | undefined
  readonly headers?: Readonly<Record<string, string>> | null | undefined
  readonly address?: Readonly<Record<string, string>> | null | undefined
}

/** Where it goes, as far as that is said; `null` takes away. */
function placeOf({ base_url: baseUrl, headers, address }: WrittenPlace, caller: Caller) {
  return {
    ...(typeof baseUrl === 'string' && checkBaseUrl(baseUrl, caller, 'base_url')),
    ...(baseUrl === null && { baseUrl }),
    ...(headers !== undefined && { headers }),
    ...(address !== undefined && { address }),
  }
}

export const listCredentials = projectRoute({
  method: 'get',
  path: '/credentials',
  scope: 'admin',
  operationId: 'listCredentials',
  tag,
  summary: 'All credentials of the project',
  query: { ...pageQuery, provider: ProviderOf.optional() },
  answers: { 200: list(CredentialBody) },
  answerExample: { data: [example] },
  async handle({ project, query }, { stores }) {
    const filter = query.provider === undefined ? {} : { provider: query.provider }
    return { body: listed(await stores.credentials.list(project.id, filter, pageOf(query)), bodyOf) }
  },
})

export const getCredential = projectRoute({
  method: 'get',
  path: '/credentials/{credential}',
  scope: 'admin',
  operationId: 'getCredential',
  tag,
  summary: 'One credential',
  params,
  answers: { 200: CredentialBody },
  answerExample: example,
  async handle({ project, params: { credential } }, { stores }) {
    const view = await stores.credentials.find(project.id, credential)
    if (!view) throw notFound(credential)
    return one(view)
  },
})

export const createCredential = projectRoute({
  method: 'post',
  path: '/credentials',
  scope: 'admin',
  operationId: 'createCredential',
  tag,
  summary: 'Give the project a credential',
  description: 'It stands before what the configuration file and the environment have for the provider.',
  errors: ['conflict'],
  body: NewCredentialBody,
  bodyExample: {
    provider: 'openai',
    kind: 'api_key',
    fields: { api_key: 'sk-0123456789abf3Qx' },
    name: 'Team account',
  },
  answers: { 201: CredentialBody },
  answerExample: example,
  async handle({ project, caller, body }, deps) {
    const facts = (await providersOf(project.id, deps)).need(body.provider, 'provider')
    const credential = credentialOf(body.kind, body.fields ?? {})
    checkLent(credential, caller)
    const view = await deps.stores.credentials.create(project.id, {
      provider: facts.name,
      credential,
      ...(body.name !== undefined && { name: body.name }),
      ...(body.priority !== undefined && { priority: body.priority }),
      ...(body.weight !== undefined && { weight: body.weight }),
      // What an operator gives may name hosts of its own, also where it names no base URL.
      at: { mayBePrivate: isAllowed(caller, 'operator'), ...placeOf(body, caller) } as ProjectCredential['at'],
    })
    await deps.changed()
    return { ...one(view), location: `/api/projects/${project.id}/credentials/${view.id}` }
  },
})

export const changeCredential = projectRoute({
  method: 'patch',
  path: '/credentials/{credential}',
  scope: 'admin',
  operationId: 'changeCredential',
  tag,
  summary: 'Change a credential',
  description:
    'Only what the body names is changed; `null` takes away what may be absent. With another address its secrets and headers are dropped unless they are given anew in the same change, since they were given for the old one.',
  errors: ['conflict'],
  params,
  ifMatch: true,
  body: CredentialChangeBody,
  bodyExample: { fields: { api_key: 'sk-0123456789ab9aLm' }, priority: 2 },
  answers: { 200: CredentialBody },
  answerExample: { ...example, fields: { api_key: '…9aLm' }, priority: 2, version: 2 },
  async handle({ project, caller, params: { credential: id }, body, ifVersion }, deps) {
    const before = await deps.stores.credentials.find(project.id, id)
    if (!before) throw notFound(id)
    checkVersion(`The credential ${id}`, before.version, ifVersion)
    checkLent(before, caller)
    const facts = (await providersOf(project.id, deps)).all.get(before.provider)
    if (!facts)
      throw new GatewayError(
        'conflict',
        `Its provider, ${before.provider}, is not there any more. Remove the credential.`,
      )
    const { kind, fields, name, priority, weight } = body
    if (kind !== undefined && fields === undefined && kind !== before.kind && kind !== 'none') {
      throw wrongField('fields', 'must be given with another kind')
    }
    const wanted = kind ?? before.kind
    const isNew = fields !== undefined || wanted !== before.kind
    const credential = credentialOf(wanted, fields ?? {})
    if (isNew) checkLent(credential, caller)
    // By changing something else an operator does not vouch for an address that somebody else has named.
    const vouches = before.baseUrl === undefined && isAllowed(caller, 'operator')
    const at = { ...(vouches && { mayBePrivate: true }), ...placeOf(body, caller) }
    const view = await deps.stores.credentials.change(
      project.id,
      id,
      {
        ...(isNew && { credential }),
        ...(name !== undefined && { name }),
        ...(priority !== undefined && { priority }),
        ...(weight !== undefined && { weight }),
        ...(Object.keys(at).length > 0 && { at }),
      },
      // What has been decided here was decided for the credential as it was.
      before.version,
    )
    await deps.changed()
    return one(view)
  },
})

export const removeCredential = projectRoute({
  method: 'delete',
  path: '/credentials/{credential}',
  scope: 'admin',
  operationId: 'removeCredential',
  tag,
  summary: 'Remove a credential',
  description: 'Nothing happens when it is gone already.',
  params,
  ifMatch: true,
  answers: { 204: null },
  async handle({ project, params: { credential }, ifVersion }, deps) {
    if (await deps.stores.credentials.remove(project.id, credential, ifVersion)) await deps.changed()
    return undefined
  },
})

const Test = z
  .strictObject({
    ok: z.boolean(),
    status: z
      .int()
      .optional()
      .openapi({ description: 'The HTTP status of the provider’s answer, where there was one.' }),
    latency_ms: z.number().min(0),
    models: z.array(z.string()).optional().openapi({ description: 'The models that the provider lists for it.' }),
    error: z.strictObject({ code: z.string(), message: z.string() }).optional(),
  })
  .openapi('CredentialTest')

export const testCredential = projectRoute({
  method: 'post',
  path: '/credentials/{credential}/test',
  scope: 'admin',
  operationId: 'testCredential',
  tag,
  summary: 'Try a credential',
  description:
    'Makes the cheapest real call that shows whether the provider takes it. That it does not is an answer, too.',
  errors: ['conflict', 'too_many_waiting'],
  params,
  answers: { 200: Test },
  answerExample: { ok: true, status: 200, latency_ms: 212, models: ['gpt-5', 'gpt-5-mini'] },
  async handle({ project, params: { credential: id } }, deps) {
    const view = await deps.stores.credentials.find(project.id, id)
    if (!view) throw notFound(id)
    const opened = (await deps.stores.credentials.open(project.id)).find((one) => one.id === id)
    if (!opened) throw unusable(view)
    const { ok, status, latencyMs, models, error } = await deps.probe(project.id, opened)
    return {
      body: {
        ok,
        ...(status !== undefined && { status }),
        latency_ms: latencyMs,
        ...(models && { models: [...models] }),
        ...(error && { error: { code: error.code, message: error.message } }),
      },
    }
  },
})

const unusable = ({ needsSecret }: CredentialView): GatewayError =>
  new GatewayError(
    'conflict',
    needsSecret
      ? 'Its secret was dropped, since it was given for another address. Give it anew with PATCH.'
      : 'It cannot be opened with the master key that there is. Restore that key, or give the secret anew with PATCH.',
  )
