import type { Command } from 'commander'
import { dataDirOf } from '../config/settings.ts'
import type { ProjectAnswer } from './api-types.ts'
import type { CliCommand } from './command.ts'
import { print, type Screen, type Style, terminal } from './screen.ts'
import { type Column, cutTo, drawTable } from './table.ts'
import { plainJson, plainLine } from './text.ts'
import { counted, dateOf } from './units.ts'
import { withApi } from './with-api.ts'

export const projectsList: CliCommand = {
  name: 'list',
  summary: 'List projects',
  examples: [
    ['trunkline projects list', 'all of them, with the name that calls choose them by'],
    ['trunkline projects list --json', 'for another program'],
  ],
  define(command) {
    command.option('--json', 'print JSON').action(() => run(command))
  },
}

async function run(command: Command): Promise<void> {
  const { json, dataDir } = command.optsWithGlobals<{ json?: true; dataDir?: string }>()
  const projects = await withApi(dataDirOf(dataDir, process.env), { makes: false }, (api) =>
    api.all<ProjectAnswer>('/projects'),
  )
  print(json ? [plainJson({ data: projects })] : projectLines(projects, terminal()))
}

const statusOf = ({ is_default: isDefault, is_archived: isArchived }: ProjectAnswer): string =>
  isArchived ? 'archived' : isDefault ? 'default' : 'active'

const styles: Readonly<Record<string, Style>> = { default: 'green', archived: 'dim', active: 'reset' }

const columns: readonly Column<ProjectAnswer>[] = [
  { title: 'PROJECT', cell: ({ slug }) => plainLine(slug), least: 8 },
  { title: 'NAME', cell: ({ name }) => plainLine(name), least: 8 },
  { title: 'STATUS', cell: statusOf, style: (project) => styles[statusOf(project)] ?? 'reset' },
  { title: 'CREATED', cell: ({ created_us: us }) => dateOf(us) },
  { title: 'ID', cell: ({ id }) => plainLine(id) },
]

function projectLines(projects: readonly ProjectAnswer[], screen: Screen): string[] {
  const table = drawTable(cutTo(screen.columns, columns, projects), projects, screen)
  return [
    ...table,
    '',
    screen.paint('dim', `${counted(projects.length, 'project')}. Calls choose one with the header x-project-id.`),
  ]
}
