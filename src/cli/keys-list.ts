import type { Command } from 'commander'
import { dataDirOf } from '../config/settings.ts'
import type { KeyAnswer, ProjectAnswer } from './api-types.ts'
import type { CliCommand } from './command.ts'
import { chosenProject } from './project-choice.ts'
import { print, type Screen, type Style, terminal } from './screen.ts'
import { type Column, cutTo, drawTable } from './table.ts'
import { plainJson, plainLine } from './text.ts'
import { counted, dateOf, timeOf } from './units.ts'
import { withApi } from './with-api.ts'

export const keysList: CliCommand = {
  name: 'list',
  summary: 'List client keys',
  examples: [
    ['trunkline keys list', 'those that are in use'],
    ['trunkline keys list --revoked', 'those that were revoked'],
    ['trunkline keys list --project support-bot', 'those that are good for one project only'],
  ],
  define(command) {
    command
      .option('--revoked', 'those that were revoked')
      .option('--project <project>', 'only those that are bound to this project, by its id or slug')
      .option('--json', 'print JSON')
      .action(() => run(command))
  },
}

interface Options {
  readonly revoked?: true
  readonly project?: string
  readonly json?: true
  readonly dataDir?: string
}

async function run(command: Command): Promise<void> {
  const { revoked, project: named, json, dataDir } = command.optsWithGlobals<Options>()
  const { keys, projects } = await withApi(dataDirOf(dataDir, process.env), { makes: false }, async (api) => {
    const project = named === undefined ? undefined : await chosenProject(api, named)
    const filter = new URLSearchParams({
      revoked: String(revoked === true),
      ...(project && { project: project.id }),
    })
    return {
      keys: await api.all<KeyAnswer>(`/keys?${filter}`),
      projects: project ? [project] : await api.all<ProjectAnswer>('/projects'),
    }
  })
  if (json) return print([plainJson({ data: keys })])
  print(
    keyLines(
      keys,
      projects,
      { nowUs: Date.now() * 1000, isFiltered: revoked === true || named !== undefined },
      terminal(),
    ),
  )
}

interface KeyListOptions {
  readonly nowUs: number
  /** Whether less than all keys in use were asked for. */
  readonly isFiltered: boolean
}

function keyLines(
  keys: readonly KeyAnswer[],
  projects: readonly ProjectAnswer[],
  { nowUs, isFiltered }: KeyListOptions,
  screen: Screen,
): string[] {
  if (keys.length === 0) {
    return isFiltered
      ? ['There are no such client keys. `trunkline keys list` shows those that are in use.']
      : [
          'There are no client keys: every call from this machine is taken. Make the first one, from which on every call needs one:',
          '  trunkline keys create --kind admin --name me',
        ]
  }
  const slugs = new Map(projects.map(({ id, slug }) => [id, slug]))
  const columns: Column<KeyAnswer>[] = [
    { title: 'KEY', cell: ({ id, last_four: end }) => plainLine(`tl_${id}_…${end}`) },
    { title: 'NAME', cell: ({ name }) => plainLine(name), least: 8 },
    { title: 'KIND', cell: ({ kind }) => plainLine(kind) },
    {
      title: 'PROJECT',
      cell: ({ project_id: id }) => plainLine(id === undefined ? 'all' : (slugs.get(id) ?? id)),
      least: 8,
    },
    { title: 'MODELS', cell: ({ models }) => plainLine(models?.join(', ') ?? 'all'), least: 8 },
    { title: 'STATUS', cell: (key) => statusOf(key, nowUs), style: (key) => styleOf(key, nowUs) },
    { title: 'CREATED', cell: ({ created_us: us }) => dateOf(us) },
  ]
  return [
    ...drawTable(cutTo(screen.columns, columns, keys), keys, screen),
    '',
    screen.paint('dim', `${counted(keys.length, 'key')}.`),
  ]
}

function statusOf({ revoked_us: revokedUs, expires_us: expiresUs }: KeyAnswer, nowUs: number): string {
  if (revokedUs !== undefined) return `revoked ${dateOf(revokedUs)}`
  if (expiresUs === undefined) return 'good'
  return expiresUs <= nowUs
    ? `expired ${dateOf(expiresUs)}`
    : `until ${dateOf(expiresUs)} ${timeOf(expiresUs).slice(0, 5)}`
}

const styleOf = ({ revoked_us: revokedUs, expires_us: expiresUs }: KeyAnswer, nowUs: number): Style =>
  revokedUs !== undefined ? 'dim' : expiresUs !== undefined && expiresUs <= nowUs ? 'yellow' : 'green'
