import type { Caller } from '../core/access.ts'
import { GatewayError } from '../core/error.ts'
import type { ProjectState, Projects } from './state.ts'

/** The project of a call, or where a refused one is recorded: with somebody who may know of it. */
export interface Chosen {
  readonly state: ProjectState
  readonly problem?: GatewayError
}

/**
 * The project that a request names, else its key's, else the default one. A key that is bound to a project hears the same
 * of every other one, be it there or not.
 */
export function chosenProject(named: string | undefined, { key }: Caller, projects: Projects): Chosen {
  const bound = key?.projectId
  const own = bound === undefined ? projects.standard : projects.find(bound)
  if (!own) return { state: projects.standard, problem: forbidden(named) }
  const state = named === undefined ? own : projects.find(named)
  if (bound !== undefined && state !== own) return { state: own, problem: forbidden(named) }
  if (!state) return { state: own, problem: notFound(named ?? '') }
  return state.project.isArchived ? { state, problem: archived(state) } : { state }
}

const param = { param: 'x-project-id' }

const forbidden = (named: string | undefined): GatewayError =>
  new GatewayError(
    'project_forbidden',
    named === undefined
      ? 'The project of this client key does not exist any more.'
      : `This client key is not good for the project ${JSON.stringify(named)}. Leave x-project-id out for its own.`,
    param,
  )

const notFound = (named: string): GatewayError =>
  new GatewayError(
    'project_not_found',
    `There is no project ${JSON.stringify(named)}. Leave x-project-id out for the default one.`,
    param,
  )

const archived = ({ project: { slug } }: ProjectState): GatewayError =>
  new GatewayError(
    'project_archived',
    `The project ${slug} is archived and takes no calls. \`trunkline projects restore ${slug}\` brings it back.`,
    param,
  )
