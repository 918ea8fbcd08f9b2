import { Command, CommanderError } from 'commander'
import { ConfigError } from '../config/error.ts'
import { nearest } from '../core/nearest.ts'
import { version } from '../core/version.ts'
import { type CliCommand, CliError } from './command.ts'
import { addCompletion, completionExamples } from './completion.ts'
import { configCheck } from './config-check.ts'
import { configSchemaCommand } from './config-schema.ts'
import { configShow } from './config-show.ts'
import { credentialsAdd } from './credentials-add.ts'
import { credentialsList } from './credentials-list.ts'
import { credentialsRemove } from './credentials-remove.ts'
import { credentialsRotate } from './credentials-rotate.ts'
import { credentialsTest } from './credentials-test.ts'
import { dbBackup } from './db-backup.ts'
import { dbCheck } from './db-check.ts'
import { dbRestore } from './db-restore.ts'
import { dbVacuum } from './db-vacuum.ts'
import { keysCreate } from './keys-create.ts'
import { keysList } from './keys-list.ts'
import { keysRevoke } from './keys-revoke.ts'
import { projectsCreate } from './projects-create.ts'
import { projectsList } from './projects-list.ts'
import { projectsRename } from './projects-rename.ts'
import { projectStates } from './projects-state.ts'
import { endWithOutput } from './screen.ts'
import { serve } from './serve.ts'
import { plain } from './text.ts'
import { tracesList } from './traces-list.ts'
import { tracesShow } from './traces-show.ts'

/** Every command. To add one, add its file and a row. */
const commands: readonly {
  readonly group?: readonly [name: string, summary: string]
  readonly rows: readonly CliCommand[]
}[] = [
  { rows: [serve] },
  { group: ['traces', 'Look at recorded calls'], rows: [tracesList, tracesShow] },
  {
    group: ['projects', 'Keep calls and what belongs to them apart'],
    rows: [projectsList, projectsCreate, projectsRename, ...projectStates],
  },
  { group: ['keys', 'Say who may call this gateway'], rows: [keysList, keysCreate, keysRevoke] },
  {
    group: ['credentials', 'Keep what calls are paid with, for each provider'],
    rows: [credentialsList, credentialsAdd, credentialsTest, credentialsRemove, credentialsRotate],
  },
  { group: ['config', 'Check and show the configuration'], rows: [configCheck, configShow, configSchemaCommand] },
  { group: ['db', 'Take care of the databases'], rows: [dbCheck, dbBackup, dbRestore, dbVacuum] },
]

/** As the conventions of shells have it: 2 when the command was not understood, 1 when it could not be done. */
const exitCodes = { misunderstood: 2, failed: 1 }

export async function run(argv: readonly string[]): Promise<void> {
  endWithOutput()
  try {
    await program().parseAsync(argv)
  } catch (thrown) {
    if (thrown instanceof CommanderError) {
      // Help and version come as errors, too. What there was to say has been said.
      process.exitCode = thrown.exitCode === 0 ? 0 : exitCodes.misunderstood
      return
    }
    const known = thrown instanceof ConfigError || thrown instanceof CliError
    process.stderr.write(`${plain(known ? thrown.message : ((thrown as Error).stack ?? String(thrown)))}\n`)
    process.exit(exitCodes.failed)
  }
}

function program(): Command {
  const root = new Command('trunkline')
    .description('A local gateway for language models: point your SDK at it, and see every call.')
    .version(version, '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .option('--data-dir <folder>', 'where traces are kept (also TRUNKLINE_DATA_DIR; ~/.trunkline)')
    .option('--config <file>', 'the configuration file (also TRUNKLINE_CONFIG; trunkline.yaml in the data folder)')
    .showSuggestionAfterError()
    .showHelpAfterError('(--help shows what there is)')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
  for (const { group, rows } of commands) {
    const parent = group ? root.command(group[0]).description(group[1]) : root
    for (const row of rows) {
      const command = parent.command(row.name, { isDefault: row === serve }).description(row.summary)
      row.define(command)
      command.addHelpText('after', examplesText(row.examples))
    }
    if (group) parent.addHelpText('after', examplesText(rows.flatMap(firstExample)))
  }
  root.addHelpText('after', examplesText(commands.flatMap(({ rows }) => rows.slice(0, 1).flatMap(firstExample))))
  root.hook('preSubcommand', refuseUnknown)
  const shells = addCompletion(root, root.commands.find((command) => command.name() === serve.name) as Command)
  shells.addHelpText('after', examplesText(completionExamples))
  return root
}

/** A word that is no command would go to the default command, which starts a server: a slip of the hand shall not. */
function refuseUnknown(root: Command, chosen: Command): void {
  const [written] = root.args
  if (chosen.name() !== serve.name || written === undefined || written === serve.name || written.startsWith('-')) return
  const paths = Map.groupBy(
    commands.flatMap(({ group, rows }) => [
      ...(group ? [{ name: group[0], path: group[0] }] : []),
      ...rows.map(({ name }) => ({ name, path: group ? `${group[0]} ${name}` : name })),
    ]),
    ({ name }) => name,
  )
  const meant = paths.get(nearest(written, paths.keys()) ?? '')?.map(({ path }) => path)
  root.error(`error: unknown command '${plain(written)}'${meant ? `\n(Did you mean ${meant.join(', or ')}?)` : ''}`, {
    code: 'commander.unknownCommand',
  })
}

const firstExample = ({ examples }: CliCommand): CliCommand['examples'] => examples.slice(0, 1)

const examplesText = (examples: CliCommand['examples']): string =>
  `\nExamples:\n${examples.map(([line, does]) => `  $ ${line}\n      ${does}`).join('\n')}`
