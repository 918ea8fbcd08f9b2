import { basename } from 'node:path'
import type { Command } from 'commander'
import type { Loaded } from '../config/load.ts'
import type { SettingView } from '../core/config.ts'
import { type CliCommand, flagsOf } from './command.ts'
import { storedSettings } from './config-stored.ts'
import { print, type Screen, terminal } from './screen.ts'
import { type Column, cutTo, drawTable } from './table.ts'
import { plain, plainJson, plainLine } from './text.ts'
import { counted } from './units.ts'

export const configShow: CliCommand = {
  name: 'show',
  summary: 'Show what is set, and where each value comes from',
  examples: [
    ['trunkline config show', 'what is not at its default; secrets are hidden'],
    ['trunkline config show --all', 'everything that can be set'],
    ['trunkline config show --json', 'for another program'],
  ],
  define(command) {
    command
      .option('--all', 'what is at its default, too, and what is not set at all')
      .option('--json', 'print JSON')
      .action(() => run(command))
  },
}

async function run(command: Command): Promise<void> {
  const { all, json, ...rest } = command.optsWithGlobals<{ all?: true; json?: true }>()
  const flags = flagsOf(rest)
  const [{ readConfig }, { settingViews }, stored] = await Promise.all([
    import('../config/load.ts'),
    import('../config/settings-access.ts'),
    storedSettings(flags.dataDir),
  ])
  const loaded = readConfig(flags, process.env, stored.values)
  const views = settingViews(loaded, all)
  const shown = all ? views : views.filter(({ source }) => source !== 'default')
  const notes = [...loaded.notices, ...(stored.problem === undefined ? [] : [stored.problem])]
  if (json) {
    const { path, config } = loaded
    print([plainJson({ dataDir: config.dataDir, ...(path !== undefined && { path }), notes, settings: shown })])
  } else print(showLines(loaded, shown, { notes, defaults: views.length - shown.length }, terminal()))
}

const valueText = ({ value }: SettingView): string =>
  value === undefined ? '-' : plainLine(typeof value === 'string' ? value : JSON.stringify(value))

/** The path of the file stands above the table; its name is enough within. */
const columnsFor = (path = ''): readonly Column<SettingView>[] => [
  { title: 'SETTING', cell: ({ key }) => plainLine(key) },
  { title: 'VALUE', cell: valueText, least: 12 },
  { title: 'FROM', cell: ({ source, place = source }) => plainLine(place.replace(path, basename(path))) },
]

export function showLines(
  { path, config }: Pick<Loaded, 'path' | 'config'>,
  views: readonly SettingView[],
  { notes, defaults }: { readonly notes: readonly string[]; readonly defaults: number },
  screen: Screen,
): string[] {
  const { paint } = screen
  const columns = columnsFor(path)
  const table = views.length === 0 ? [] : ['', ...drawTable(cutTo(screen.columns, columns, views), views, screen)]
  const rest = defaults === 0 ? [] : [`${counted(defaults, 'setting')} at the default: --all shows them.`]
  return [
    `Data folder  ${plain(config.dataDir)}`,
    `File         ${path === undefined ? 'none' : plain(path)}`,
    ...table,
    '',
    ...notes.map((note) => paint('yellow', plainLine(note))),
    ...rest.map((line) => paint('dim', line)),
    paint('dim', 'A server that runs has the flags and the environment that it was started with.'),
  ]
}
