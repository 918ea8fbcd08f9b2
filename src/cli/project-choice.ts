import type { ApiClient } from './api-client.ts'
import type { ProjectAnswer } from './api-types.ts'
import { CliError } from './command.ts'

/** For commands about what belongs to one project. */
export const projectOption = [
  '--project <project>',
  'in this project, by its id or slug (else the default project)',
] as const

export const projectPath = (idOrSlug: string): string => `/projects/${encodeURIComponent(idOrSlug)}`

/** The project that was named, or the default one. */
export async function chosenProject(api: ApiClient, named: string | undefined): Promise<ProjectAnswer> {
  if (named !== undefined) return api.get<ProjectAnswer>(projectPath(named))
  const found = (await api.all<ProjectAnswer>('/projects')).find(({ is_default: isDefault }) => isDefault)
  if (found) return found
  throw new CliError('There is no default project. Name one with --project; `trunkline projects list` shows them.')
}
