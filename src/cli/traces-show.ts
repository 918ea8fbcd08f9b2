import { type Command, InvalidArgumentError } from 'commander'
import { dataDirOf } from '../config/settings.ts'
import { toTraceId } from '../core/ids.ts'
import type { TraceSummary } from '../store/traces.ts'
import { type CliCommand, CliError } from './command.ts'
import { tracesTable } from './list-view.ts'
import { print, type Screen, terminal } from './screen.ts'
import { plainJson, plainLine } from './text.ts'

/** A prefix that is shorter names half of all traces: the first digits are a time. */
const fewestDigits = 4

export const tracesShow: CliCommand = {
  name: 'show',
  summary: 'Show a trace: its spans, its attempts and what was said',
  examples: [
    ['trunkline traces show 019a8f2c7b41', 'by the first digits of its id'],
    ['trunkline traces show 019a8f2c-7b41-7c3e-9a55-0f6f3f1d2e4b --full', 'with long texts in full'],
    ['trunkline traces show 019a8f2c7b41 --json', 'everything, for another program'],
  ],
  define(command) {
    command
      .argument('<trace>', 'its id, with or without dashes, or the first digits of it', parsePrefix)
      .option('--full', 'do not cut long texts')
      .option('--project <project>', 'of this project, by its id or slug (else the default project)')
      .option('--json', 'print JSON')
      .action((prefix: string) => run(prefix, command))
  },
}

interface Options {
  readonly full?: true
  readonly project?: string
  readonly json?: true
  readonly dataDir?: string
}

async function run(prefix: string, command: Command): Promise<void> {
  const { full, project: named, json, dataDir: folder } = command.optsWithGlobals<Options>()
  const dataDir = dataDirOf(folder, process.env)
  const [{ ask }, { projectNamed }] = await Promise.all([import('./ask.ts'), import('./named-project.ts')])
  const project = projectNamed(dataDir, named)
  const shown = await ask(dataDir, 'showTrace', { project: project.id, prefix })
  if (shown.found === 'none') {
    throw new CliError(
      `There is no trace ${prefix}${named === undefined ? '' : ` in the project ${plainLine(named)}`}. \`trunkline traces list\` shows the newest, and with --since and --status others.`,
    )
  }
  if (shown.found === 'many') throw new CliError(several(prefix, shown.candidates, terminal()))
  if (json) return print([plainJson(shown.view)])
  const { traceLines } = await import('./show-view.ts')
  print(traceLines(shown.view, terminal(), { project: project.slug, full: full === true, nowUs: Date.now() * 1000 }))
}

/** The store hands over only the first few, so that how many there are in all is not said. */
const several = (prefix: string, candidates: readonly TraceSummary[], { columns }: Screen): string =>
  [
    `More than one trace begins with ${prefix}. Write more digits of the one you mean:`,
    ...tracesTable(
      candidates,
      { ...(columns && { columns }), paint: (_, text) => text },
      { nowUs: Date.now() * 1000, groups: false },
    ),
  ].join('\n')

function parsePrefix(written: string): string {
  const prefix = toTraceId(written)
  if (/^[0-9a-f]+$/.test(prefix) && prefix.length >= fewestDigits && prefix.length <= 32) return prefix
  throw new InvalidArgumentError(
    `It must be ${fewestDigits} to 32 hexadecimal digits, as \`trunkline traces list\` shows them.`,
  )
}
