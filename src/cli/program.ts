import { Command } from 'commander'
import { ConfigError } from '../config/error.ts'
import { version } from '../core/version.ts'
import { type CliCommand, CliError } from './command.ts'
import { serve } from './serve.ts'

/** Every command. To add one, add its file and a row. */
const commands: readonly { readonly group?: readonly [name: string, summary: string]; readonly rows: readonly CliCommand[] }[] = [
  { rows: [serve] },
]

export async function run(argv: readonly string[]): Promise<void> {
  try {
    await program().parseAsync(argv)
  } catch (thrown) {
    const known = thrown instanceof ConfigError || thrown instanceof CliError
    process.stderr.write(`${known ? (thrown as Error).message : ((thrown as Error).stack ?? String(thrown))}\n`)
    process.exit(1)
  }
}

export function program(): Command {
  const root = new Command('trunkline')
    .description('A local gateway for language models: point your SDK at it, and see every call.')
    .version(version, '-v, --version')
    .option('--data-dir <folder>', 'where traces are kept (also TRUNKLINE_DATA_DIR; ~/.trunkline)')
    .option('--config <file>', 'the configuration file (also TRUNKLINE_CONFIG; trunkline.yaml in the data folder)')
    .showSuggestionAfterError()
    .showHelpAfterError('(--help shows what there is)')
    .enablePositionalOptions(false)
  for (const { group, rows } of commands) {
    const parent = group ? root.command(group[0]).description(group[1]) : root
    for (const row of rows) {
      const command = parent.command(row.name, { isDefault: row === serve }).description(row.summary)
      row.define(command)
      command.addHelpText('after', examplesText(row))
    }
  }
  return root
}

const examplesText = ({ examples }: CliCommand): string =>
  `\nExamples:\n${examples.map(([line, does]) => `  $ ${line}\n      ${does}`).join('\n')}`
