import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Caller } from '../core/access.ts'
import { GatewayError, toGatewayError } from '../core/error.ts'
import { nearest } from '../core/nearest.ts'
import type { Credentials } from '../http/caller.ts'
import { pageHeadersUnkept } from '../http/page-headers.ts'
import type { ApiDeps } from './deps.ts'
import { docsPage } from './docs-page.ts'
import { docsStyle } from './docs-style.ts'
import { errorBody } from './error-text.ts'
import { etag, fitted, jsonOf, noBody, queryFields, versionOf } from './input.ts'
import { apiDocument, documentPath } from './openapi.ts'
import { projectFor } from './project-access.ts'
import type { Route } from './route.ts'
import { routes } from './routes.ts'

export interface Api {
  /** `about` is what is checked of who asks; what the request itself says, when it is absent. */
  fetch(request: Request, about?: Credentials): Promise<Response>
  document(): object
}

interface Env {
  readonly Bindings: Credentials
}

/** Sent with every answer: none is kept, and none is taken for what it is not. */
const always = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

/** The whole REST API, without a server around it. */
export function createApi(deps: ApiDeps): Api {
  const app = new OpenAPIHono<Env>()
  let document: object | undefined
  const documentOf = (): object => {
    document ??= apiDocument()
    return document
  }

  for (const route of routes) app.on(route.method.toUpperCase(), pattern(route.path), (c) => answered(route, c, deps))

  app.get(documentPath, (c) => {
    deps.admit(c.env, 'public')
    return c.json(documentOf(), 200, always)
  })
  app.get('/api/docs', (c) => {
    deps.admit(c.env, 'public')
    return c.html(docsPage(documentOf()), 200, pageHeadersUnkept)
  })
  app.get('/api/docs.css', (c) => {
    deps.admit(c.env, 'public')
    return c.body(docsStyle, 200, { ...pageHeadersUnkept, 'content-type': 'text/css; charset=utf-8' })
  })

  for (const [path, methods] of methodsByPath()) {
    app.all(pattern(path), (c) => {
      const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : [])].join(', ')
      throw new GatewayError('method_not_allowed', `${path} takes ${allow}, not ${c.req.method}.`, {
        headers: { allow },
      })
    })
  }
  app.notFound((c) => {
    const meant = nearest(c.req.path, methodsByPath().keys())
    const way = meant === undefined ? 'See /api/docs.' : `Did you mean ${meant}?`
    return failed(new GatewayError('unknown_url', `There is nothing at ${c.req.path.slice(0, 200)}. ${way}`), deps)
  })
  app.onError((thrown) => failed(thrown, deps))

  return {
    fetch: async (request, about = credentialsOf(request)) => app.fetch(request, about),
    document: documentOf,
  }
}

/** In this order: who asks, in which project, and only then what they want. */
async function answered(route: Route, c: Context<Env>, deps: ApiDeps): Promise<Response> {
  const caller: Caller = deps.admit(c.env, route.scope)
  const { project: named, ...params } = c.req.param() as Record<string, string>
  const project = route.isOfProject ? await projectFor(named ?? '', caller, deps) : undefined
  const mark = c.req.url.indexOf('?')
  const ifVersion = route.ifMatch ? versionOf(c.req.raw.headers.get('if-match')) : undefined
  const input = {
    caller,
    params: fitted(route.params, params, 'the address'),
    query: fitted(route.query, queryFields(mark < 0 ? '' : c.req.url.slice(mark + 1)), 'the query'),
    body: route.body ? fitted(route.body, await jsonOf(c.req.raw), 'the body') : await noBody(c.req.raw),
    ...(ifVersion !== undefined && { ifVersion }),
  }
  // Only a route of a project looks at it.
  const result = await route.handle({ ...input, project } as Parameters<Route['handle']>[0], deps)
  if (result === undefined) return new Response(null, { status: route.status, headers: always })
  const { body, version, location } = result
  return Response.json(body, {
    status: route.status,
    headers: {
      ...always,
      ...(version !== undefined && { etag: etag(version) }),
      ...(location !== undefined && { location }),
    },
  })
}

function failed(thrown: unknown, deps: ApiDeps): Response {
  const error = toGatewayError(thrown)
  if (error.code === 'internal') deps.onFault(error.cause ?? error)
  return Response.json(errorBody(error), {
    status: error.status,
    headers: { ...always, ...error.details.headers },
  })
}

/** `{name}` as Hono writes it. */
const pattern = (path: string): string => path.replace(/\{(\w+)\}/g, ':$1')

function methodsByPath(): ReadonlyMap<string, readonly string[]> {
  const methods = new Map<string, string[]>([documentPath, '/api/docs', '/api/docs.css'].map((path) => [path, ['GET']]))
  for (const { method, path } of routes) methods.set(path, [...(methods.get(path) ?? []), method.toUpperCase()])
  return methods
}

const credentialsOf = (request: Request): Credentials => ({
  headers: Object.fromEntries(request.headers),
  query: new URL(request.url).search.slice(1),
})
