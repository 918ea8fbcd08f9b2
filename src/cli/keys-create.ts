import { type Command, InvalidArgumentError, Option } from 'commander'
import { dataDirOf } from '../config/settings.ts'
import { keyKinds } from '../core/access.ts'
import type { KeyAnswer, NewKeyAnswer, ProjectAnswer } from './api-types.ts'
import type { CliCommand } from './command.ts'
import { chosenProject } from './project-choice.ts'
import { print, type Screen, terminal } from './screen.ts'
import { plainJson, plainLine } from './text.ts'
import { dateOf, futureUs, timeOf } from './units.ts'
import { withApi } from './with-api.ts'

export const keysCreate: CliCommand = {
  name: 'create',
  summary: 'Make a client key, and show it this once',
  examples: [
    ['trunkline keys create --name me --kind admin', 'for calls and management: make this one first'],
    ['trunkline keys create --name ci --project support-bot --expires 30d', 'for one project, for a month'],
    [`trunkline keys create --name batch --model 'gpt-5*' --model mock/echo`, 'for some models only'],
    [
      'OPENAI_API_KEY=$(trunkline keys create --name app) node app.js',
      'into a program: in a pipe, the key is all there is',
    ],
  ],
  define(command) {
    command
      .requiredOption('--name <name>', 'what it is for')
      .addOption(
        new Option('--kind <kind>', 'inference for calls, admin for calls and management')
          .choices([...keyKinds])
          .default('inference'),
      )
      .option('--project <project>', 'good for this project only, by its id or slug')
      .option('--model <pattern>', 'good for this model only, where * stands for anything; may be repeated', gathered)
      .option('--expires <time>', 'good until then: 12h, 30d from now, or 2027-01-31, 2027-01-31T18:00', parseFuture)
      .option('--json', 'print JSON')
      .action(() => run(command))
  },
}

interface Options {
  readonly name: string
  readonly kind: string
  readonly project?: string
  readonly model?: readonly string[]
  readonly expires?: number
  readonly json?: true
  readonly dataDir?: string
}

async function run(command: Command): Promise<void> {
  const { name, kind, project: named, model, expires, json, dataDir: folder } = command.optsWithGlobals<Options>()
  const dataDir = dataDirOf(folder, process.env)
  const { key, project, isFirst } = await withApi(dataDir, { makes: true }, async (api) => {
    const project = named === undefined ? undefined : await chosenProject(api, named)
    const isFirst = (await api.all<KeyAnswer>('/keys?revoked=false')).length === 0
    const key = await api.post<NewKeyAnswer>('/keys', {
      name,
      kind,
      ...(project && { project: project.id }),
      ...(model && { models: model }),
      ...(expires !== undefined && { expires_us: expires }),
    })
    return { key, project, isFirst }
  })
  if (isFirst) process.stderr.write(`${firstKeyWarning}\n`)
  if (json) return print([plainJson(key)])
  if (!process.stdout.isTTY) return print([plainLine(key.key)])
  const { isLocked, readServerFile } = await import('../store/lock.ts')
  const server = isLocked(dataDir) ? readServerFile(dataDir) : undefined
  const gateway = server?.gateway ?? 'http://127.0.0.1:9090'
  print(createdLines(key, { gateway, ...(project && { project }) }, terminal()))
}

const firstKeyWarning = 'This is the first client key: from now on every call needs one, those from this machine, too.'

interface About {
  readonly gateway: string
  readonly project?: ProjectAnswer
}

/** The key for a person, and how to use it. Nobody can show it again. */
export function createdLines(key: NewKeyAnswer, { gateway, project }: About, { paint }: Screen): string[] {
  const url = plainLine(gateway)
  const text = plainLine(key.key)
  const scope = [
    key.kind === 'admin' ? 'calls and management' : 'calls',
    project ? `in ${plainLine(project.name)} only` : 'in all projects',
    ...(key.models ? [`with ${plainLine(key.models.join(', '))} only`] : []),
    ...(key.expires_us !== undefined ? [`until ${dateOf(key.expires_us)} ${timeOf(key.expires_us)}`] : []),
  ].join(', ')
  return [
    text,
    '',
    `${plainLine(key.name)}: good for ${scope}. ${paint('bold', 'Copy it now, it is not shown again.')}`,
    '',
    paint('bold', 'OpenAI SDK'),
    `  OPENAI_BASE_URL=${url}/v1`,
    `  OPENAI_API_KEY=${text}`,
    paint('bold', 'Anthropic SDK'),
    `  ANTHROPIC_BASE_URL=${url}/anthropic`,
    `  ANTHROPIC_API_KEY=${text}`,
    paint('bold', 'Gemini SDK'),
    `  GOOGLE_GEMINI_BASE_URL=${url}/gemini`,
    `  GEMINI_API_KEY=${text}`,
    ...(key.kind === 'admin' ? [paint('bold', 'API'), `  curl ${url}/api/me -H 'authorization: Bearer ${text}'`] : []),
  ]
}

const gathered = (one: string, before: readonly string[] | undefined): string[] => [...(before ?? []), one]

function parseFuture(written: string): number {
  const nowUs = Date.now() * 1000
  const us = futureUs(written, nowUs)
  if (us !== undefined && us > nowUs) return us
  throw new InvalidArgumentError(
    'It must be a duration from now on (12h, 30d) or a date or time that is yet to come (2027-01-31, 2027-01-31T18:00).',
  )
}
