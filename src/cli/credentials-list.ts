import type { Command } from 'commander'
import { dataDirOf } from '../config/settings.ts'
import type { CredentialAnswer, ProjectAnswer } from './api-types.ts'
import type { CliCommand } from './command.ts'
import { chosenProject, projectOption, projectPath } from './project-choice.ts'
import { print, type Screen, terminal } from './screen.ts'
import { type Column, cutTo, drawTable } from './table.ts'
import { plainJson, plainLine } from './text.ts'
import { counted, dateOf } from './units.ts'
import { withApi } from './with-api.ts'

export const credentialsList: CliCommand = {
  name: 'list',
  summary: 'List the credentials of a project, without their secrets',
  examples: [
    ['trunkline credentials list', 'those of the default project, in the order in which they are tried'],
    ['trunkline credentials list --provider openai --project support-bot', 'for one provider, in another project'],
  ],
  define(command) {
    command
      .option('--provider <name>', 'only those for this provider')
      .option(...projectOption)
      .option('--json', 'print JSON')
      .action(() => run(command))
  },
}

interface Options {
  readonly provider?: string
  readonly project?: string
  readonly json?: true
  readonly dataDir?: string
}

async function run(command: Command): Promise<void> {
  const { provider, project: named, json, dataDir } = command.optsWithGlobals<Options>()
  const { project, credentials } = await withApi(dataDirOf(dataDir, process.env), { makes: false }, async (api) => {
    const project = await chosenProject(api, named)
    const filter = provider === undefined ? '' : `?${new URLSearchParams({ provider })}`
    return { project, credentials: await api.all<CredentialAnswer>(`${projectPath(project.id)}/credentials${filter}`) }
  })
  print(json ? [plainJson({ data: credentials })] : credentialLines(credentials, project, provider, terminal()))
}

const columns: readonly Column<CredentialAnswer>[] = [
  { title: 'CREDENTIAL', cell: ({ id }) => plainLine(id) },
  { title: 'PROVIDER', cell: ({ provider }) => plainLine(provider), least: 8 },
  { title: 'NAME', cell: ({ name }) => plainLine(name ?? '-'), least: 6 },
  { title: 'KIND', cell: ({ kind }) => plainLine(kind), least: 7 },
  {
    title: 'FIELDS',
    cell: (credential) => fieldsText(credential),
    style: ({ needs_secret: needs }) => (needs ? 'yellow' : 'reset'),
    least: 10,
  },
  { title: 'PRIORITY', cell: ({ priority }) => String(priority), numeric: true },
  { title: 'WEIGHT', cell: ({ weight }) => String(weight), numeric: true },
  { title: 'ADDRESS', cell: ({ base_url: url }) => plainLine(url ?? '-'), least: 8 },
  { title: 'CREATED', cell: ({ created_us: us }) => dateOf(us) },
]

const fieldsText = ({ fields, needs_secret: needs }: CredentialAnswer): string => {
  if (needs) return 'its secret was dropped: remove it and add it anew'
  const written = Object.entries(fields).map(([name, value]) => `${name} ${value}`)
  return written.length === 0 ? '-' : plainLine(written.join(', '))
}

/** In the order in which calls try them. */
function credentialLines(
  credentials: readonly CredentialAnswer[],
  project: ProjectAnswer,
  provider: string | undefined,
  screen: Screen,
): string[] {
  const where = `the project ${plainLine(project.name)}`
  if (credentials.length === 0) {
    return [
      `There are no credentials${provider === undefined ? '' : ` for ${plainLine(provider)}`} in ${where}. Calls use those of the configuration and the environment. Add one:`,
      `  trunkline credentials add ${provider === undefined ? 'openai' : plainLine(provider)}`,
    ]
  }
  const sorted = credentials.toSorted(
    (a, b) => a.provider.localeCompare(b.provider) || a.priority - b.priority || b.weight - a.weight,
  )
  const shown = columns.filter(({ title }) => sorted.some((credential) => isSaid(title, credential)))
  return [
    ...drawTable(cutTo(screen.columns, shown, sorted), sorted, screen),
    '',
    screen.paint('dim', `${counted(sorted.length, 'credential')} in ${where}.`),
  ]
}

/** Columns in which nothing is said are left out. */
function isSaid(title: string, { name, base_url: url, priority, weight }: CredentialAnswer): boolean {
  switch (title) {
    case 'NAME':
      return name !== undefined
    case 'ADDRESS':
      return url !== undefined
    case 'PRIORITY':
      return priority !== 1
    case 'WEIGHT':
      return weight !== 1
    default:
      return true
  }
}
