import type { Command } from 'commander'
import { dataDirOf } from '../config/settings.ts'
import type { ProjectAnswer } from './api-types.ts'
import type { CliCommand } from './command.ts'
import { print } from './screen.ts'
import { plainJson, plainLine } from './text.ts'
import { withApi } from './with-api.ts'

export const projectsCreate: CliCommand = {
  name: 'create',
  summary: 'Make a project',
  examples: [
    [`trunkline projects create 'Support bot'`, 'chosen by x-project-id: support-bot'],
    [`trunkline projects create 'Поддержка' --slug support`, 'with a slug of your own'],
  ],
  define(command) {
    command
      .argument('<name>', 'what people call it')
      .option('--slug <slug>', 'its name in headers and addresses (else made of the name)')
      .option('--description <text>', 'what it is for')
      .option('--json', 'print JSON')
      .action((name: string) => run(name, command))
  },
}

interface Options {
  readonly slug?: string
  readonly description?: string
  readonly json?: true
  readonly dataDir?: string
}

async function run(name: string, command: Command): Promise<void> {
  const { slug, description, json, dataDir } = command.optsWithGlobals<Options>()
  const project = await withApi(dataDirOf(dataDir, process.env), { makes: true }, (api) =>
    api.post<ProjectAnswer>('/projects', {
      name,
      ...(slug !== undefined && { slug }),
      ...(description !== undefined && { description }),
    }),
  )
  print(
    json
      ? [plainJson(project)]
      : [
          `The project ${plainLine(project.name)} is made. Calls choose it with the header x-project-id: ${plainLine(project.slug)}`,
        ],
  )
}
