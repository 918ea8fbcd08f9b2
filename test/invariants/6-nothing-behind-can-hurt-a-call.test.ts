import { mkdirSync, rmdirSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import type { Condition, Message, PartName } from '../../src/core/border.ts'
import { dataFiles } from '../../src/store/files.ts'
import { inThreads, type Running, type Spawn } from '../../src/threads/supervisor.ts'
import { borderSpy } from '../support/border-spy.ts'
import { type Asked, askChat, bothWays, conversationOf, isReady, readiness, startUpstream } from '../support/calls.ts'
import { temporaryFolder } from '../support/data-folder.ts'
import { oneThread, startTest, type TestOptions, type TestTrunkline } from '../support/trunkline.ts'

/** Clients that call one after the other until they are told to stop; then all that they were answered. */
function callers(url: string): AsyncDisposable & { stop(): Promise<Asked[]> } {
  let calling = true
  const all = Array.from({ length: 4 }, async (_, index) => {
    const answers: Asked[] = []
    while (calling) {
      answers.push(await askChat(url, 'Hello', { stream: index % 2 === 0 }))
      // They share the thread with the gateway, and other tests share the machine.
      await setTimeout(5)
    }
    return answers
  })
  const stop = async (): Promise<Asked[]> => {
    calling = false
    return (await Promise.all(all)).flat()
  }
  return { stop, [Symbol.asyncDispose]: async () => void (await stop()) }
}

/** Ends a part's thread in the middle of what it does, as a crash would. */
async function crash(trunkline: TestTrunkline, name: PartName): Promise<void> {
  trunkline.trunkline.parts[name].restart()
  const said = `The ${name} stopped unexpectedly and is being restarted.`
  await vi.waitFor(
    async () =>
      expect(await readiness(trunkline.url)).toMatchObject({
        status: 'degraded',
        reasons: expect.arrayContaining([said]),
      }),
    { timeout: 5_000, interval: 5 },
  )
}

const isReadyAgain = (trunkline: TestTrunkline): Promise<void> =>
  vi.waitFor(
    async () => {
      const { reasons = [] } = await readiness(trunkline.url)
      expect(reasons.filter((reason) => reason.includes('restarted'))).toEqual([])
    },
    { timeout: 10_000, interval: 10 },
  )

const told = (trunkline: TestTrunkline, traceId: string | null): Promise<string[]> =>
  vi.waitFor(
    async () => {
      const { messages, answer } = conversationOf(await trunkline.trace(traceId)) ?? {}
      return [messages?.[0], answer?.choices[0]?.message].map((message) => JSON.stringify(message?.parts))
    },
    { timeout: 5_000 },
  )

const text = (content: string): string => JSON.stringify([{ kind: 'text', text: content }])

const eventOf = (content: string): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`

const startReady = async (options: TestOptions): Promise<TestTrunkline> => {
  const trunkline = await startTest(options)
  await isReady(trunkline.url)
  return trunkline
}

// One thread cannot lose a part of itself. The tests wait more than they work.
describe.concurrent('on real threads', () => {
  test.each(['writer', 'control', 'reader'] as const)(
    'a crashed %s fails no call, is seen in health, and comes back',
    async (name) => {
      await using trunkline = await startReady({ spawn: inThreads })
      await using clients = callers(trunkline.url)
      await crash(trunkline, name)
      await isReadyAgain(trunkline)
      const answers = await clients.stop()
      expect(answers.length).toBeGreaterThan(8)
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
      const { traceId } = await askChat(trunkline.url, 'Afterwards')
      expect(await told(trunkline, traceId)).toEqual([text('Afterwards'), text('Afterwards')])
    },
  )

  test('a part that keeps crashing keeps coming back', async () => {
    await using trunkline = await startReady({ spawn: inThreads })
    for (let times = 0; times < 3; times++) {
      await crash(trunkline, 'reader')
      await isReadyAgain(trunkline)
    }
    const { traceId } = await askChat(trunkline.url, 'Hello')
    expect(await told(trunkline, traceId)).toEqual([text('Hello'), text('Hello')])
    expect(await readiness(trunkline.url)).toEqual({ status: 'ready' })
  })

  test('what a crashed writer had not stored is counted, and what it had stored is there', async () => {
    const border = borderSpy(inThreads)
    await using trunkline = await startReady({
      spawn: border.spawn,
      settings: { 'recording.flush_interval_ms': '60000' },
    })
    const stored = await askChat(trunkline.url, 'Stored')
    await trunkline.trace(stored.traceId)
    const lost = await askChat(trunkline.url, 'Lost')
    // Handed over to the writer, and with this interval not stored until somebody asks.
    const record = (): boolean => border.passed.some(({ bytes }) => bytes?.includes(String(lost.traceId)))
    await vi.waitFor(() => expect(record()).toBe(true))
    await crash(trunkline, 'writer')
    await isReadyAgain(trunkline)
    const { status, reasons } = await readiness(trunkline.url)
    expect(status).toBe('degraded')
    expect(reasons?.join(' ')).toMatch(/[1-9]\d+ bytes of a writer that crashed are missing/)
    expect(await told(trunkline, stored.traceId)).toEqual([text('Stored'), text('Stored')])
    await expect(trunkline.trace(lost.traceId)).rejects.toThrow('stored nowhere')
  })

  test('what a crashed writer held of a call that runs is counted, and the end alone is no answer', async () => {
    const border = borderSpy(inThreads)
    const begun = Promise.withResolvers<ServerResponse>()
    await using upstream = await startUpstream((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(eventOf(`first ${'x'.repeat(20_000)}`))
      begun.resolve(response)
    })
    await using trunkline = await startReady({
      spawn: border.spawn,
      settings: { 'providers.openai.base_url': upstream.baseUrl },
    })
    const answer = askChat(trunkline.url, 'Hello', { model: 'some', stream: true })
    const response = await begun.promise
    await vi.waitFor(() => expect(border.passed.some(({ bytes }) => bytes?.includes('first'))).toBe(true))
    // By then all that was handed over is in the writer's hands.
    await trunkline.ask('listTraces', { project: 'default', filter: {}, page: { limit: 1 } })
    await crash(trunkline, 'writer')
    await isReadyAgain(trunkline)
    const said = (await readiness(trunkline.url)).reasons?.join(' ') ?? ''
    expect(Number(/(\d+) bytes of a writer that crashed/.exec(said)?.[1])).toBeGreaterThan(20_000)
    response.end(`${eventOf('last')}data: [DONE]\n\n`)
    const { status, text: passed, traceId } = await answer
    expect([status, passed.includes('first'), passed.includes('last')]).toEqual([200, true, true])
    const shown = await trunkline.trace(traceId)
    expect(shown.spans.map((span) => span.kind)).toEqual(['call', 'attempt'])
    expect(conversationOf(shown)?.answer).toBeUndefined()
  })

  test('what is recorded while there is no writer waits for the next one', async () => {
    await using trunkline = await startReady({ spawn: inThreads })
    await crash(trunkline, 'writer')
    const { traceId } = await askChat(trunkline.url, 'In between')
    await isReadyAgain(trunkline)
    expect(await told(trunkline, traceId)).toEqual([text('In between'), text('In between')])
    expect(await readiness(trunkline.url)).toEqual({ status: 'ready' })
  })

  test('while a writer cannot open its files calls go on, health says why, and nothing is lost', async () => {
    const border = borderSpy(inThreads)
    using folder = temporaryFolder()
    const { traces, ledger } = dataFiles(folder.path)
    mkdirSync(traces)
    await using trunkline = await startTest({ spawn: border.spawn, dataDir: folder.path })
    await using clients = callers(trunkline.url)
    const failures = (): number =>
      border.passed.filter(({ message }) => isCondition(message) && message.value.phase === 'failed').length
    await vi.waitFor(() => expect(failures()).toBeGreaterThanOrEqual(3), waiting)
    const reason = `The data folder ${folder.path} cannot be used: ${traces} cannot be opened: it cannot be opened`
    expect(await readiness(trunkline.url)).toEqual({ status: 'degraded', reasons: [expect.stringContaining(reason)] })
    rmdirSync(traces)
    await isReady(trunkline.url)
    const answers = await clients.stop()
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(await told(trunkline, answers[0]?.traceId ?? null)).toEqual([text('Hello'), text('Hello')])
    await trunkline.stop()
    expect([countIn(traces, 'traces'), countIn(ledger, 'ledger')]).toEqual([answers.length, answers.length])
  })

  test('a writer that fails in the very moment in which the gateway begins to listen is begun again', async () => {
    const failed: Condition = { phase: 'failed', problems: ['There is no disk.'] }
    let begun = 0
    const spawn: Spawn = (init) =>
      init.part === 'writer' && begun++ === 0
        ? stillborn((hear) =>
            process.nextTick(hear, { kind: 'snapshot', part: 'condition', version: 0, value: failed }),
          )
        : oneThread(init)
    await using trunkline = await startTest({ spawn })
    await isReady(trunkline.url)
    const { traceId } = await askChat(trunkline.url, 'Hello')
    expect(await told(trunkline, traceId)).toEqual([text('Hello'), text('Hello')])
  })

  test('a control that comes back leaves the writer as it is, and no body gets into the place of another', async () => {
    await using trunkline = await startReady({ spawn: inThreads, settings: { 'recording.flush_interval_ms': '60000' } })
    const calls: (readonly [content: string, traceId: string | null])[] = []
    const call = async (content: string): Promise<void> =>
      void calls.push([content, (await askChat(trunkline.url, content)).traceId])
    for (let index = 0; index < 5; index++) await call(`Before ${index}`)
    await crash(trunkline, 'control')
    await isReadyAgain(trunkline)
    for (let index = 0; index < 5; index++) await call(`After ${index}`)
    for (const [content, traceId] of calls)
      expect(await told(trunkline, traceId)).toEqual([text(content), text(content)])
  })

  test('a locked database holds up no call and loses nothing', async () => {
    await using trunkline = await startReady({ spawn: inThreads })
    const other = new DatabaseSync(dataFiles(trunkline.dataDir).traces)
    other.exec('begin immediate')
    const startedMs = performance.now()
    const asked = await Promise.all(Array.from({ length: 20 }, (_, index) => askChat(trunkline.url, `Call ${index}`)))
    expect(asked.map(({ status }) => status)).toEqual(asked.map(() => 200))
    expect(performance.now() - startedMs).toBeLessThan(2_000)
    other.exec('rollback')
    other.close()
    for (const [index, { traceId }] of asked.entries()) {
      expect(await told(trunkline, traceId)).toEqual([text(`Call ${index}`), text(`Call ${index}`)])
    }
  })

  test('a database that cannot be written is seen in health until it can, and nothing is lost', async () => {
    await using trunkline = await startReady({ spawn: inThreads })
    const path = dataFiles(trunkline.dataDir).traces
    const other = new DatabaseSync(path)
    other.exec('alter table spans rename to elsewhere')
    const { status, traceId } = await askChat(trunkline.url, 'Hello')
    expect(status).toBe(200)
    const problem = `${path} cannot be written: no such table: spans. Calls go on; what they leave waits in memory until it can.`
    await vi.waitFor(
      async () => expect(await readiness(trunkline.url)).toEqual({ status: 'degraded', reasons: [problem] }),
      waiting,
    )
    other.exec('alter table elsewhere rename to spans')
    other.close()
    await vi.waitFor(async () => expect(await readiness(trunkline.url)).toEqual({ status: 'ready' }), waiting)
    expect(await told(trunkline, traceId)).toEqual([text('Hello'), text('Hello')])
  })
})

const isCondition = (message: Message): message is Extract<Message, { part: 'condition' }> =>
  message.kind === 'snapshot' && message.part === 'condition'

const countIn = (path: string, table: string): number => {
  using database = new DatabaseSync(path, { readOnly: true })
  return Number(database.prepare(`select count(*) as n from ${table}`).get()?.n)
}

/** A part that does one thing when it is told the configuration, and ends when it is to. */
function stillborn(onConfig: (hear: (message: Message) => void) => void): Running {
  let hear: (message: Message) => void = () => undefined
  let gone: (reason: string) => void = () => undefined
  return {
    port: {
      postMessage: (message) => {
        if (message.kind === 'snapshot' && message.part === 'config') onConfig((said) => hear(said))
      },
      on: (_event, listener) => {
        hear = listener
      },
      close: () => undefined,
    },
    onGone: (listener) => {
      gone = listener
    },
    end: async () => gone('it was ended'),
  }
}

const waiting = { timeout: 8_000, interval: 20 }

/** What a provider may write that no dialect has heard of, whole and as the one event of a stream. */
const oddities = [
  '{"choices":[null]}',
  '{"choices":"x"}',
  '{"choices":7}',
  '{"choices":{"0":{}}}',
  '{"usage":"many","choices":[]}',
  '{"usage":[1],"choices":[{"delta":"x"}]}',
  '{"model":{"a":1},"choices":[]}',
  '{"model":[],"choices":[null],"usage":{"prompt_tokens":1}}',
  '{"choices":[{"delta":null,"usage":3,"finish_reason":{"a":1}}]}',
  '{"choices":[{"message":7,"index":"0"}]}',
  '{"choices":[{"message":{"role":"constructor","content":"x"},"delta":{"role":"constructor"},"finish_reason":"constructor"}]}',
  '{"error":[]}',
  '[1]',
  '7',
  'null',
  '',
]

describe.each(bothWays)('%s', (_name, spawn) => {
  test('whatever a provider answers, the call is answered and recorded, and so is the next one', async () => {
    let said = ''
    await using upstream = await startUpstream((request, response) => {
      const streaming = request.headers.accept === 'text/event-stream'
      response.writeHead(200, { 'content-type': streaming ? 'text/event-stream' : 'application/json' })
      response.end(streaming ? `data: ${said}\n\ndata: [DONE]\n\n` : said)
    })
    await using trunkline = await startTest({ spawn, settings: { 'providers.openai.base_url': upstream.baseUrl } })
    for (said of oddities) {
      for (const accept of ['application/json', 'text/event-stream']) {
        const response = await fetch(`${trunkline.url}/v1/chat/completions`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', accept },
          body: JSON.stringify({ model: 'some', messages: [], stream: accept !== 'application/json' }),
        })
        const text = await response.text()
        if (response.ok) expect(text).toContain(said)
        else expect([response.status, JSON.parse(text)]).toMatchObject([502, { error: { type: 'server_error' } }])
        const { spans } = await trunkline.trace(response.headers.get('x-trace-id'))
        expect(spans.map(({ kind }) => kind)).toEqual(['call', 'attempt'])
      }
    }
    expect(await readiness(trunkline.url)).toEqual({ status: 'ready' })
  })
})
