import type { CliCommand } from './command.ts'
import { print } from './screen.ts'

export const configSchemaCommand: CliCommand = {
  name: 'schema',
  summary: 'Print the JSON Schema of the configuration file, for editors',
  examples: [
    [
      'trunkline config schema > ~/.trunkline/trunkline.schema.json',
      'then `# yaml-language-server: $schema=trunkline.schema.json` is the first line of the file',
    ],
  ],
  define(command) {
    command.action(async () => {
      const { configSchema } = await import('../config/schema.ts')
      print([JSON.stringify(configSchema(), undefined, 2)])
    })
  },
}
