import { OpenAPIHono, z } from '@hono/zod-openapi'
import { type ErrorCode, errors } from '../core/error.ts'
import { version } from '../core/version.ts'
import { ErrorBody } from './problems.ts'
import { type Route, tags } from './route.ts'
import { routes } from './routes.ts'

export const documentPath = '/api/openapi.json'

const IfMatch = z.string().optional().openapi({
  description: 'The ETag of what you have seen last, or `*`. If it has been changed since, nothing happens.',
  example: '"3"',
})

/** Every way in which a route can fail, as far as the route itself decides it. */
export function failuresOf(route: Route): readonly ErrorCode[] {
  const codes = new Set<ErrorCode>(['bad_request', ...(route.errors ?? [])])
  const add = (...more: readonly ErrorCode[]): void => {
    for (const code of more) codes.add(code)
  }
  if (route.scope !== 'public') add('client_key_missing', 'client_key_invalid')
  if (route.scope === 'admin' || route.scope === 'operator') add('client_key_forbidden')
  if (route.isOfProject) add('project_forbidden', 'project_not_found')
  if (Object.keys(route.params.shape).length > 0 && route.method !== 'delete') add('not_found')
  if (route.method !== 'get') add('body_too_large')
  if (route.body) add('invalid_json', 'unsupported_media_type')
  if (route.ifMatch) add('precondition_failed')
  return [...codes]
}

/** The API in OpenAPI 3.1. */
export function apiDocument(): object {
  const app = new OpenAPIHono()
  const registry = app.openAPIRegistry
  registry.registerComponent('securitySchemes', 'client_key', {
    type: 'http',
    scheme: 'bearer',
    description: 'A client key. Nobody needs one as long as none has been made.',
  })
  for (const route of routes) {
    registry.registerPath({
      method: route.method,
      path: route.path,
      operationId: route.operationId,
      tags: [route.tag],
      summary: route.summary,
      ...(route.description !== undefined && { description: route.description }),
      security: route.scope === 'public' ? [] : [{ client_key: [] }, {}],
      request: {
        params: route.isOfProject ? route.params.extend({ project: ProjectParam }) : route.params,
        query: route.query,
        ...(route.ifMatch && { headers: z.strictObject({ 'if-match': IfMatch }) }),
        ...(route.body && {
          body: {
            required: true,
            content: {
              'application/json': {
                schema: route.body,
                ...(route.bodyExample !== undefined && { example: route.bodyExample }),
              },
            },
          },
        }),
      },
      responses: { [route.status]: answerOf(route), ...failures(route) },
    })
  }
  const { webhooks: _, ...document } = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Trunkline',
      version,
      description:
        'Manages what calls run on: projects, providers, models, credentials, client keys and settings. ' +
        'Times are µs since the epoch. Lists come in pages: ask for the next with `after`. ' +
        'What can be changed has an ETag; sent as `if-match`, it keeps others’ changes from being lost.',
    },
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
  })
  return document
}

const ProjectParam = z.string().openapi({ description: 'The id of a project, or its slug.', example: 'default' })

function answerOf(route: Route) {
  const { answer, answerExample } = route
  if (!answer) return { description: 'Done.' }
  const isOne = route.method !== 'get' || route.path.endsWith('}')
  return {
    description: route.status === 201 ? 'Made.' : 'As it is.',
    content: {
      'application/json': { schema: answer, ...(answerExample !== undefined && { example: answerExample }) },
    },
    ...(isOne && { headers: headersOf(route) }),
  }
}

const headersOf = ({ status }: Route) => ({
  etag: { description: 'Its version, where it has one.', schema: { type: 'string' as const } },
  ...(status === 201 && { location: { description: 'Where it can be found.', schema: { type: 'string' as const } } }),
})

/** One answer for each status, which names the codes that come with it. */
function failures(route: Route) {
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of failuresOf(route)) {
    const { status } = errors[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, codes]) => [
        status,
        {
          description: codes.map((code) => `\`${code}\``).join(', '),
          content: { 'application/json': { schema: ErrorBody } },
        },
      ]),
  )
}
