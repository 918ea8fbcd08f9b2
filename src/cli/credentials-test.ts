import type { Command } from 'commander'
import { dataDirOf } from '../config/settings.ts'
import type { ProbeAnswer } from './api-types.ts'
import type { CliCommand } from './command.ts'
import { chosenProject, projectOption, projectPath } from './project-choice.ts'
import { print, type Screen, terminal } from './screen.ts'
import { plainJson, plainLine } from './text.ts'
import { counted, duration } from './units.ts'
import { withApi } from './with-api.ts'

export const credentialsTest: CliCommand = {
  name: 'test',
  summary: 'Try a credential with the cheapest call that its provider has',
  examples: [['trunkline credentials test 0197a1b2-5c3d-7e4f-8a9b-0c1d2e3f4a5b', 'ends with 1 when it is refused']],
  define(command) {
    command
      .argument('<credential>', 'its id, as `trunkline credentials list` shows it')
      .option(...projectOption)
      .option('--json', 'print JSON')
      .action((id: string) => run(id, command))
  },
}

async function run(id: string, command: Command): Promise<void> {
  const {
    project: named,
    json,
    dataDir,
  } = command.optsWithGlobals<{ project?: string; json?: true; dataDir?: string }>()
  const result = await withApi(dataDirOf(dataDir, process.env), { makes: false }, async (api) => {
    const { id: project } = await chosenProject(api, named)
    return api.post<ProbeAnswer>(`${projectPath(project)}/credentials/${encodeURIComponent(id)}/test`)
  })
  if (!result.ok) process.exitCode = 1
  print(json ? [plainJson(result)] : probeLines(result, terminal()))
}

const mostModels = 10

export function probeLines(
  { ok, status, latency_ms: ms, models, error }: ProbeAnswer,
  { paint }: Pick<Screen, 'paint'>,
): string[] {
  const answered = status === undefined ? 'no answer' : `HTTP ${status}`
  // Where a cloud gives no token, its provider is not asked at all.
  const what = status === undefined && ms === 0 ? 'nothing was asked' : `${answered} after ${duration(ms * 1000)}`
  const head = `${ok ? paint('green', 'It works') : paint('red', 'It does not work')}: ${what}.`
  const reason = error ? [`${plainLine(error.code)}: ${plainLine(error.message)}`] : []
  if (!models || models.length === 0) return [head, ...reason]
  const more = models.length - mostModels
  return [
    head,
    ...reason,
    `${counted(models.length, 'model')}: ${models.slice(0, mostModels).map(plainLine).join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
  ]
}
