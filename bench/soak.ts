/** What stays the same however many and however long, with one command. README.md says what the figures mean. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ownMain, startUpstream, trunkline } from './contender.ts'
import type { Gateway } from './gateway.ts'
import { built, exitOnSignals, machineLine, machineNow, oneOf, positive, readFlags, save } from './run.ts'
import { type Calls, callRows, callVerdicts, measureCalls } from './soak/calls.ts'
import { measureStreams, type Streams, streamRows, streamVerdicts } from './soak/streams.ts'
import { faultLines, section, type Verdict, verdictRows } from './table.ts'

const help = `Usage: npm run bench:soak -- [options]

  --only <part>  streams or calls; may be given several times
  --quick        a rough answer within two minutes
  --streams <n>  streams at once (8000)
  --seconds <n>  how long all of them are open (60)
  --calls <n>    calls in all (1000000)
  --slices <n>   into how many slices they are divided (20)
  --json         the results as JSON on stdout
  --check        exit with 1 if a budget is missed or anything went wrong
  --help
`

const flags = readFlags({
  only: { type: 'string', multiple: true },
  quick: { type: 'boolean', default: false },
  streams: { type: 'string' },
  seconds: { type: 'string' },
  calls: { type: 'string' },
  slices: { type: 'string' },
  json: { type: 'boolean', default: false },
  check: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
})
if (flags.help) {
  console.log(help)
  process.exit()
}
const { quick } = flags
const wants = oneOf('--only', flags.only, ['streams', 'calls'])
const sizes = {
  streams: positive('--streams', flags.streams, quick ? 1_000 : 8_000),
  seconds: positive('--seconds', flags.seconds, quick ? 10 : 60),
  calls: positive('--calls', flags.calls, quick ? 60_000 : 1_000_000),
  slices: positive('--slices', flags.slices, quick ? 6 : 20),
}

exitOnSignals()

const machine = machineNow()
const at = new Date().toISOString()
const say = (text: string): void => console.error(text)
const faults: string[] = []
const { start } = trunkline('trunkline', built(ownMain))

const folder = mkdtempSync(join(tmpdir(), 'trunkline-bench-soak-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))

const streams: Streams | undefined = wants('streams')
  ? await afresh('streams', (begin) => measureStreams({ start: begin, ...sizes, say, faults }))
  : undefined
const calls: Calls | undefined = wants('calls')
  ? await afresh('calls', (begin) => measureCalls({ start: begin, ...sizes, say, faults }))
  : undefined

const verdicts: Verdict[] = [...streamVerdicts(streams), ...callVerdicts(calls)]
const results = { at, machine, options: flags, streams, calls, verdicts, faults }
const file = save('soak-', at, results)
const text = [
  machineLine(machine),
  ...section('Many slow streams at once', streamRows(streams)),
  ...section('Many calls, one after the other', callRows(calls)),
  ...section('Budgets', verdictRows(verdicts)),
  ...faultLines(faults),
].join('\n')
console.log(flags.json ? JSON.stringify(results, undefined, 2) : `\n${text}\n\n${file}`)
process.exit(flags.check && (faults.length > 0 || verdicts.some(({ met }) => !met)) ? 1 : 0)

/** With an upstream and a data folder of its own, which is gone afterwards. */
async function afresh<T>(name: string, measure: (begin: () => Promise<Gateway>) => Promise<T>): Promise<T> {
  const dataDir = join(folder, name)
  const upstream = await startUpstream()
  const found = await measure(() => start(upstream.url, { dataDir }))
  await upstream.stop()
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 })
  return found
}
