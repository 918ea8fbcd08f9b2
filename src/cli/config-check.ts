import type { Command } from 'commander'
import { ConfigError } from '../config/error.ts'
import type { Loaded } from '../config/load.ts'
import { type CliCommand, flagsOf } from './command.ts'
import { storedSettings } from './config-stored.ts'
import { print, type Screen, terminal } from './screen.ts'
import { plain, plainLine } from './text.ts'
import { counted } from './units.ts'

export const configCheck: CliCommand = {
  name: 'check',
  summary: 'Say everything that is wrong with the configuration',
  examples: [
    ['trunkline config check', 'the file in the data folder, with the environment of this shell'],
    ['trunkline config check --config new.yaml', 'a file before it is put in place; ends with 1 when it is no good'],
  ],
  define(command) {
    command.action(() => run(command))
  },
}

async function run(command: Command): Promise<void> {
  const flags = flagsOf(command.optsWithGlobals())
  const [{ readConfig }, stored] = await Promise.all([import('../config/load.ts'), storedSettings(flags.dataDir)])
  try {
    const loaded = readConfig(flags, process.env, stored.values)
    print(goodLines(loaded, stored.problem, terminal()))
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown
    process.exitCode = 1
    print(badLines(thrown.problems, terminal()))
  }
}

export function goodLines(
  { path, sources, notices }: Loaded,
  problem: string | undefined,
  { paint }: Screen,
): string[] {
  const fromFile = [...sources.values()].filter(({ kind }) => kind === 'file').length
  const notes = [...notices, ...(problem === undefined ? [] : [problem])]
  return [
    ...notes.map((note) => paint('yellow', plainLine(note))),
    ...(notes.length > 0 ? [''] : []),
    path === undefined
      ? 'There is no configuration file, which is fine: all that is not said is at its default.'
      : paint('green', `${plain(path)} is good and sets ${counted(fromFile, 'value')}.`),
  ]
}

export const badLines = (problems: readonly string[], { paint }: Screen): string[] => [
  ...problems.map(plainLine),
  '',
  paint(
    'red',
    `${counted(problems.length, 'problem')}. A server would not start with this, and one that runs goes on as before.`,
  ),
]
