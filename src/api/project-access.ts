import type { Caller } from '../core/access.ts'
import { GatewayError } from '../core/error.ts'
import type { ProjectView } from '../store/projects.ts'
import type { ApiDeps } from './deps.ts'

/**
 * The project of an address, by its id or its slug. A caller whose key is bound to another one hears the same whether
 * there is such a project or not.
 */
export async function projectFor(named: string, caller: Caller, { stores }: ApiDeps): Promise<ProjectView> {
  const project = await stores.projects.find(named)
  const bound = caller.key?.projectId
  if (bound !== undefined && project?.id !== bound) {
    throw new GatewayError('project_forbidden', 'This client key is bound to another project.', { param: 'project' })
  }
  if (project) return project
  throw new GatewayError(
    'project_not_found',
    `There is no project ${JSON.stringify(named.slice(0, 100).toWellFormed())}. See GET /api/projects.`,
    { param: 'project' },
  )
}
