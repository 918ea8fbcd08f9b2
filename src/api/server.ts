import { z } from '@hono/zod-openapi'
import { isAllowed, keyKinds, type Scope } from '../core/access.ts'
import { credentialKinds } from '../providers/credential-kinds.ts'
import { Kind, kindBody } from './provider-body.ts'
import { route } from './route.ts'
import { Id, Micros } from './wire.ts'

const Health = z
  .strictObject({
    status: z.enum(['starting', 'ready', 'degraded', 'draining', 'stopped']),
    reasons: z.array(z.string()).openapi({
      description: 'What does not work as it should while calls go on; told to whoever manages everything.',
    }),
  })
  .openapi('Health')

export const getHealth = route({
  method: 'get',
  path: '/api/health',
  scope: 'admin',
  operationId: 'getHealth',
  tag: 'Server',
  summary: 'How the server is',
  answers: { 200: Health },
  answerExample: { status: 'ready', reasons: [] },
  async handle({ caller }, { health }) {
    const { phase, problems } = await health()
    const running = problems.length === 0 ? ('ready' as const) : ('degraded' as const)
    return {
      body: {
        status: phase === 'running' ? running : phase,
        reasons: isAllowed(caller, 'operator') ? [...problems] : [],
      },
    }
  },
})

const scopes = ['public', 'inference', 'admin', 'operator'] as const satisfies readonly Scope[]

const Me = z
  .strictObject({
    key: z
      .strictObject({
        id: Id,
        kind: z.enum(keyKinds),
        project_id: Id.optional(),
        models: z.array(z.string()).optional(),
        expires_us: Micros.optional(),
      })
      .optional()
      .openapi({ description: 'The client key; absent for who needs none.' }),
    scopes: z.array(z.enum(scopes)).openapi({
      description:
        'What you may do: make calls, manage a project (the key’s, if it is bound to one), manage everything.',
    }),
  })
  .openapi('Me')

export const getMe = route({
  method: 'get',
  path: '/api/me',
  scope: 'inference',
  operationId: 'getMe',
  tag: 'Server',
  summary: 'Who you are',
  answers: { 200: Me },
  answerExample: {
    key: { id: 'a1b2c3d4', kind: 'admin', project_id: 'default' },
    scopes: ['public', 'inference', 'admin'],
  },
  handle({ caller }) {
    const { key } = caller
    return {
      body: {
        ...(key && {
          key: {
            id: key.id,
            kind: key.kind,
            ...(key.projectId !== undefined && { project_id: key.projectId }),
            ...(key.models && { models: [...key.models] }),
            ...(key.expiresUs !== undefined && { expires_us: key.expiresUs }),
          },
        }),
        scopes: scopes.filter((scope) => isAllowed(caller, scope)),
      },
    }
  },
})

const Kinds = z.strictObject({ data: z.array(Kind) })

export const listCredentialKinds = route({
  method: 'get',
  path: '/api/credential-kinds',
  scope: 'inference',
  operationId: 'listCredentialKinds',
  tag: 'Credentials',
  summary: 'Every kind of credential, with its fields',
  answers: { 200: Kinds },
  answerExample: { data: [{ kind: 'none', label: 'None', is_cloud: false, fields: [] }] },
  handle: () => ({ body: { data: (Object.keys(credentialKinds) as (keyof typeof credentialKinds)[]).map(kindBody) } }),
})
