import type { Command } from 'commander'
import { dataDirOf } from '../config/settings.ts'
import type { ProjectAnswer } from './api-types.ts'
import type { CliCommand } from './command.ts'
import { projectPath } from './project-choice.ts'
import { print } from './screen.ts'
import { plainJson, plainLine } from './text.ts'
import { withApi } from './with-api.ts'

interface State {
  readonly name: string
  readonly summary: string
  readonly example: string
  readonly done: string
}

/** What a project may become. They differ in their words only. */
const states = [
  {
    name: 'archive',
    summary: 'Refuse the calls of a project; what it has recorded stays',
    example: 'until it is restored',
    done: 'is archived: its calls are refused. `trunkline projects restore` takes that back.',
  },
  {
    name: 'restore',
    summary: 'Take the calls of an archived project again',
    example: 'as before it was archived',
    done: 'is restored: it takes calls again.',
  },
  {
    name: 'default',
    summary: 'Make a project the one of calls that choose none',
    example: 'for calls without x-project-id',
    done: 'is the default project now: it has the calls that choose none.',
  },
] as const satisfies readonly State[]

export const projectStates: readonly CliCommand[] = states.map((state) => ({
  name: state.name,
  summary: state.summary,
  examples: [[`trunkline projects ${state.name} support-bot`, state.example]],
  define(command) {
    command
      .argument('<project>', 'its id or slug')
      .option('--json', 'print JSON')
      .action((project: string) => run(state, project, command))
  },
}))

async function run({ name, done }: State, project: string, command: Command): Promise<void> {
  const { json, dataDir } = command.optsWithGlobals<{ json?: true; dataDir?: string }>()
  const changed = await withApi(dataDirOf(dataDir, process.env), { makes: false }, (api) =>
    api.post<ProjectAnswer>(`${projectPath(project)}/${name}`),
  )
  print(json ? [plainJson(changed)] : [`The project ${plainLine(changed.name)} ${done}`])
}
