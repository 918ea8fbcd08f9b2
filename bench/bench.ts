/** The figures of the design, section 2, with one command. README.md says what they mean. */
import { resolve } from 'node:path'
import { floor, ownMain, startUpstream, trunkline } from './contender.ts'
import { measureCost } from './cost.ts'
import { measureFootprint } from './footprint.ts'
import { measureLatency } from './latency.ts'
import { report } from './report.ts'
import { comparisons, type Results, verdicts } from './results.ts'
import { built, exitOnSignals, machineNow, oneOf, positive, readFlags, refuse, save } from './run.ts'
import type { Session } from './session.ts'
import { measureStartup } from './startup.ts'

const help = `Usage: npm run bench -- [options]      (or, without a build: node bench/bench.ts [options])

  --only <part>     whole, stream, latency, rss or startup; may be given several times
  --quick           a rough answer in well under a minute
  --pairs <n>       rounds in which floor and Trunkline take turns (5)
  --calls <n>       calls of each measured run; a third as many streams (12000)
  --connections <n> clients at once, while CPU is measured (16)
  --against <file>  also measure another build, given by its dist/main.js, and print the ratio
  --target floor    the floor in Trunkline's place: every ratio should be 1.00
  --json            the results as JSON on stdout, and the progress only on stderr
  --check           exit with 1 if a budget is missed or anything went wrong
  --help
`

const parts = ['whole', 'stream', 'latency', 'rss', 'startup'] as const

const flags = {
  only: { type: 'string', multiple: true },
  quick: { type: 'boolean', default: false },
  pairs: { type: 'string' },
  calls: { type: 'string' },
  connections: { type: 'string' },
  against: { type: 'string' },
  target: { type: 'string', default: 'trunkline' },
  json: { type: 'boolean', default: false },
  check: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

const options = readOptions()
if (options.help) {
  console.log(help)
  process.exit()
}

exitOnSignals()

const results = await measure()
const text = report(results)
const file = save('', results.at, withVerdicts(results))
if (options.json) console.log(JSON.stringify(withVerdicts(results), undefined, 2))
else console.log(`\n${text}\n\n${file}`)
// Not left to an empty event loop: a child that does not end must not hold us.
process.exit(options.check && !passed(results) ? 1 : 0)

async function measure(): Promise<Results> {
  const { quick, wants } = options
  const session: Session = {
    contenders: contenders(),
    upstream: await startUpstream(),
    connections: options.connections,
    say: (line) => console.error(line),
    records: { made: 0, found: 0 },
    faults: [],
  }
  const [names, machine] = [session.contenders.map(({ name }) => name), machineNow()]
  const streams = [false, true].filter((stream) => wants(stream ? 'stream' : 'whole'))
  const { pairs, calls } = options
  // The floor costs a fifth more until V8 has seen about 10,000 calls of it.
  const warmup = quick ? 3_000 : 20_000

  const costs = streams.length > 0 ? await measureCost(session, { pairs, calls, warmup, streams }) : []
  const sizes = quick ? { rounds: 1, calls: 300, warmup: 1_000 } : { rounds: 3, calls: 500, warmup: 2_000 }
  const latencies = wants('latency') ? await measureLatency(session, sizes) : []
  const footprints = wants('rss')
    ? await measureFootprint(session, { calls: quick ? 3_000 : 12_000, warmup: 1_000 })
    : []
  const startups = wants('startup') ? await measureStartup(session, quick ? 1 : 3) : []
  await session.upstream.stop()

  const { wants: _, ...given } = options
  return {
    at: new Date().toISOString(),
    machine,
    options: given,
    floor: names[0] ?? '',
    ...(options.against !== undefined && { against: names[1] ?? '' }),
    subject: names.at(-1) ?? '',
    costs,
    latencies,
    footprints,
    startups,
    records: session.records,
    faults: session.faults,
  }
}

function contenders() {
  const others = options.against === undefined ? [] : [trunkline('the other', built(resolve(options.against)))]
  const subject = options.target === 'floor' ? floor('floor again') : trunkline('trunkline', built(ownMain))
  return [floor('floor'), ...others, subject]
}

function readOptions() {
  const values = readFlags(flags)
  const { only = [...parts], quick, against } = values
  const wants = oneOf('--only', only, parts)
  if (!['trunkline', 'floor'].includes(values.target)) refuse(`--target ${values.target}: it is trunkline or floor.`)
  return {
    ...values,
    only,
    against,
    pairs: positive('--pairs', values.pairs, quick ? 1 : 5),
    calls: positive('--calls', values.calls, quick ? 6_000 : 12_000),
    connections: positive('--connections', values.connections, 16),
    wants,
  }
}

function withVerdicts(found: Results) {
  return { ...found, verdicts: verdicts(found), comparisons: comparisons(found) }
}

function passed(found: Results): boolean {
  return found.faults.length === 0 && [...verdicts(found), ...comparisons(found)].every(({ met }) => met)
}
