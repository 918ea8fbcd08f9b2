import { resolve } from 'node:path'
import type { Command } from 'commander'
import { dataDirOf } from '../config/settings.ts'
import type { BackedUp } from '../store/backup.ts'
import { type CliCommand, CliError } from './command.ts'
import { progress } from './progress.ts'
import { print } from './screen.ts'
import { plain, plainJson } from './text.ts'
import { size } from './units.ts'

export const dbBackup: CliCommand = {
  name: 'backup',
  summary: 'Copy the databases as they are now, also while the server runs',
  examples: [
    ['trunkline db backup', 'into a new folder below backups in the data folder'],
    ['trunkline db backup --to /mnt/disk/trunkline-2027-01-31', 'to another disk'],
  ],
  define(command) {
    command
      .option('--to <folder>', 'where the copies go; nothing in it is replaced (else a new folder in the data folder)')
      .option('--json', 'print JSON')
      .action(() => run(command))
  },
}

async function run(command: Command): Promise<void> {
  const options = command.optsWithGlobals<{ to?: string; json?: true; dataDir?: string }>()
  const dataDir = dataDirOf(options.dataDir, process.env)
  const { backUp, newBackupFolder } = await import('../store/backup.ts')
  const to = options.to === undefined ? newBackupFolder(dataDir, Date.now()) : resolve(options.to)
  const shown = progress()
  const files = await backUp(dataDir, to, {
    onProgress: (name, done, total) => {
      const share = total === 0 ? 100 : Math.floor((done / total) * 100)
      shown.say(share < 100 ? `Copying ${name}.db, ${share} %` : `Checking the copy of ${name}.db …`)
    },
  })
    .catch((thrown: Error) => {
      throw new CliError(thrown.message, { cause: thrown })
    })
    .finally(() => shown.end())
  print(options.json ? [plainJson({ folder: to, files })] : backupLines(to, files))
}

const backupLines = (to: string, files: readonly BackedUp[]): string[] => [
  `Copied to ${plain(to)}, each copy checked:`,
  ...files.map(({ name, bytes }) => `  ${`${name}.db`.padEnd(9)}  ${size(bytes)}`),
  ...(files.some(({ name }) => name === 'config')
    ? [
        'The stored credentials in it open only with the master key, which is not in it: keep master.key, or what TRUNKLINE_MASTER_KEY holds, somewhere else.',
      ]
    : []),
  `To go back to it, stop the server: trunkline db restore ${plain(to)}`,
]
