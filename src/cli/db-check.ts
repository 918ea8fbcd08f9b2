import type { Command } from 'commander'
import { dataDirOf } from '../config/settings.ts'
import type { FileCheck, FolderCheck } from '../store/check.ts'
import type { CliCommand } from './command.ts'
import { progress } from './progress.ts'
import { print, type Screen, terminal } from './screen.ts'
import { plain, plainJson, plainLine } from './text.ts'
import { count, size } from './units.ts'

export const dbCheck: CliCommand = {
  name: 'check',
  summary: 'Look whether the databases are sound, also while the server runs',
  examples: [
    ['trunkline db check', 'ends with 1 when something is wrong'],
    ['trunkline db check --quick --json', 'without comparing indexes, for another program'],
  ],
  define(command) {
    command
      .option('--quick', 'do not compare indexes with their tables, which takes longest')
      .option('--json', 'print JSON')
      .action(() => run(command))
  },
}

async function run(command: Command): Promise<void> {
  const { quick, json, dataDir } = command.optsWithGlobals<{ quick?: true; json?: true; dataDir?: string }>()
  const { checkFolder } = await import('../store/check.ts')
  const shown = progress()
  const checked = await checkFolder(dataDirOf(dataDir, process.env), {
    quick: quick === true,
    onFile: (name) => shown.say(`Checking ${name}.db …`),
  })
  shown.end()
  if (!checked.isSound) process.exitCode = 1
  print(json ? [plainJson(checked)] : checkLines(checked, terminal()))
}

function checkLines({ dataDir, isInUse, diskFreeBytes, files, isSound }: FolderCheck, screen: Screen): string[] {
  const { paint } = screen
  const head = `${plain(dataDir)}, ${isInUse ? 'in use by a server' : 'not in use'}; ${size(diskFreeBytes)} are free on its disk.`
  if (files.every(({ isThere }) => !isThere)) {
    return [head, 'There are no databases in it yet. The first start of `trunkline serve` makes them.']
  }
  return [
    head,
    ...files.flatMap((file) => ['', ...fileLines(file, screen)]),
    '',
    isSound ? paint('green', 'All is well.') : paint('red', 'Something is wrong; see above.'),
  ]
}

function fileLines(file: FileCheck, { paint }: Screen): string[] {
  const { name, isThere, bytes, walBytes, freeBytes, form, program, rows, problems, notes } = file
  const title = paint('bold', `${name}.db`)
  if (!isThere) return [`${title}  is not there yet`]
  const sizes = [
    size(bytes),
    ...(walBytes > 0 ? [`and a log of ${size(walBytes)}`] : []),
    ...(freeBytes > 0 ? [`${size(freeBytes)} of it free`] : []),
  ]
  const counts = Object.entries(rows).map(([table, number]) => `${plainLine(table)} ${count(number)}`)
  return [
    `${title}  ${problems.length === 0 ? paint('green', 'sound') : paint('red', 'not sound')}, ${sizes.join(', ')}`,
    ...(form === undefined
      ? []
      : [`  form   ${plainLine(form)}${program === undefined ? '' : `, by Trunkline ${plainLine(program)}`}`]),
    ...(counts.length > 0 ? [`  rows   ${counts.join(', ')}`] : []),
    ...problems.map((problem) => paint('red', `  wrong  ${plainLine(problem)}`)),
    ...notes.map((note) => `  note   ${plainLine(note)}`),
  ]
}
