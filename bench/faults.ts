/** What hard times do to calls and to their records, with one command. README.md says what the figures mean. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ownMain, type StartOptions, startUpstream, trunkline } from './contender.ts'
import { type Behind, behindRows, behindVerdicts, measureBehind, perSecond } from './faults/behind.ts'
import { type Bodies, bodyRows, bodyVerdicts, measureBodies } from './faults/bodies.ts'
import { type Clock, clockRows, clockVerdicts, measureClocks } from './faults/clocks.ts'
import { type Kill, killRows, killVerdicts, measureKills } from './faults/kill.ts'
import { type Leaving, leavingRows, leavingVerdicts, measureLeaving } from './faults/leaving.ts'
import { troubles } from './faults/trouble.ts'
import { built, exitOnSignals, machineLine, machineNow, oneOf, positive, readFlags, save } from './run.ts'
import { faultLines, section, type Verdict, verdictRows } from './table.ts'

const help = `Usage: npm run bench:faults -- [options]

  --only <part>  kill, behind, bodies, clocks or leaving; may be given several times
  --quick        a rough answer within two minutes
  --times <n>    how often the server is killed (20)
  --pairs <n>    rounds with and without each trouble behind the gateway (3)
  --seconds <n>  how long each half of such a round is (10)
  --json         the results as JSON on stdout
  --check        exit with 1 if a budget is missed or anything went wrong
  --help
`

const parts = ['kill', 'behind', 'bodies', 'clocks', 'leaving'] as const

const flags = readFlags({
  only: { type: 'string', multiple: true },
  quick: { type: 'boolean', default: false },
  times: { type: 'string' },
  pairs: { type: 'string' },
  seconds: { type: 'string' },
  json: { type: 'boolean', default: false },
  check: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
})
if (flags.help) {
  console.log(help)
  process.exit()
}
const { quick } = flags
const wants = oneOf('--only', flags.only, parts)
const times = positive('--times', flags.times, quick ? 3 : 20)
const pairs = positive('--pairs', flags.pairs, quick ? 1 : 3)
const seconds = positive('--seconds', flags.seconds, quick ? 4 : 10)

exitOnSignals()

const machine = machineNow()
const at = new Date().toISOString()
const say = (text: string): void => console.error(text)
const faults: string[] = []
const { start } = trunkline('trunkline', built(ownMain))
const upstream = await startUpstream()
const startOn = (options?: StartOptions) => start(upstream.url, options)

const kills: readonly Kill[] = wants('kill') ? await killed() : []
const behind: Behind[] = []
if (wants('behind')) {
  for (const trouble of troubles)
    behind.push(await measureBehind(trouble, { pairs, seconds, start: startOn, say, faults }))
}
const bodies: Bodies | undefined = wants('bodies')
  ? await measureBodies({ upstream, start: startOn, rounds: quick ? 1 : 3, calls: quick ? 400 : 1_500, say, faults })
  : undefined
const clocks: Clock[] = wants('clocks')
  ? await measureClocks({
      start: (hanging, settings) => start(hanging, { settings }),
      calls: quick ? 20 : 100,
      say,
      faults,
    })
  : []
const leavings: Leaving[] = wants('leaving')
  ? await measureLeaving({ start: (hanging) => start(hanging), calls: quick ? 200 : 1_000, say, faults })
  : []
await upstream.stop()

const verdicts: Verdict[] = [
  ...killVerdicts(kills),
  ...behindVerdicts(behind),
  ...bodyVerdicts(bodies),
  ...clockVerdicts(clocks),
  ...leavingVerdicts(leavings),
]
const results = { at, machine, options: flags, kills, behind, bodies, clocks, leavings, verdicts, faults }
const file = save('faults-', at, results)
const text = [
  machineLine(machine),
  ...section('After kill -9 under load', killRows(kills)),
  ...section(`Trouble behind the gateway, at ${perSecond} calls/s (medians)`, behindRows(behind)),
  ...section('Bodies of 1 MB, at 100 calls/s', bodyRows(bodies)),
  ...section('Clocks', clockRows(clocks)),
  ...section('Clients that leave: until the provider saw it', leavingRows(leavings)),
  ...section('Budgets', verdictRows(verdicts)),
  ...faultLines(faults),
].join('\n')
console.log(flags.json ? JSON.stringify(results, undefined, 2) : `\n${text}\n\n${file}`)
process.exit(flags.check && (faults.length > 0 || verdicts.some(({ met }) => !met)) ? 1 : 0)

async function killed(): Promise<readonly Kill[]> {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-bench-kill-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  process.once('exit', remove)
  const measured = await measureKills(() => startOn({ dataDir: join(folder, 'data') }), { times, say })
  remove()
  faults.push(...measured.faults)
  return measured.kills
}
