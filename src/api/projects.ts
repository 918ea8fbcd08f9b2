import { z } from '@hono/zod-openapi'
import { type Caller, isAllowed } from '../core/access.ts'
import { GatewayError } from '../core/error.ts'
import type { ProjectSettings } from '../core/project.ts'
import type { ProjectView } from '../store/projects.ts'
import type { ApiDeps } from './deps.ts'
import { projectFor } from './project-access.ts'
import { bodyOf, Description, example, Project, ProjectName, SettingsChange, Slug } from './project-body.ts'
import { providersOf } from './provider-facts.ts'
import { projectRoute, type Result, route } from './route.ts'
import { timeoutsWith } from './timeouts.ts'
import { list, listed, pageOf, pageQuery, queryTruth } from './wire.ts'

const one = (project: ProjectView): Result<z.output<typeof Project>> => ({
  body: bodyOf(project),
  version: project.version,
})

/** What is there with what a change names. */
function settingsWith(there: ProjectSettings, change: z.output<typeof SettingsChange> = {}): ProjectSettings {
  const { default_provider: provider, timeouts: clocks, capture_bodies: captureBodies } = change
  const defaultProvider = provider === undefined ? there.defaultProvider : (provider ?? undefined)
  const timeouts = clocks === null ? undefined : timeoutsWith(there.timeouts, clocks ?? {})
  return {
    ...(defaultProvider !== undefined && { defaultProvider }),
    ...(timeouts !== undefined && { timeouts }),
    captureBodies: captureBodies ?? there.captureBodies,
  }
}

/** A default provider has to be one that the project has; a new project has those that everybody has. */
async function checkSettings(
  settings: z.output<typeof SettingsChange> | undefined,
  projectId: string | undefined,
  deps: ApiDeps,
): Promise<void> {
  const name = settings?.default_provider
  if (typeof name === 'string') (await providersOf(projectId, deps)).need(name, 'settings.default_provider')
}

const tag = 'Projects'

export const listProjects = route({
  method: 'get',
  path: '/api/projects',
  scope: 'admin',
  operationId: 'listProjects',
  tag,
  summary: 'All projects',
  description: 'With a client key that is bound to a project: that one.',
  query: {
    ...pageQuery,
    archived: queryTruth
      .optional()
      .openapi({ description: 'Only those that are archived, or are not; all unless said.' }),
  },
  answers: { 200: list(Project) },
  answerExample: { data: [example] },
  async handle({ query, caller }, deps) {
    const { archived } = query
    const bound = caller.key?.projectId
    if (bound === undefined) {
      const page = { ...pageOf(query), ...(archived !== undefined && { archived }) }
      return { body: listed(await deps.stores.projects.list(page), bodyOf) }
    }
    const own = await projectFor(bound, caller, deps)
    return { body: { data: archived === undefined || archived === own.isArchived ? [bodyOf(own)] : [] } }
  },
})

export const createProject = route({
  method: 'post',
  path: '/api/projects',
  scope: 'operator',
  operationId: 'createProject',
  tag,
  summary: 'Make a project',
  description: 'Its slug is made of its name unless it is said, and does not change with the name.',
  errors: ['conflict'],
  body: z
    .strictObject({
      name: ProjectName,
      slug: Slug.optional(),
      description: Description.optional(),
      settings: SettingsChange.optional(),
    })
    .openapi('NewProject'),
  bodyExample: { name: 'Support bot', settings: { default_provider: 'openai' } },
  answers: { 201: Project },
  answerExample: example,
  async handle({ body }, deps) {
    await checkSettings(body.settings, undefined, deps)
    const project = await deps.stores.projects.create({
      name: body.name,
      ...(body.slug !== undefined && { slug: body.slug }),
      ...(body.description !== undefined && { description: body.description }),
      settings: settingsWith({ captureBodies: true }, body.settings),
    })
    await deps.changed()
    return { ...one(project), location: `/api/projects/${project.id}` }
  },
})

export const getProject = projectRoute({
  method: 'get',
  path: '',
  scope: 'admin',
  operationId: 'getProject',
  tag,
  summary: 'One project',
  answers: { 200: Project },
  answerExample: example,
  handle: ({ project }) => one(project),
})

export const changeProject = projectRoute({
  method: 'patch',
  path: '',
  scope: 'admin',
  operationId: 'changeProject',
  tag,
  summary: 'Change a project',
  description:
    'Only what the body names is changed; `null` takes away what may be absent. Another slug takes a client key that is not bound to a project.',
  errors: ['conflict'],
  ifMatch: true,
  body: z
    .strictObject({
      name: ProjectName.optional(),
      slug: Slug.optional(),
      description: Description.nullable().optional(),
      settings: SettingsChange.optional(),
    })
    .openapi('ProjectChange'),
  bodyExample: { name: 'Support', settings: { capture_bodies: false, timeouts: { idle_ms: 30_000 } } },
  answers: { 200: Project },
  answerExample: {
    ...example,
    name: 'Support',
    settings: { default_provider: 'openai', capture_bodies: false, timeouts: { idle_ms: 30_000 } },
    version: 2,
  },
  async handle({ project, caller, body, ifVersion }, deps) {
    await checkSettings(body.settings, project.id, deps)
    if (body.slug !== undefined && body.slug !== project.slug) checkNaming(caller)
    const changed = await deps.stores.projects.change(
      project.id,
      {
        ...(body.name !== undefined && { name: body.name }),
        ...(body.slug !== undefined && { slug: body.slug }),
        ...(body.description !== undefined && { description: body.description }),
        ...(body.settings && { settings: settingsWith(project.settings, body.settings) }),
      },
      // Settings are written as a whole, with those that the change does not name as they were read.
      ifVersion ?? (body.settings && project.version),
    )
    await deps.changed()
    return one(changed)
  },
})

/** Programs choose a project by its slug: one that was another's, or is meant to be, would bring that one's calls here. */
function checkNaming(caller: Caller): void {
  if (isAllowed(caller, 'operator')) return
  throw new GatewayError(
    'client_key_forbidden',
    'The slug of a project is given by a client key of kind admin that is not bound to a project. Its name may be anything.',
    { param: 'slug' },
  )
}

/** What is done to a project as a whole, with nothing to say about how. */
const step =
  (which: 'archive' | 'restore' | 'makeDefault') =>
  async ({ project, ifVersion }: { readonly project: ProjectView; readonly ifVersion?: number }, deps: ApiDeps) => {
    const changed = await deps.stores.projects[which](project.id, ifVersion)
    await deps.changed()
    return one(changed)
  }

export const archiveProject = projectRoute({
  method: 'post',
  path: '/archive',
  scope: 'operator',
  operationId: 'archiveProject',
  tag,
  summary: 'Archive a project',
  description:
    'Its calls are refused from then on; what it has recorded stays. The default project and the last one that is not archived cannot be.',
  errors: ['conflict'],
  ifMatch: true,
  answers: { 200: Project },
  answerExample: { ...example, is_archived: true, archived_us: 1_790_000_000_000_000, version: 2 },
  handle: step('archive'),
})

export const restoreProject = projectRoute({
  method: 'post',
  path: '/restore',
  scope: 'operator',
  operationId: 'restoreProject',
  tag,
  summary: 'Restore an archived project',
  errors: ['conflict'],
  ifMatch: true,
  answers: { 200: Project },
  answerExample: example,
  handle: step('restore'),
})

export const makeDefaultProject = projectRoute({
  method: 'post',
  path: '/default',
  scope: 'operator',
  operationId: 'makeDefaultProject',
  tag,
  summary: 'Make a project the default',
  description: 'It has the calls that name no project. An archived one cannot be.',
  errors: ['conflict'],
  ifMatch: true,
  answers: { 200: Project },
  answerExample: { ...example, is_default: true },
  handle: step('makeDefault'),
})
