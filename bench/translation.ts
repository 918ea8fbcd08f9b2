/**
 * What translation costs on top of passing through, from each dialect to each: in this process, without sockets, so that
 * nothing but the reading, the translating and the writing is in the figures. Bodies and events differ from run to run.
 */
import type { ChatAnswer, ChatEvent, ChatRequest } from '../src/core/chat.ts'
import { assemble } from '../src/core/chat-events.ts'
import type { AnswerContext, Dialect } from '../src/dialects/dialect.ts'
import { dialects } from '../src/dialects/index.ts'
import { Translation } from '../src/gateway/translation.ts'
import { machineLine, machineNow, positive, readFlags, save } from './run.ts'
import { median } from './statistics.ts'
import { atMost, section, type Verdict, verdictRows } from './table.ts'

const help = `Usage: npm run bench:translation -- [options]

  --rounds <n>      rounds in which the ways take turns (7)
  --runs <n>        answers of each way in a round (400)
  --check           exit with 1 if a budget is missed
  --help
`

const flags = readFlags({
  rounds: { type: 'string' },
  runs: { type: 'string' },
  check: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
})
if (flags.help) {
  console.log(help)
  process.exit()
}

const rounds = positive('--rounds', flags.rounds, 7)
const runs = positive('--runs', flags.runs, 400)

/** What a client may ask in, and what a provider may answer in. */
const clients = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini'] as const
const providers = [...clients, 'bedrock-converse'] as const

const request: ChatRequest = {
  model: 'some-model',
  stream: true,
  messages: [{ role: 'user', parts: [{ kind: 'text', text: 'Hello' }] }],
  tools: [],
  settings: { includeUsage: true },
}

let ids = 0
const context: AnswerContext = { request, createdS: 1_800_000_000, newId: () => `id${ids++}` }

const pieces = 40

/** A text of forty pieces, as the streams of the other bench are; no two the same. */
function* events(seed: number): Generator<ChatEvent> {
  yield { kind: 'start', id: `answer-${seed}`, model: 'some-model', createdS: 1_800_000_000 }
  yield { kind: 'begin', choice: 0, part: 0, value: { kind: 'text', text: '' } }
  for (let at = 0; at < pieces; at++) yield { kind: 'grow', choice: 0, part: 0, text: ` word${seed}-${at}` }
  yield { kind: 'end', choice: 0, part: 0 }
  yield { kind: 'finish', choice: 0, finish: { reason: 'stop' } }
  yield { kind: 'usage', usage: { inputUncached: 100, outputText: 43 } }
}

const answerOf = (seed: number): ChatAnswer => assemble(events(seed))

interface Made {
  readonly chunks: readonly Buffer[]
  readonly frames: number
}

function streamIn(dialect: Dialect, seed: number): Made {
  const encoder = dialect.encodeStream(context)
  const chunks: Buffer[] = []
  for (const event of events(seed)) for (const frame of encoder.next(event)) chunks.push(dialect.framing.write(frame))
  for (const frame of encoder.end()) chunks.push(dialect.framing.write(frame))
  return { chunks, frames: chunks.length }
}

const wholeIn = (dialect: Dialect, seed: number): Made => ({
  chunks: [Buffer.from(JSON.stringify(dialect.encodeAnswer(answerOf(seed), context)))],
  frames: 1,
})

/** What passing through costs at the same place: the watch alone. */
function watched(dialect: Dialect, made: Made, streaming: boolean): void {
  const watch = dialect.watchAnswer(streaming)
  for (const chunk of made.chunks) watch.next(chunk)
  watch.end()
}

let written = 0

function translated(from: Dialect, to: Dialect, made: Made, streaming: boolean): void {
  const translation = new Translation({
    from,
    to,
    framing: to.framing,
    comesStreamed: streaming,
    goesStreamed: streaming,
    context,
    toolNames: new Map(),
    seals: undefined,
    stop: () => undefined,
    onAnswer: () => undefined,
  })
  translation.of({ to: () => undefined, resume: () => undefined, cancel: () => undefined }).to({
    write(chunk) {
      written += chunk.length
      return true
    },
    end: () => undefined,
    fail(error) {
      throw error
    },
  })
  for (const chunk of made.chunks) {
    translation.watch.next(chunk)
    translation.write(chunk)
  }
  translation.watch.end(true)
  translation.end()
}

const micros = (work: () => void): number => {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

interface Way {
  readonly from: string
  readonly to: string
  readonly streamMicros: number
  readonly wholeMicros: number
}

function measure(): Way[] {
  const ways = providers.flatMap((from) => clients.filter((to) => to !== from).map((to) => ({ from, to })))
  const samples = ways.map(() => ({ stream: [] as number[], whole: [] as number[] }))
  // The first rounds are V8's.
  for (let round = -2; round < rounds; round++) {
    for (const [index, { from, to }] of ways.entries()) {
      const [source, target] = [dialects[from], dialects[to]]
      const each = <T>(make: (seed: number) => T): T[] =>
        Array.from({ length: runs }, (_, run) => make(round * runs + run))
      const streams = each((seed) => streamIn(source, seed))
      const wholes = each((seed) => wholeIn(source, seed))
      const cost = (mades: readonly Made[], streaming: boolean): number =>
        micros(() => {
          for (const made of mades) translated(source, target, made, streaming)
        }) -
        micros(() => {
          for (const made of mades) watched(source, made, streaming)
        })
      const [stream, whole] = [cost(streams, true), cost(wholes, false)]
      if (round < 0) continue
      samples[index]?.stream.push(stream / streams.reduce((sum, { frames }) => sum + frames, 0))
      samples[index]?.whole.push(whole / runs)
    }
    console.error(`round ${round + 1} of ${rounds}`)
  }
  return ways.map((way, index) => ({
    ...way,
    streamMicros: median(samples[index]?.stream ?? []),
    wholeMicros: median(samples[index]?.whole ?? []),
  }))
}

const machine = machineNow()
const ways = measure()
if (written === 0) throw new Error('Nothing was translated.')
const verdicts: Verdict[] = [
  atMost('a stream event, the dearest way', Math.max(...ways.map(({ streamMicros }) => streamMicros)), 3, 'µs'),
  atMost('a whole answer, the dearest way', Math.max(...ways.map(({ wholeMicros }) => wholeMicros)), 40, 'µs'),
]
const at = new Date().toISOString()
const file = save('translation-', at, { at, machine, rounds, runs, ways, verdicts })
const rows = ways.map(({ from, to, streamMicros, wholeMicros }) => [
  from,
  `→ ${to}`,
  `${streamMicros.toFixed(2)} µs an event`,
  `${wholeMicros.toFixed(1)} µs a whole answer`,
])
console.log(
  [
    machineLine(machine),
    ...section('Translation, on top of passing through', rows),
    ...section('Budgets', verdictRows(verdicts)),
    '',
    file,
  ].join('\n'),
)
process.exit(flags.check && !verdicts.every(({ met }) => met) ? 1 : 0)
