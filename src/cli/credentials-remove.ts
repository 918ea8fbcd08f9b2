import type { Command } from 'commander'
import { dataDirOf } from '../config/settings.ts'
import type { CredentialAnswer } from './api-types.ts'
import type { CliCommand } from './command.ts'
import { chosenProject, projectOption, projectPath } from './project-choice.ts'
import { print } from './screen.ts'
import { plainJson, plainLine } from './text.ts'
import { withApi } from './with-api.ts'

export const credentialsRemove: CliCommand = {
  name: 'remove',
  summary: 'Remove a credential; its secret cannot be had back',
  examples: [['trunkline credentials remove 0197a1b2-5c3d-7e4f-8a9b-0c1d2e3f4a5b', 'calls go on with the next one']],
  define(command) {
    command
      .argument('<credential>', 'its id, as `trunkline credentials list` shows it')
      .option(...projectOption)
      .option('--json', 'print JSON')
      .action((id: string) => run(id, command))
  },
}

async function run(id: string, command: Command): Promise<void> {
  const {
    project: named,
    json,
    dataDir,
  } = command.optsWithGlobals<{ project?: string; json?: true; dataDir?: string }>()
  const removed = await withApi(dataDirOf(dataDir, process.env), { makes: false }, async (api) => {
    const { id: project } = await chosenProject(api, named)
    const path = `${projectPath(project)}/credentials/${encodeURIComponent(id)}`
    // To remove what is not there is no error of the API's, but a slip of the hand should be heard of.
    const credential = await api.get<CredentialAnswer>(path)
    await api.remove(path)
    return credential
  })
  print(
    json
      ? [plainJson(removed)]
      : [`The credential ${plainLine(removed.name ?? removed.id)} for ${plainLine(removed.provider)} is removed.`],
  )
}
