import type { ClientKey } from '../core/access.ts'
import type { Config } from '../core/config.ts'
import { defaultProject } from '../core/ids.ts'
import { type CustomModel, firstProject, type Project } from '../core/project.ts'
import { type ConfiguredProviders, everybodys, providersOf } from '../providers/configured-providers.ts'

/** All by which calls go, as it is at one moment. A call takes it when it comes and keeps it to its end. */
export interface GatewayState {
  readonly config: Config
  /** By their ids. While there is none, nobody needs one. */
  readonly keys: ReadonlyMap<string, ClientKey>
  readonly projects: Projects
}

export interface Projects {
  readonly all: readonly Project[]
  readonly standard: ProjectState
  /** By id or slug. */
  find(name: string): ProjectState | undefined
}

/** A project as calls use it. */
export interface ProjectState {
  readonly project: Project
  readonly providers: ConfiguredProviders
  /** Models under names of somebody's own: the project's before everybody's. */
  readonly models: ReadonlyMap<string, CustomModel>
}

/** What there is before anybody has said more than the configuration. */
export const stateOf = (
  config: Config,
  projects: readonly Project[] = [firstProject(defaultProject)],
  keys: readonly ClientKey[] = [],
): GatewayState => ({
  config,
  keys: byId(keys),
  projects: projectsOf(projects, config),
})

export const byId = (keys: readonly ClientKey[]): ReadonlyMap<string, ClientKey> =>
  new Map(keys.map((key) => [key.id, key]))

/** Most projects have no call before something changes again: each is worked out at its first one. */
export function projectsOf(projects: readonly Project[], config: Config): Projects {
  let made: ConfiguredProviders | undefined
  const shared = (): ConfiguredProviders => {
    made ??= everybodys(config)
    return made
  }
  const byName = new Map<string, ProjectState>()
  const states = projects.map((project) => new LazyProject(project, config, shared))
  for (const one of states) byName.set(one.project.slug, one)
  // An id is a project's for good, so it stands before what another may be called.
  for (const one of states) byName.set(one.project.id, one)
  const standard = states.find(({ project }) => project.isDefault) ?? states[0]
  return {
    all: projects,
    standard: standard ?? new LazyProject(firstProject(defaultProject), config, shared),
    find: (name) => byName.get(name),
  }
}

class LazyProject implements ProjectState {
  readonly project: Project
  private readonly config: Config
  private readonly shared: () => ConfiguredProviders
  private itsProviders: ConfiguredProviders | undefined
  private itsModels: ReadonlyMap<string, CustomModel> | undefined

  constructor(project: Project, config: Config, shared: () => ConfiguredProviders) {
    this.project = project
    this.config = config
    this.shared = shared
  }

  get providers(): ConfiguredProviders {
    this.itsProviders ??= providersOf(this.project, this.config, this.shared())
    return this.itsProviders
  }

  get models(): ReadonlyMap<string, CustomModel> {
    this.itsModels ??= new Map([...Object.entries(this.config.models), ...Object.entries(this.project.models)])
    return this.itsModels
  }
}
