import { channel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { describe, expect, test, vi } from 'vitest'
import type { SettingKey } from '../../src/config/settings.ts'
import { type Answering, startAnswering } from '../support/answering.ts'
import { type RawAnswer, rawCall, rawRequest, rawSocket, readAnswer } from '../support/raw-http.ts'
import { attemptsIn, callIn, startTest, type TestTrunkline } from '../support/trunkline.ts'

const json = 'Content-Type: application/json'
const chat = { model: 'm', messages: [{ role: 'user', content: 'Hello' }] }
const answer = JSON.stringify({ id: 'a', model: 'm', choices: [{ index: 0, message: { content: 'Hi' } }] })
const event = `data: ${JSON.stringify({ id: 'a', model: 'm', choices: [{ index: 0, delta: { content: 'Hi' } }] })}\n\n`
const done = 'data: [DONE]\n\n'
const streamHead = { 'content-type': 'text/event-stream' }
const wholeHead = { 'content-type': 'application/json' }

/** Waits until it is so, on a busy machine too. */
const eventually = <T>(check: () => T | Promise<T>, { interval = 10 } = {}): Promise<T> =>
  vi.waitFor(check, { timeout: 10_000, interval })

type Settings = Partial<Record<SettingKey, string>>

interface Setup extends AsyncDisposable {
  readonly url: string
  readonly trunkline: TestTrunkline
  readonly upstream: Answering
}

/** Trunkline in front of a provider that does what the test says. */
async function setUp(
  act: (request: IncomingMessage, response: ServerResponse) => void,
  settings: Settings = {},
): Promise<Setup> {
  const upstream = await startAnswering(act)
  const trunkline = await startTest({ settings: { 'providers.openai.base_url': upstream.url, ...settings } })
  return {
    url: trunkline.url,
    trunkline,
    upstream,
    async [Symbol.asyncDispose]() {
      await trunkline.stop()
      await upstream[Symbol.asyncDispose]()
    },
  }
}

const post = (url: string, body: object = chat): Buffer =>
  rawRequest(url, { headers: [json], body: JSON.stringify(body) })

/** A client's socket, with everything that has come on it. */
async function client(url: string): Promise<Socket & { readonly seen: { bytes: string } }> {
  const seen = { bytes: '' }
  const socket = await rawSocket(url)
  socket.on('error', () => undefined).on('data', (chunk: Buffer) => (seen.bytes += chunk.toString('latin1')))
  return Object.assign(socket, { seen })
}

const listed = async ({ trunkline }: Pick<Setup, 'trunkline'>) => {
  const { traces } = await trunkline.ask('listTraces', { project: 'default', filter: {}, page: { limit: 100 } })
  return traces
}

/** The only call, once it is recorded. */
const onlyTrace = async (setup: Pick<Setup, 'trunkline'>) => {
  const traces = await eventually(async () => {
    const found = await listed(setup)
    expect(found).toHaveLength(1)
    return found
  })
  return setup.trunkline.trace(traces[0]?.traceId)
}

const statusOf = (text: string): number[] => [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status))

/** What node has of each request that arrives, to look at what no client can see. */
async function withRequests<T>(act: (seen: Arrived[]) => Promise<T>): Promise<T> {
  const seen: Arrived[] = []
  const take = (message: unknown): void => void seen.push(message as Arrived)
  const starts = channel('http.server.request.start')
  starts.subscribe(take)
  try {
    return await act(seen)
  } finally {
    starts.unsubscribe(take)
  }
}

interface Arrived {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly socket: Socket
}

describe('a client that leaves ends what was done for it', () => {
  const ways: Record<string, (socket: Socket) => void> = {
    'closes its connection': (socket) => socket.destroy(),
    'resets its connection': (socket) => socket.resetAndDestroy(),
    'finishes sending and listens on': (socket) => socket.end(),
  }
  const moments: Record<string, (response: ServerResponse) => string> = {
    'before the answer begins': () => '',
    'after the first bytes of a stream': (response) => {
      response.writeHead(200, streamHead).write(event)
      return 'Hi'
    },
    'while a whole answer is held back': (response) => {
      response.writeHead(200, { ...wholeHead, 'content-length': answer.length }).write(answer.slice(0, 20))
      return ''
    },
    'after the first bytes of a whole answer that is too long to be held back': (response) => {
      response.writeHead(200, wholeHead).write(answer.slice(0, 20) + ' '.repeat(1 << 20))
      return answer.slice(0, 20)
    },
  }

  for (const [moment, begin] of Object.entries(moments)) {
    for (const [way, leave] of Object.entries(ways)) {
      test(`${moment}, a client that ${way}`, async () => {
        const asked = Promise.withResolvers<string>()
        const left = Promise.withResolvers<number>()
        await using setup = await setUp((request, response) => {
          request.socket.once('close', () => left.resolve(performance.now()))
          request.once('end', () => asked.resolve(begin(response)))
        })
        const socket = await client(setup.url)
        socket.write(post(setup.url, { ...chat, stream: moment.includes('stream') }))
        const sent = await asked.promise
        await eventually(() => expect(socket.seen.bytes).toContain(sent))
        const leftMs = performance.now()
        leave(socket)
        expect((await left.promise) - leftMs).toBeLessThan(1_000)

        const trace = await onlyTrace(setup)
        expect(callIn(trace)).toMatchObject({
          status: 'cancelled',
          detail: { attempts: 1, httpStatus: sent === '' ? 499 : 200 },
        })
        // It says nothing of the provider.
        expect(attemptsIn(trace)).toMatchObject([{ status: 'cancelled' }])
        socket.destroy()
      })
    }
  }

  for (const [way, leave] of Object.entries(ways)) {
    test(`in the middle of its request, a client that ${way}`, async () => {
      await using setup = await setUp(() => undefined)
      const socket = await client(setup.url)
      const request = post(setup.url)
      await withRequests(async (seen) => {
        socket.write(request.subarray(0, -10))
        await eventually(() => expect(seen).toHaveLength(1))
      })
      leave(socket)
      const trace = await onlyTrace(setup)
      expect(callIn(trace)).toMatchObject({ status: 'cancelled', detail: { httpStatus: 499, attempts: 0 } })
      expect(setup.upstream.asked).toHaveLength(0)
      socket.destroy()
    })
  }

  test('one that leaves with the last byte has had its answer', async () => {
    await using setup = await setUp((_request, response) => void response.writeHead(200, wholeHead).end(answer))
    const socket = await client(setup.url)
    socket.write(post(setup.url))
    await eventually(() => expect(socket.seen.bytes).toContain(answer))
    socket.resetAndDestroy()
    expect(callIn(await onlyTrace(setup))).toMatchObject({ status: 'ok', detail: { httpStatus: 200 } })
  })

  test('the next call to the same provider is not affected', async () => {
    let first = true
    await using setup = await setUp((_request, response) => {
      response.writeHead(200, wholeHead)
      if (!first) response.end(answer)
      first = false
    })
    const socket = await client(setup.url)
    socket.write(post(setup.url))
    await eventually(() => expect(setup.upstream.asked).toHaveLength(1))
    socket.resetAndDestroy()
    expect((await rawCall(setup.url, { headers: [json], body: JSON.stringify(chat) })).status).toBe(200)
  })
})

describe('an answer that is read on after its client has left', () => {
  const drain = { 'cancel.mode': 'drain' }
  const usage = `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 } })}\n\n`

  /** A provider that has begun to answer when the client leaves, and does the rest then. */
  async function leftInTheMiddle(settings: Settings, rest: (response: ServerResponse) => void): Promise<Setup> {
    const began = Promise.withResolvers<ServerResponse>()
    const setup = await setUp((_request, response) => {
      response.writeHead(200, streamHead).write(event)
      began.resolve(response)
    }, settings)
    const socket = await client(setup.url)
    socket.write(post(setup.url, { ...chat, stream: true }))
    await eventually(() => expect(socket.seen.bytes).toContain('Hi'))
    const { running } = setup.trunkline.trunkline
    expect(running()).toBe(1)
    socket.resetAndDestroy()
    await eventually(() => expect(running()).toBe(0))
    rest(await began.promise)
    return setup
  }

  test('tells what it used, and the call is cancelled all the same', async () => {
    await using setup = await leftInTheMiddle(drain, (response) => void response.end(`${usage}${done}`))
    const trace = await onlyTrace(setup)
    const used = { inputUncached: 3, outputText: 5 }
    expect(callIn(trace)).toMatchObject({ status: 'cancelled', detail: { usage: used } })
    expect(attemptsIn(trace)).toMatchObject([{ status: 'cancelled', detail: { usage: used } }])
  })

  test('is let go when it takes too long', async () => {
    const over = Promise.withResolvers<void>()
    const settings = { ...drain, 'cancel.drain_ms': '50' }
    await using setup = await leftInTheMiddle(settings, (response) => void response.once('close', over.resolve))
    await over.promise
    expect(callIn(await onlyTrace(setup))).toMatchObject({ status: 'cancelled' })
  })

  test('is let go when it is too much', async () => {
    const over = Promise.withResolvers<void>()
    const settings = { ...drain, 'cancel.drain_bytes': '1000' }
    await using setup = await leftInTheMiddle(settings, (response) => {
      response.once('close', over.resolve)
      response.write(event.repeat(100))
    })
    await over.promise
    expect(callIn(await onlyTrace(setup))).toMatchObject({ status: 'cancelled' })
  })

  test('holds up no stop', async () => {
    await using setup = await leftInTheMiddle(drain, () => undefined)
    await setup.trunkline.trunkline.stop(5_000)
    expect(callIn(await onlyTrace(setup))).toMatchObject({ status: 'cancelled' })
  })
})

describe('a client that sends slowly is told so', () => {
  const settings = { 'limits.header_ms': '100', 'limits.request_ms': '200' }

  /** Sends a byte now and then until there is an answer. */
  async function trickle(url: string, beginning: string | Buffer): Promise<RawAnswer> {
    const socket = await rawSocket(url)
    const answered = readAnswer(socket)
    const closed = once(socket, 'close')
    socket.write(beginning)
    const more = setInterval(() => socket.write('x'), 20)
    try {
      const said = await answered
      clearInterval(more)
      socket.end()
      await closed
      return said
    } finally {
      clearInterval(more)
    }
  }

  const expectLate = (said: RawAnswer, limit: string): void => {
    expect([said.status, said.headers.get('connection')]).toEqual([408, 'close'])
    expect(JSON.parse(said.body)).toMatchObject({
      error: { code: 'request_timeout', type: 'invalid_request_error', message: expect.stringContaining(limit) },
    })
  }

  test('in its headers', async () => {
    await using trunkline = await startTest({ settings })
    const said = await trickle(trunkline.url, 'POST /v1/chat/completions HTTP/1.1\r\nX-Slow: ')
    expectLate(said, 'limits.header_ms')
    expect(await listed({ trunkline })).toEqual([])
  })

  test('in its body, and the call is recorded', async () => {
    await using trunkline = await startTest({ settings })
    const said = await trickle(trunkline.url, rawRequest(trunkline.url, { headers: [json, 'Content-Length: 100000'] }))
    expectLate(said, 'limits.request_ms')
    expect(callIn(await trunkline.trace(said.headers.get('x-trace-id')))).toMatchObject({
      status: 'error',
      detail: { httpStatus: 408, error: { code: 'request_timeout' }, attempts: 0 },
    })
  })

  test('in chunks of a body', async () => {
    await using trunkline = await startTest({ settings })
    const headers = [json, 'Transfer-Encoding: chunked']
    expectLate(
      await trickle(trunkline.url, Buffer.concat([rawRequest(trunkline.url, { headers }), Buffer.from('fffff\r\n')])),
      'limits.request_ms',
    )
  })

  test('one that sends nothing at all is closed without a word', async () => {
    await using trunkline = await startTest({ settings })
    const socket = await client(trunkline.url)
    await once(socket, 'close')
    expect(socket.seen.bytes).toBe('')
  })

  test('one that is slow with its next request still gets the answer before it', async () => {
    const { promise: release, resolve } = Promise.withResolvers<void>()
    await using setup = await setUp((_request, response) => {
      response.writeHead(200, streamHead).write(event)
      void release.then(() => response.end(done))
    }, settings)
    const socket = await client(setup.url)
    await withRequests(async (seen) => {
      socket.write(Buffer.concat([post(setup.url, { ...chat, stream: true }), Buffer.from('POST /v1/chat')]))
      await eventually(() => expect(socket.seen.bytes).toContain('Hi'))
      // Its time is over when the next client that is as slow has been told.
      await trickle(setup.url, 'POST ')
      expect(seen[0]?.socket.destroyed).toBe(false)
    })
    resolve()
    await once(socket, 'close')
    expect(statusOf(socket.seen.bytes)).toEqual([200])
    expect(socket.seen.bytes).toContain('[DONE]')
  })
})

describe('when too many connections are open', () => {
  const busy = async (setup: Setup): Promise<Socket> => {
    const socket = await client(setup.url)
    const asked = setup.upstream.asked.length
    socket.write(post(setup.url))
    await eventually(() => expect(setup.upstream.asked).toHaveLength(asked + 1))
    return socket
  }

  test('the next one is told so, and health still answers', async () => {
    await using setup = await setUp(() => undefined, { 'limits.connections': '2' })
    const sockets = [await busy(setup), await busy(setup)]
    const refused = await rawCall(setup.url, { headers: [json], body: JSON.stringify(chat) })
    expect([refused.status, refused.headers.get('connection'), refused.headers.get('retry-after')]).toEqual([
      503,
      'close',
      '1',
    ])
    expect(JSON.parse(refused.body)).toMatchObject({
      error: { code: 'too_many_connections', message: expect.stringContaining('limits.connections') },
    })
    const health = await rawCall(setup.url, { method: 'GET', target: '/health/live' })
    expect([health.status, health.headers.get('connection')]).toEqual([200, 'close'])
    expect(setup.upstream.asked).toHaveLength(2)
    for (const socket of sockets) socket.destroy()
  })

  test('a client that is refused can read why while it still sends', async () => {
    await using setup = await setUp(() => undefined, { 'limits.connections': '1' })
    const socket = await busy(setup)
    const late = await rawSocket(setup.url)
    const broken: Error[] = []
    late.on('error', (error) => broken.push(error))
    const answered = readAnswer(late)
    late.write(rawRequest(setup.url, { headers: [json, 'Content-Length: 4000000'] }))
    const megabyte = Buffer.alloc(1_000_000, ' ')
    for (let sent = 0; sent < 4; sent++) await new Promise((resolve) => late.write(megabyte, resolve))
    expect((await answered).status).toBe(503)
    await once(late, 'close')
    expect(broken).toEqual([])
    socket.destroy()
  })

  test('the connection that was idle for longest makes room', async () => {
    await using setup = await setUp((_request, response) => void response.writeHead(200, wholeHead).end(answer), {
      'limits.connections': '2',
    })
    const idle = [await client(setup.url), await client(setup.url)]
    const closed: number[] = []
    for (const [index, socket] of idle.entries()) {
      socket.write(post(setup.url))
      await eventually(() => expect(socket.seen.bytes).toContain(answer))
      socket.once('close', () => closed.push(index))
    }
    const third = await client(setup.url)
    third.write(post(setup.url))
    await eventually(() => expect(third.seen.bytes).toContain(answer))
    await eventually(() => expect(closed).toEqual([0]))
    idle[1]?.write(post(setup.url))
    await eventually(() => expect(statusOf(idle[1]?.seen.bytes ?? '')).toEqual([200, 200]))
    expect(closed).toEqual([0])
    for (const socket of [...idle, third]) socket.destroy()
  })
})

describe('requests that a client sends without waiting', () => {
  /** A provider that answers when it is told to; the first call of `held` is the one that was asked first. */
  function holding() {
    const held: ServerResponse[] = []
    let most = 0
    return {
      held,
      get most() {
        return most
      },
      act: (_request: IncomingMessage, response: ServerResponse): void => {
        held.push(response)
        most = Math.max(most, held.filter(({ writableEnded }) => !writableEnded).length)
      },
      release: () => held.at(-1)?.writeHead(200, wholeHead).end(answer),
    }
  }

  const named = (name: string): object => ({ ...chat, model: name })

  test('are answered one after the other, in their order', async () => {
    const provider = holding()
    await using setup = await setUp(provider.act)
    const socket = await client(setup.url)
    const names = ['a', 'b', 'c']
    socket.write(Buffer.concat(names.map((name) => post(setup.url, named(name)))))
    for (const count of [1, 2, 3]) {
      await eventually(() => expect(provider.held).toHaveLength(count))
      expect(statusOf(socket.seen.bytes)).toHaveLength(count - 1)
      provider.release()
    }
    await eventually(() => expect(statusOf(socket.seen.bytes)).toEqual([200, 200, 200]))
    expect(provider.most).toBe(1)
    const models = [...socket.seen.bytes.matchAll(/x-model-name: (\w)/gi)].map(([, name]) => name)
    expect(models).toEqual(names)
    expect((await listed(setup)).map(({ status }) => status)).toEqual(['ok', 'ok', 'ok'])
    socket.destroy()
  })

  test('are refused beyond ten that wait, and what is behind that is not looked at', async () => {
    const provider = holding()
    await using setup = await setUp(provider.act)
    const socket = await client(setup.url)
    socket.write(Buffer.concat(Array.from({ length: 20 }, () => post(setup.url))))
    for (let count = 1; count <= 11; count++) {
      await eventually(() => expect(provider.held).toHaveLength(count))
      provider.release()
    }
    await once(socket, 'close')
    expect(statusOf(socket.seen.bytes)).toEqual([...Array.from({ length: 11 }, () => 200), 429])
    expect(socket.seen.bytes).toMatch(/Connection: close\r\n\r\n.*"code":"too_many_waiting"/s)
    expect(provider.held).toHaveLength(11)
    expect(await listed(setup)).toHaveLength(11)
  })

  test('do not pile up while the first one is answered', async () => {
    const provider = holding()
    await using setup = await setUp(provider.act)
    const socket = await client(setup.url)
    const many = Buffer.concat(Array.from({ length: 5_000 }, () => post(setup.url)))
    await withRequests(async (seen) => {
      for (let times = 0; times < 8; times++) await new Promise((resolve) => socket.write(many, resolve))
      // As many as fit into one read of the socket, of the forty thousand that were sent.
      expect(seen.length).toBeLessThan(2_000)
      expect(provider.held.length).toBeLessThan(2)
    })
    // It is still known that the client leaves.
    await eventually(() => expect(provider.held).toHaveLength(1))
    const left = once(provider.held[0] as ServerResponse, 'close')
    socket.resetAndDestroy()
    await left
    await eventually(async () => {
      const traces = await listed(setup)
      expect(traces.map(({ status }) => status)).toEqual(Array.from({ length: 11 }, () => 'cancelled'))
    })
  })

  test('are answered at once where they cost nothing, however many', async () => {
    await using setup = await setUp(() => undefined)
    const socket = await client(setup.url)
    const asks = rawRequest(setup.url, { method: 'GET', target: '/v1/models' })
    socket.write(Buffer.concat(Array.from({ length: 500 }, () => asks)))
    await eventually(() => expect(statusOf(socket.seen.bytes)).toHaveLength(500))
    expect(new Set(statusOf(socket.seen.bytes))).toEqual(new Set([200]))
    socket.destroy()
  })

  test('and then leaves: what runs is cancelled, what waits is never sent', async () => {
    const provider = holding()
    await using setup = await setUp(provider.act)
    const socket = await client(setup.url)
    socket.write(Buffer.concat([post(setup.url), post(setup.url), post(setup.url)]))
    await eventually(() => expect(provider.held).toHaveLength(1))
    const left = once(provider.held[0] as ServerResponse, 'close')
    socket.resetAndDestroy()
    await left
    const traces = await eventually(async () => {
      const found = await listed(setup)
      expect(found).toHaveLength(3)
      return found
    })
    const calls = await Promise.all(traces.map(async ({ traceId }) => callIn(await setup.trunkline.trace(traceId))))
    expect(calls.map(({ status, detail }) => [status, detail.attempts]).toSorted()).toEqual([
      ['cancelled', 0],
      ['cancelled', 0],
      ['cancelled', 1],
    ])
    expect(provider.held).toHaveLength(1)
  })

  test('behind one that ends the connection are not looked at', async () => {
    const provider = holding()
    await using setup = await setUp(provider.act)
    const socket = await client(setup.url)
    const last = rawRequest(setup.url, { headers: [json, 'Connection: close'], body: JSON.stringify(chat) })
    socket.write(Buffer.concat([last, post(setup.url), post(setup.url)]))
    await eventually(() => expect(provider.held).toHaveLength(1))
    provider.release()
    await once(socket, 'close')
    expect(statusOf(socket.seen.bytes)).toEqual([200])
    expect(provider.held).toHaveLength(1)
    expect(await listed(setup)).toHaveLength(1)
  })

  test('a tunnel behind a call is not answered in the middle of its answer', async () => {
    const provider = holding()
    await using setup = await setUp(provider.act)
    const socket = await client(setup.url)
    socket.write(Buffer.concat([post(setup.url), rawRequest(setup.url, { method: 'CONNECT', target: 'x:1' })]))
    await once(socket, 'close')
    expect(socket.seen.bytes).toBe('')
  })
})

describe('a client that reads slowly', () => {
  const piece = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'x'.repeat(1 << 16) } }] })}\n\n`
  const pieces = 1_000

  /** A provider that sends as fast as it is let. */
  function flooding() {
    const counts = { sent: 0, isOver: false }
    const act = (_request: IncomingMessage, response: ServerResponse): void => {
      response.writeHead(200, streamHead)
      const more = (): void => {
        while (counts.sent < pieces) {
          counts.sent++
          if (!response.write(piece)) return void response.once('drain', more)
        }
        response.end(done)
        counts.isOver = true
      }
      more()
    }
    return { counts, act }
  }

  test('holds back its provider, and costs no memory', async () => {
    const { counts, act } = flooding()
    await using setup = await setUp(act)
    await withRequests(async (seen) => {
      const socket = await rawSocket(setup.url)
      let bytes = 0
      let end = ''
      socket.pause()
      socket.write(post(setup.url, { ...chat, stream: true }))
      let before = -1
      // The buffers of both sockets are full when nothing has moved between two looks.
      await eventually(
        () => {
          const isStill = counts.sent > 0 && counts.sent === before
          before = counts.sent
          expect(isStill).toBe(true)
        },
        { interval: 100 },
      )
      expect(counts.isOver).toBe(false)
      expect(seen.find(({ request }) => request.url === '/v1/chat/completions')?.response.writableLength).toBeLessThan(
        1 << 20,
      )
      socket.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        end = (end + chunk.toString('latin1')).slice(-40)
      })
      socket.resume()
      await eventually(() => expect(end).toContain('[DONE]'))
      expect(bytes).toBeGreaterThan(pieces * piece.length)
      socket.destroy()
    })
    expect(callIn(await onlyTrace(setup))).toMatchObject({ status: 'ok' })
  })

  test('and leaves ends what it held back', async () => {
    const { counts, act } = flooding()
    const left = Promise.withResolvers<void>()
    await using setup = await setUp((request, response) => {
      request.socket.once('close', () => left.resolve())
      act(request, response)
    })
    const socket = await rawSocket(setup.url)
    socket.pause()
    socket.write(post(setup.url, { ...chat, stream: true }))
    await eventually(() => expect(counts.sent).toBeGreaterThan(10))
    socket.end()
    await left.promise
    expect(callIn(await onlyTrace(setup))).toMatchObject({ status: 'cancelled' })
    socket.destroy()
  })
})

test('a connection that is kept alive gathers nothing', async () => {
  await using setup = await setUp((_request, response) => void response.writeHead(200, wholeHead).end(answer))
  const socket = await client(setup.url)
  const listeners = (on: Socket): number[] => on.eventNames().map((name) => on.listenerCount(name))
  await withRequests(async (seen) => {
    const ours = (): Socket | undefined =>
      seen.find(({ request }) => request.headers.host === new URL(setup.url).host)?.socket
    const call = async (times: number): Promise<number[]> => {
      for (let made = 0; made < times; made++) {
        const answered = readAnswer(socket)
        socket.write(post(setup.url))
        expect((await answered).status).toBe(200)
      }
      return listeners(ours() as Socket)
    }
    const few = await call(3)
    expect(await call(50)).toEqual(few)
  })
  socket.destroy()
})
