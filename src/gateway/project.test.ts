import { expect, test } from 'vitest'
import type { Caller } from '../core/access.ts'
import { type Config, defaultTimeouts } from '../core/config.ts'
import { firstProject } from '../core/project.ts'
import { chosenProject } from './project.ts'
import { projectsOf } from './state.ts'

const config = { timeouts: defaultTimeouts, providers: {}, models: {} } as unknown as Config
const projects = projectsOf(
  [
    firstProject('default'),
    { ...firstProject('p1'), slug: 'one', isDefault: false },
    { ...firstProject('old'), isDefault: false, isArchived: true },
  ],
  config,
)
const bound = (projectId?: string): Caller => ({
  key: { id: 'k', hash: '', kind: 'inference', ...(projectId !== undefined && { projectId }) },
})

test.each<[named: string | undefined, caller: Caller, id: string, problem: string | undefined]>([
  [undefined, {}, 'default', undefined],
  ['p1', {}, 'p1', undefined],
  ['one', {}, 'p1', undefined],
  ['gone', {}, 'default', 'project_not_found'],
  ['old', {}, 'old', 'project_archived'],
  [undefined, bound(), 'default', undefined],
  ['one', bound(), 'p1', undefined],
  ['gone', bound(), 'default', 'project_not_found'],
  [undefined, bound('p1'), 'p1', undefined],
  ['p1', bound('p1'), 'p1', undefined],
  ['one', bound('p1'), 'p1', undefined],
  ['default', bound('p1'), 'p1', 'project_forbidden'],
  ['old', bound('p1'), 'p1', 'project_forbidden'],
  ['gone', bound('p1'), 'p1', 'project_forbidden'],
  [undefined, bound('old'), 'old', 'project_archived'],
  [undefined, bound('gone'), 'default', 'project_forbidden'],
  ['default', bound('gone'), 'default', 'project_forbidden'],
])('%s named by %j is %s, with %s', (named, caller, id, problem) => {
  const chosen = chosenProject(named, caller, projects)
  expect([chosen.state.project.id, chosen.problem?.code]).toEqual([id, problem])
})
