import type { Command } from 'commander'
import { dataDirOf } from '../config/settings.ts'
import type { ProjectAnswer } from './api-types.ts'
import type { CliCommand } from './command.ts'
import { projectPath } from './project-choice.ts'
import { print } from './screen.ts'
import { plainJson, plainLine } from './text.ts'
import { withApi } from './with-api.ts'

export const projectsRename: CliCommand = {
  name: 'rename',
  summary: 'Give a project another name',
  examples: [
    [`trunkline projects rename support-bot 'Support'`, 'its slug stays: it stands in programs'],
    [`trunkline projects rename support-bot 'Support' --slug support`, 'and another slug'],
  ],
  define(command) {
    command
      .argument('<project>', 'its id or slug')
      .argument('<name>', 'the new name')
      .option('--slug <slug>', 'another name in headers and addresses, too; the old one is unknown from then on')
      .option('--json', 'print JSON')
      .action((project: string, name: string) => run(project, name, command))
  },
}

async function run(project: string, name: string, command: Command): Promise<void> {
  const { slug, json, dataDir } = command.optsWithGlobals<{ slug?: string; json?: true; dataDir?: string }>()
  const renamed = await withApi(dataDirOf(dataDir, process.env), { makes: false }, (api) =>
    api.patch<ProjectAnswer>(projectPath(project), { name, ...(slug !== undefined && { slug }) }),
  )
  print(
    json
      ? [plainJson(renamed)]
      : [
          `The project is called ${plainLine(renamed.name)} now. Calls choose it with the header x-project-id: ${plainLine(renamed.slug)}`,
        ],
  )
}
