import { z } from '@hono/zod-openapi'
import type { Caller, Scope } from '../core/access.ts'
import type { ErrorCode } from '../core/error.ts'
import type { ProjectView } from '../store/projects.ts'
import type { ApiDeps } from './deps.ts'

export type Method = 'get' | 'post' | 'patch' | 'delete'

/** The one answer of a route when all goes well: its status, and the schema of its body. */
type Answers = { readonly 200: z.ZodType } | { readonly 201: z.ZodType } | { readonly 204: null }

type Shape = z.core.$ZodLooseShape

export interface Input<P extends Shape, Q extends Shape, B> {
  readonly params: z.output<z.ZodObject<P>>
  readonly query: z.output<z.ZodObject<Q>>
  readonly body: B extends z.ZodType ? z.output<B> : undefined
  readonly caller: Caller
  /** The version that the client has seen last, as it says in `if-match`. */
  readonly ifVersion?: number
}

export interface ProjectInput<P extends Shape, Q extends Shape, B> extends Input<P, Q, B> {
  /** The project of the address; the caller may do here what the route's scope says. */
  readonly project: ProjectView
}

/** What a handler has to say; the rest is the route's. */
export interface Result<T> {
  readonly body: T
  /** The version of the one resource that this is. */
  readonly version?: number
  /** Where what was made can be found. */
  readonly location?: string
}

type ResultOf<A> = A extends { readonly 200: infer T extends z.ZodType } | { readonly 201: infer T extends z.ZodType }
  ? Result<z.input<T>>
  : undefined

interface About {
  readonly method: Method
  readonly path: string
  readonly scope: Scope
  readonly operationId: string
  readonly tag: Tag
  readonly summary: string
  readonly description?: string
  /** The ways to fail that only this route has; those of its scope, parameters and body follow from these. */
  readonly errors?: readonly ErrorCode[]
  /** True when `if-match` is looked at. */
  readonly ifMatch?: true
}

interface Spec<P extends Shape, Q extends Shape, B, A, I> extends About {
  readonly params?: P
  readonly query?: Q
  readonly body?: B
  readonly bodyExample?: B extends z.ZodType ? z.input<B> : never
  readonly answers: A
  readonly answerExample?: A extends
    | { readonly 200: infer T extends z.ZodType }
    | { readonly 201: infer T extends z.ZodType }
    ? z.input<T>
    : never
  readonly handle: (input: I, deps: ApiDeps) => Promise<ResultOf<A>> | ResultOf<A>
}

/** A route as the table has it: its types are between its own lines only. */
export interface Route extends About {
  /** True when its path begins with a project, who is looked up and checked before anything else is read. */
  readonly isOfProject: boolean
  readonly params: z.ZodObject
  readonly query: z.ZodObject
  readonly body?: z.ZodType
  readonly bodyExample?: unknown
  readonly status: 200 | 201 | 204
  readonly answer?: z.ZodType
  readonly answerExample?: unknown
  readonly handle: (input: ProjectInput<Shape, Shape, z.ZodType>, deps: ApiDeps) => Promise<Result<unknown> | undefined>
}

/** The groups in which the routes are shown. */
export const tags = {
  Projects: 'Everything that is stored belongs to exactly one.',
  Providers: 'Who answers: those that Trunkline knows, those of the configuration, and those of a project.',
  Models: 'Models under names of one’s own, and what is listed beside them.',
  Credentials: 'What calls are paid with. Secrets go in and never come out.',
  'Client keys': 'What clients show to Trunkline. Each is shown once, when it is made.',
  Settings: 'What the configuration file, the environment and flags leave open.',
  Server: 'The server itself, and who you are to it.',
} satisfies Record<string, string>

export type Tag = keyof typeof tags

/** One route of the API. It parses nothing itself: what comes to `handle` fits the schemas, and the caller the scope. */
export const route = <
  A extends Answers,
  P extends Shape = Record<never, never>,
  Q extends Shape = Record<never, never>,
  B extends z.ZodType | undefined = undefined,
>(
  spec: Spec<P, Q, B, A, Input<P, Q, B>>,
): Route => erased(spec, false)

/** A route below a project; its path is what stands behind that. */
export const projectRoute = <
  A extends Answers,
  P extends Shape = Record<never, never>,
  Q extends Shape = Record<never, never>,
  B extends z.ZodType | undefined = undefined,
>(
  spec: Spec<P, Q, B, A, ProjectInput<P, Q, B>> & { readonly scope: 'admin' | 'operator' },
): Route => erased({ ...spec, path: `/api/projects/{project}${spec.path}` }, true)

/** A spec whose types do not matter any more: they have been checked where it is written. */
interface AnySpec extends About {
  readonly params?: Shape
  readonly query?: Shape
  readonly body?: z.ZodType | undefined
  readonly bodyExample?: unknown
  readonly answers: Answers
  readonly answerExample?: unknown
  readonly handle: (input: never, deps: ApiDeps) => unknown
}

function erased({ params, query, body, answers, handle, ...about }: AnySpec, isOfProject: boolean): Route {
  const [status, answer] = Object.entries(answers)[0] as [string, z.ZodType | null]
  return {
    ...about,
    isOfProject,
    params: z.strictObject(params ?? {}),
    query: z.strictObject(query ?? {}),
    ...(body && { body }),
    status: Number(status) as Route['status'],
    ...(answer && { answer }),
    handle: async (input, deps) => (await handle(input as never, deps)) as Result<unknown> | undefined,
  }
}
