import { resolve } from 'node:path'
import type { Command } from 'commander'
import { dataDirOf } from '../config/settings.ts'
import type { Restored } from '../store/restore.ts'
import type { CliCommand } from './command.ts'
import { print } from './screen.ts'
import { plain, plainJson } from './text.ts'
import { size } from './units.ts'

export const dbRestore: CliCommand = {
  name: 'restore',
  summary: 'Go back to a backup; the server must be stopped',
  examples: [
    ['trunkline db restore ~/.trunkline/backups/20270131T180000000Z', 'all files that are in the folder'],
    [
      'trunkline db restore ~/.trunkline/backups/config-0001_projects-20270131T180000000Z.db',
      'one file, such as the one that was kept before an update',
    ],
  ],
  define(command) {
    command
      .argument('<backup>', 'a folder that `trunkline db backup` made, or one file')
      .option('--json', 'print JSON')
      .action((backup: string) => run(backup, command))
  },
}

async function run(backup: string, command: Command): Promise<void> {
  const { json, dataDir: folder } = command.optsWithGlobals<{ json?: true; dataDir?: string }>()
  const dataDir = dataDirOf(folder, process.env)
  const [{ restore }, { alone }] = await Promise.all([import('../store/restore.ts'), import('./folder-lock.ts')])
  const files = await alone(dataDir, () => restore(dataDir, resolve(backup)))
  print(json ? [plainJson({ files })] : restoreLines(files))
}

const restoreLines = (files: readonly Restored[]): string[] =>
  files.flatMap(({ name, bytes, aside }) => [
    `${name}.db is back as it was in the backup, ${size(bytes)}.`,
    ...(aside === undefined ? [] : [`  What it replaced is ${plain(aside)}: remove it when you do not need it.`]),
  ])
