import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { SettingKey } from '../../src/config/settings.ts'
import type { TraceView } from '../../src/store/show.ts'
import OpenAI, { APIError } from '../clients/node_modules/openai/index.mjs'
import {
  type Faulty,
  type FaultyOptions,
  refusedUrl,
  rightAnswer,
  type SeenRequest,
  startDeaf,
  startFaulty,
} from '../support/faulty-upstream.ts'
import { attemptsIn, callIn, startTest, type TestTrunkline } from '../support/trunkline.ts'
import { clocks, type Fault, faults, type Outcome, type Place, places } from './faults.ts'

/** `edited`: a stream whose client asks for no usage, so that the gateway asks for it and takes it out again. */
const modes = ['whole', 'stream', 'edited'] as const
type Mode = (typeof modes)[number]

interface Cell {
  readonly fault: Fault
  readonly mode: Mode
  /** The model's name, by which the provider knows what to do. */
  readonly id: string
  readonly expected: Outcome
}

const sideOf = (fault: Fault, mode: Mode): Fault['whole'] => (mode === 'whole' ? fault.whole : fault.stream)

const cells: readonly Cell[] = faults.flatMap((fault, index) =>
  modes.flatMap((mode) => {
    const side = sideOf(fault, mode)
    const expected = side?.is
    return expected ? [{ fault, mode, id: `fault-${index}-${mode}`, expected }] : []
  }),
)
const cellById = new Map(cells.map((cell) => [cell.id, cell]))

/** What is done with a request of a cell; the others are those after which a connection is a used one. */
function answerTo(request: SeenRequest): ReturnType<typeof rightAnswer> {
  const cell = cellById.get(request.asks.model ?? '')
  return (cell ? sideOf(cell.fault, cell.mode)?.does : rightAnswer)?.(request) ?? []
}

interface Stage extends AsyncDisposable {
  readonly trunkline: TestTrunkline
  /** Absent where nobody takes a request. */
  readonly faulty?: Faulty
}

const shortClocks = Object.fromEntries(
  Object.entries(clocks).map(([name, ms]) => [`timeouts.${name}_ms`, String(ms)]),
) as Partial<Record<SettingKey, string>>

async function stageFor(place: Place): Promise<Stage> {
  const resources = new AsyncDisposableStack()
  const deaf = place === 'deaf' ? resources.use(await startDeaf()) : undefined
  const answers = place !== 'deaf' && place !== 'refused'
  const faulty = answers ? resources.use(await startFaulty(places[place] as FaultyOptions)) : undefined
  faulty?.script(answerTo)
  const url = faulty?.url ?? deaf?.url ?? (await refusedUrl())
  const settings = { 'providers.openai.base_url': url, ...(place !== 'patient' && shortClocks) }
  const trunkline = resources.use(await startTest({ settings }))
  return { trunkline, ...(faulty && { faulty }), [Symbol.asyncDispose]: () => resources.disposeAsync() }
}

interface Heard {
  readonly client: string
  /** Of what it threw. */
  readonly message?: string
}

/** What the vendor's client makes of a call, in a line. */
async function heardOf(client: OpenAI, model: string, mode: Mode): Promise<Heard> {
  const asked = { model, messages: [{ role: 'user' as const, content: 'Hello' }] }
  let text: string | undefined
  let finish: string | null | undefined
  try {
    if (mode === 'whole') {
      const answer = await client.chat.completions.create(asked)
      if (!answer?.choices) return { client: `no completion: ${JSON.stringify(answer)}` }
      text = answer.choices[0]?.message.content ?? ''
      finish = answer.choices[0]?.finish_reason
    } else {
      const options = mode === 'stream' && { stream_options: { include_usage: true } }
      const stream = await client.chat.completions.create({ ...asked, ...options, stream: true })
      text = ''
      for await (const { choices } of stream) {
        text += choices[0]?.delta?.content ?? ''
        finish = choices[0]?.finish_reason ?? finish
      }
    }
    return { client: `${text} (${finish ?? 'no finish'})`.trimStart() }
  } catch (thrown) {
    const error = thrown as Error
    const name = error.constructor.name
    const what = error instanceof APIError ? [error.status, name, error.code].filter(Boolean).join(' ') : name
    return { client: text === undefined ? what : `${text || 'nothing'}, then ${what}`, message: error.message }
  }
}

/** What the call's span says, and its attempts where they say something else. */
function recordedIn(view: TraceView): string {
  const inWords = ({ status, detail }: ReturnType<typeof callIn> | ReturnType<typeof attemptsIn>[number]): string =>
    [status, detail.error?.code, detail.finishReason, detail.unterminated && 'unterminated'].filter(Boolean).join(' ')
  const call = inWords(callIn(view))
  const attempts = attemptsIn(view)
  const { usage, usageMissing } = attempts.at(-1)?.detail ?? {}
  const mark = usageMissing === undefined ? '' : '~'
  const used = usage ? ` ${mark}${usage.inputUncached}+${usage.outputText}` : `, usage ${usageMissing}`
  const tries = attempts.map(inWords)
  return `${call}${used}${tries.length === 1 && tries[0] === call ? '' : ` (attempts: ${tries.join(', ')})`}`
}

interface Seen extends Heard {
  /** The HTTP status that the client got. */
  readonly status: number | undefined
  readonly elapsedMs: number
  readonly recorded: string
  readonly requests: readonly SeenRequest[]
}

/** How long a call may take before it counts as hanging. */
const patienceMs = 20_000

const clientOf = ({ trunkline }: Stage, options: object = {}): OpenAI =>
  new OpenAI({ baseURL: `${trunkline.url}/v1`, apiKey: 'anything', maxRetries: 0, logLevel: 'off', ...options })

/** Makes a cell's call; what was recorded of it can be asked for later. */
async function call({ fault, mode, id }: Cell, stage: Stage): Promise<() => Promise<Seen>> {
  let status: number | undefined
  let traceId: string | null | undefined
  const spying: typeof fetch = async (url, init) => {
    const response = await fetch(url, init)
    status = response.status
    traceId = response.headers.get('x-trace-id')
    return response
  }
  if (fault.place === 'kept') await heardOf(clientOf(stage), 'warm-up', mode)
  const hanging = Promise.withResolvers<Heard>()
  const guard = setTimeout(() => hanging.resolve({ client: 'HANGS' }), patienceMs)
  const startedMs = performance.now()
  const heard = await Promise.race([heardOf(clientOf(stage, { fetch: spying }), id, mode), hanging.promise])
  const elapsedMs = performance.now() - startedMs
  clearTimeout(guard)
  return async () => {
    const recorded = await vi
      .waitFor(() => stage.trunkline.trace(traceId))
      .then(recordedIn, (error: Error) => error.message)
    const requests = stage.faulty?.requests.filter(({ asks }) => asks.model === id) ?? []
    return { ...heard, status, elapsedMs, recorded, requests }
  }
}

const stages = new Map<Place, Stage>()
const seen = new Map<string, Seen>()

/** All calls of a place at once, but for those that have to know on which connection they come. */
async function act(place: Place): Promise<void> {
  const stage = await stageFor(place)
  stages.set(place, stage)
  const here = cells.filter(({ fault }) => fault.place === place)
  const looks: (() => Promise<Seen>)[] = []
  if (place !== 'kept') looks.push(...(await Promise.all(here.map((cell) => call(cell, stage)))))
  else for (const cell of here) looks.push(await call(cell, stage))
  for (const [index, { id }] of here.entries()) seen.set(id, await (looks[index] as () => Promise<Seen>)())
}

const titles = ['fault', 'mode', 'client saw', 'status', 'ms / clock', 'recorded']

function rowOf({ fault, mode, id, expected }: Cell): readonly string[] {
  const { client, message, status = '-', elapsedMs, recorded } = seen.get(id) as Seen
  const words = message === undefined ? '' : ` "${message.replaceAll(/\s+/g, ' ').slice(0, 60)}"`
  const clock = fault.clock ? ` / ${clocks[fault.clock]}` : ''
  const isExpected = client === expected.client && recorded === expected.recorded
  const mark = isExpected ? '' : `  NOT ${expected.client}; ${expected.recorded}`
  const time = `${Math.round(elapsedMs)}${clock}`
  const said = client.length > 100 ? `${client.slice(0, 40)}… (${client.length} characters)` : client
  return [fault.name, mode, said + words, String(status), time, recorded + mark]
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = titles.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lineOf = (row: readonly string[]): string =>
    row.map((text, column) => text.padEnd(widths[column] ?? 0)).join('  ')
  return rows.map((row) => lineOf(row).trimEnd()).join('\n')
}

/** Timers go by whole milliseconds, and a connection is there a moment before its call. */
const earlyMs = 20
/** How late a clock may be on a machine that does other things too. */
const lateMs = 5_000

describe('whatever a provider does', () => {
  beforeAll(async () => {
    await Promise.all(Object.keys(places).map((place) => act(place as Place)))
  }, 60_000)

  afterAll(async () => {
    console.log(table([titles, ...cells.filter(({ id }) => seen.has(id)).map(rowOf)]))
    await Promise.all([...stages.values()].map((stage) => stage[Symbol.asyncDispose]()))
  })

  for (const { fault, mode, id, expected } of cells) {
    const { name, clock, place, requests = 1 } = fault
    test(`${name}, ${mode}`, () => {
      const { client, recorded, elapsedMs, requests: arrived } = seen.get(id) as Seen
      expect({ client, recorded }).toEqual(expected)
      if (!('atAccept' in places[place])) expect(arrived).toHaveLength(requests)
      // What goes out once more is the same request, on a connection of its own.
      expect(new Set(arrived.map(({ head, body }) => `${head}${body}`)).size).toBeLessThanOrEqual(1)
      expect(new Set(arrived.map(({ connection }) => connection)).size).toBe(arrived.length)
      if (place === 'kept') expect(arrived[0]?.number).toBeGreaterThan(1)
      if (!clock) return
      expect(elapsedMs).toBeGreaterThan(clocks[clock] - earlyMs)
      expect(elapsedMs).toBeLessThan(clocks[clock] + lateMs)
    })
  }

  test('a fresh connection that comes to nothing is the only one', () => {
    for (const [place, { faulty }] of stages) {
      if (!('atAccept' in places[place])) continue
      expect(faulty?.connections).toHaveLength(cells.filter(({ fault }) => fault.place === place).length)
    }
  })

  test('no connection outlives a call that failed on it', async () => {
    const failed = [...seen.values()].filter(({ recorded }) => recorded.startsWith('error'))
    const closed = failed.flatMap(({ requests }) => requests.map(({ connection }) => connection.closed))
    expect(closed.length).toBeGreaterThan(100)
    await Promise.all(closed)
  })

  test('the next call is answered', async () => {
    for (const [place, stage] of stages) {
      const model = stage.faulty && !('atAccept' in places[place]) ? 'healthy' : 'mock/echo'
      for (const mode of modes) {
        expect((await heardOf(clientOf(stage), model, mode)).client).toMatch(/^Hello( there)? \(stop\)$/)
      }
    }
  })
})
