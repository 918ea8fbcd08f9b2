import type { Command } from 'commander'
import { dataDirOf } from '../config/settings.ts'
import type { Vacuumed } from '../store/vacuum.ts'
import type { CliCommand } from './command.ts'
import { progress } from './progress.ts'
import { print } from './screen.ts'
import { plain, plainJson } from './text.ts'
import { size } from './units.ts'

export const dbVacuum: CliCommand = {
  name: 'vacuum',
  summary: 'Give back the room that the databases do not use; the server must be stopped',
  examples: [['trunkline db vacuum', 'says how much each file had and has']],
  define(command) {
    command.option('--json', 'print JSON').action(() => run(command))
  },
}

async function run(command: Command): Promise<void> {
  const { json, dataDir: folder } = command.optsWithGlobals<{ json?: true; dataDir?: string }>()
  const dataDir = dataDirOf(folder, process.env)
  const [{ vacuum }, { alone }] = await Promise.all([import('../store/vacuum.ts'), import('./folder-lock.ts')])
  const shown = progress()
  const files = await alone(dataDir, () =>
    vacuum(dataDir, { onFile: (name) => shown.say(`Copying ${name}.db without what is free in it …`) }),
  ).finally(() => shown.end())
  print(json ? [plainJson({ files })] : vacuumLines(dataDir, files))
}

function vacuumLines(dataDir: string, files: readonly Vacuumed[]): string[] {
  if (files.length === 0) return [`There are no databases in ${plain(dataDir)}.`]
  const saved = files.reduce((sum, { bytesBefore, bytesAfter }) => sum + bytesBefore - bytesAfter, 0)
  return [
    ...files.map(
      ({ name, bytesBefore, bytesAfter }) => `${`${name}.db`.padEnd(9)}  ${size(bytesBefore)} → ${size(bytesAfter)}`,
    ),
    saved > 0 ? `${size(saved)} are free again.` : 'There was nothing to give back.',
  ]
}
