import { dataDirOf } from '../config/settings.ts'
import type { ApiClient } from './api-client.ts'
import type { CliCommand } from './command.ts'
import { chosenProject, projectOption, projectPath } from './project-choice.ts'
import { print } from './screen.ts'
import { plainJson } from './text.ts'
import { withApi } from './with-api.ts'

interface OneCredential<T> extends Pick<CliCommand, 'name' | 'summary' | 'examples'> {
  /** Does it, at the credential's path in the API. */
  readonly work: (api: ApiClient, path: string) => Promise<T>
  /** What is printed when nobody wants JSON. */
  readonly lines: (result: T) => readonly string[]
}

/** A command that does something with one credential of a project. */
export const oneCredential = <T>({ work, lines, ...about }: OneCredential<T>): CliCommand => ({
  ...about,
  define(command) {
    command
      .argument('<credential>', 'its id, as `trunkline credentials list` shows it')
      .option(...projectOption)
      .option('--json', 'print JSON')
      .action(async (id: string) => {
        const options = command.optsWithGlobals<{ project?: string; json?: true; dataDir?: string }>()
        const result = await withApi(dataDirOf(options.dataDir, process.env), { makes: false }, async (api) => {
          const { id: project } = await chosenProject(api, options.project)
          return work(api, `${projectPath(project)}/credentials/${encodeURIComponent(id)}`)
        })
        print(options.json ? [plainJson(result)] : lines(result))
      })
  },
})
