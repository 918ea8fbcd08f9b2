import { type Command, InvalidArgumentError, Option } from 'commander'
import { dataDirOf } from '../config/settings.ts'
import { type SpanStatus, spanStatuses } from '../core/span.ts'
import type { TraceFilter, TraceList } from '../store/traces.ts'
import type { CliCommand } from './command.ts'
import { tracesTable } from './list-view.ts'
import { print, type Screen, terminal } from './screen.ts'
import { wordsOf } from './shell-words.ts'
import { plain, plainJson, plainLine } from './text.ts'
import { counted, momentUs } from './units.ts'

const mostTraces = 1000

export const tracesList: CliCommand = {
  name: 'list',
  summary: 'List recorded traces, newest first',
  examples: [
    ['trunkline traces list', 'the newest 20'],
    ['trunkline traces list --status error --since 2h', 'what failed in the last two hours'],
    ['trunkline traces list --status 429 --model gpt-5', 'which calls of a model were refused as too many'],
    ['trunkline traces list --thread t-42 --json', 'a thread, for another program'],
    ['trunkline traces list --project support-bot', 'those of another project than the default one'],
  ],
  define(command) {
    command
      .option('--run <id>', 'only of this run')
      .option('--thread <id>', 'only of this thread')
      .option('--model <name>', 'only with this model, asked for or answering')
      .addOption(
        new Option('--status <status>', 'only those that ended so, or with this HTTP status')
          .choices([...spanStatuses])
          .argParser(parseStatus),
      )
      .option(
        '--since <time>',
        'only from here on: 15m, 2h, 7d back from now, or 2026-01-31, 2026-01-31T18:00',
        parseMoment,
      )
      .option('--until <time>', 'only before this time', parseMoment)
      .option('--limit <number>', `how many at once, at most ${mostTraces}`, parseLimit, 20)
      .option('--after <cursor>', 'the next page: the end of a page says with which cursor')
      .option('--project <project>', 'of this project, by its id or slug (else the default project)')
      .option('--json', 'print JSON')
      .action(() => run(command))
  },
}

interface Options {
  readonly run?: string
  readonly thread?: string
  readonly model?: string
  readonly status?: SpanStatus | number
  readonly since?: number
  readonly until?: number
  readonly limit: number
  readonly after?: string
  readonly project?: string
  readonly json?: true
  readonly dataDir?: string
}

async function run(command: Command): Promise<void> {
  const options = command.optsWithGlobals<Options>()
  const [{ ask }, { isCursor }, { projectNamed }] = await Promise.all([
    import('./ask.ts'),
    import('../store/traces.ts'),
    import('./named-project.ts'),
  ])
  const { limit, after } = options
  if (after !== undefined && !isCursor(after)) {
    command.error(
      `error: option '--after <cursor>' argument '${plainLine(after)}' is invalid. Copy it from the end of the page before.`,
    )
  }
  const dataDir = dataDirOf(options.dataDir, process.env)
  const list = await ask(dataDir, 'listTraces', {
    project: projectNamed(dataDir, options.project).id,
    filter: filterOf(options),
    page: { limit, ...(after !== undefined && { after }) },
  })
  print(options.json ? [plainJson(list)] : listLines(list, options, dataDir, terminal(), Date.now() * 1000))
}

const filterOf = ({ run, thread, model, status, since, until }: Options): TraceFilter => ({
  ...(run !== undefined && { runId: run }),
  ...(thread !== undefined && { threadId: thread }),
  ...(model !== undefined && { model }),
  ...(status !== undefined && { status }),
  ...(since !== undefined && { sinceUs: since }),
  ...(until !== undefined && { untilUs: until }),
})

/** A page of traces and how to go on from it. */
function listLines(
  { traces, next }: TraceList,
  options: Options,
  dataDir: string,
  screen: Screen,
  nowUs: number,
): string[] {
  const { run, thread, after } = options
  if (traces.length === 0) return [nothing(options, dataDir)]
  const table = tracesTable(traces, screen, { nowUs, groups: run !== undefined || thread !== undefined })
  const shown = counted(traces.length, after === undefined ? 'trace' : 'more trace')
  if (next === undefined)
    return [...table, '', screen.paint('dim', `${shown}${after === undefined ? '' : '; these are the last'}.`)]
  return [
    ...table,
    '',
    screen.paint('dim', `${shown}, newest first. The next page:`),
    `  ${commandFor({ ...options, after: next })}`,
  ]
}

function nothing(options: Options, dataDir: string): string {
  if (options.after !== undefined) return 'There are no more traces.'
  const filters = filterWords(options)
  if (filters.length > 0) {
    return `No trace in ${plain(dataDir)} matches ${filters.join(' ')}.\nWithout filters, \`${commandFor({ limit: 20, ...placeOf(options) })}\` shows the newest.`
  }
  if (options.project !== undefined) {
    return [
      `The project ${plainLine(options.project)} has no traces yet. Its calls have the header`,
      `  x-project-id: ${plainLine(options.project)}`,
    ].join('\n')
  }
  return [
    `There are no traces in ${plain(dataDir)} yet. With \`trunkline serve\` running, make a first call:`,
    `  curl http://127.0.0.1:9090/v1/chat/completions -H 'content-type: application/json' -d '{"model":"mock/echo","messages":[{"role":"user","content":"Hello"}]}'`,
  ].join('\n')
}

const placeOf = ({ dataDir, project }: Options): Pick<Options, 'dataDir' | 'project'> => ({
  ...(dataDir !== undefined && { dataDir }),
  ...(project !== undefined && { project }),
})

/** The command that gives these traces. A time that was said from now is written out: the next page is asked for later. */
const commandFor = (options: Options): string =>
  [
    'trunkline traces list',
    ...wordsOf('--data-dir', options.dataDir),
    ...wordsOf('--project', options.project),
    ...filterWords(options),
    ...wordsOf('--limit', options.limit === 20 ? undefined : options.limit),
    ...wordsOf('--after', options.after),
  ].join(' ')

const filterWords = ({ run, thread, model, status, since, until }: Options): string[] => [
  ...wordsOf('--run', run),
  ...wordsOf('--thread', thread),
  ...wordsOf('--model', model),
  ...wordsOf('--status', status),
  ...wordsOf('--since', since === undefined ? undefined : isoOf(since)),
  ...wordsOf('--until', until === undefined ? undefined : isoOf(until)),
]

const isoOf = (us: number): string => new Date(us / 1000).toISOString()

function parseStatus(written: string): SpanStatus | number {
  const status = spanStatuses.find((name) => name === written)
  if (status) return status
  if (/^[1-5]\d\d$/.test(written)) return Number(written)
  throw new InvalidArgumentError(`It must be ${spanStatuses.join(', ')}, or an HTTP status such as 429.`)
}

function parseMoment(written: string): number {
  const us = momentUs(written, Date.now() * 1000)
  if (us !== undefined) return us
  throw new InvalidArgumentError(
    'It must be a duration back from now (15m, 2h, 7d) or a date or time (2026-01-31, 2026-01-31T18:00).',
  )
}

function parseLimit(written: string): number {
  const limit = /^\d+$/.test(written) ? Number(written) : 0
  if (limit >= 1 && limit <= mostTraces) return limit
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${mostTraces}.`)
}
