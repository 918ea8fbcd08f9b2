import type { Caller } from '../core/access.ts'
import { plan, type Target } from '../routing/plan.ts'
import { mayUse, notForKey } from './key-models.ts'
import type { ProjectState } from './state.ts'

/** The targets for a name in a project, best first, as far as the caller may use them. */
export function targetsFor(
  name: string,
  { project, providers, models }: ProjectState,
  vendor: string,
  caller: Caller,
): readonly Target[] {
  const all = plan(name, { providers, models, standard: project.settings.defaultProvider }, vendor)
  if (caller.key?.models === undefined) return all
  const allowed = all.filter(({ provider, model }) => mayUse(caller, name, provider.name, model))
  if (allowed.length === 0) throw notForKey(name)
  return allowed
}
