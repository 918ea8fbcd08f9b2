/**
 * What it costs a call to know who makes it, for which project, and with what it is paid: in this process, without
 * sockets. A gateway with nothing but a key in its configuration is compared with one that has a thousand projects and
 * client keys, and several credentials in each project. Names and keys differ from call to call.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { ClientKey } from '../src/core/access.ts'
import { type Config, defaultTimeouts } from '../src/core/config.ts'
import { firstProject, type Project } from '../src/core/project.ts'
import { openaiChat } from '../src/dialects/openai-chat/openai-chat.ts'
import { paid } from '../src/gateway/credential.ts'
import { identify } from '../src/gateway/identity.ts'
import { type GatewayState, stateOf } from '../src/gateway/state.ts'
import { targetsFor } from '../src/gateway/targets.ts'
import { shown, TokenShelf } from '../src/gateway/tokens.ts'
import { admit } from '../src/http/caller.ts'
import { machineLine, machineNow, positive, readFlags } from './run.ts'
import { median } from './statistics.ts'
import { atMost, section, verdictRows } from './table.ts'

const help = `Usage: npm run bench:credentials -- [options]

  --rounds <n>      rounds in which the two take turns (9)
  --calls <n>       calls of each in a round (50000)
  --check           exit with 1 if the budget is missed
  --help
`

const flags = readFlags({
  rounds: { type: 'string' },
  calls: { type: 'string' },
  check: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
})
if (flags.help) {
  console.log(help)
  process.exit()
}

const rounds = positive('--rounds', flags.rounds, 9)
const calls = positive('--calls', flags.calls, 50_000)

const config = {
  timeouts: defaultTimeouts,
  providers: { openai: { apiKey: 'of-the-configuration' }, groq: { apiKey: 'of-the-configuration' } },
  models: { 'a-model-of-our-own': { provider: 'openai', model: 'gpt-5' } },
} as unknown as Config

const projectCount = 1_000

const project = (number: number): Project => ({
  ...firstProject(`project-${number}`),
  slug: `slug-${number}`,
  isDefault: number === 0,
  credentials: [1, 2, 3].map((rank) => ({
    id: `credential-${number}-${rank}`,
    provider: 'openai',
    priority: Math.ceil(rank / 2),
    weight: rank,
    credential: { kind: 'api_key', fields: { api_key: `key-${number}-${rank}` } },
    at: {},
  })),
})

function keyOf(number: number): { text: string; key: ClientKey } {
  const id = number.toString(36).padStart(8, '0')
  const text = `tl_${id}_${randomBytes(32).toString('base64url')}`
  const hash = createHash('sha256').update(text).digest('hex')
  const models = ['gpt-4*', 'openai/*']
  return { text, key: { id, hash, kind: 'inference', projectId: `project-${number}`, models } }
}

const keys = Array.from({ length: projectCount }, (_, number) => keyOf(number))
const tokens = new TokenShelf({ ask: () => Promise.reject(new Error('Nobody answers here.')), nowMs: Date.now })

let paidFor = 0

function call(state: GatewayState, authorization: string, model: string): void {
  const headers = { authorization, 'content-type': 'application/json', 'user-agent': 'bench' }
  const caller = admit({ headers, query: '' }, 'inference', { keys: state.keys, mayBeOpen: true }, Date.now() * 1000)
  const { project, problem } = identify(
    { headers, remoteAddress: '127.0.0.1', caller },
    { newTraceId: () => '0'.repeat(32), projects: state.projects },
  )
  if (problem) throw problem
  const client = { dialect: openaiChat, headers }
  const tries = targetsFor(model, project, 'openai', caller).flatMap((target) =>
    paid(client, target, { isOpen: state.keys.size === 0, random: Math.random }),
  )
  const [first] = tries
  if (first && !(shown(first, tokens) instanceof Promise)) paidFor++
}

const plain = stateOf(config)
const full = stateOf(
  config,
  Array.from({ length: projectCount }, (_, number) => project(number)),
  keys.map(({ key }) => key),
)

/** CPU time of a call, in µs. */
function cost(state: GatewayState, texts: readonly string[]): number {
  const models = Array.from({ length: calls }, (_, run) => `gpt-4-${run % 50}`)
  const before = process.cpuUsage()
  for (let run = 0; run < calls; run++) call(state, texts[run % texts.length] as string, models[run] as string)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / calls
}

const machine = machineNow()
const own = keys.map(({ text }) => `Bearer ${text}`)
const vendors = keys.map((_, number) => `Bearer sk-${number}`)
const samples = { plain: [] as number[], full: [] as number[] }
// The first rounds are V8's, and in them each project is worked out.
for (let round = -3; round < rounds; round++) {
  const now = { plain: cost(plain, vendors), full: cost(full, own) }
  if (round < 0) continue
  samples.plain.push(now.plain)
  samples.full.push(now.full)
}
if (paidFor !== 2 * calls * (rounds + 3)) throw new Error('Not every call was paid for.')
const [without, withAll] = [median(samples.plain), median(samples.full)]
const verdict = atMost('what all of it adds to a call', withAll - without, 3, 'µs')
console.log(
  [
    machineLine(machine),
    ...section('Who calls, for which project, paid with what', [
      ['one project, no client keys, a configured key', `${without.toFixed(2)} µs`],
      [`${projectCount} projects and client keys, three credentials each`, `${withAll.toFixed(2)} µs`],
    ]),
    ...section('Budget', verdictRows([verdict])),
  ].join('\n'),
)
process.exit(flags.check && !verdict.met ? 1 : 0)
