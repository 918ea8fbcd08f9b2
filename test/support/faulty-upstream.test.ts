import { connect, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import {
  bytewise,
  chunked,
  completion,
  end,
  events,
  type Faulty,
  forever,
  hang,
  head,
  lastChunk,
  refusedUrl,
  reset,
  type Step,
  startDeaf,
  startFaulty,
  until,
} from './faulty-upstream.ts'
import { rawRequest, rawSocket, readAnswer } from './raw-http.ts'

const asked = (stream = false): string => JSON.stringify({ model: 'm', stream })

function connectTo(url: string): Socket {
  const { hostname, port } = new URL(url)
  return connect({ host: hostname, port: Number(port) })
}

interface Heard {
  readonly bytes: string
  /** `end`, or the error's code. */
  readonly how: string
  readonly pieces: number
}

/** Everything that comes on a connection until it is over; with `enough` it is ended from here at these bytes. */
async function heardOn(socket: Socket, enough?: string): Promise<Heard> {
  let bytes = ''
  let pieces = 0
  let how = 'end'
  socket.on('data', (piece) => {
    bytes += piece.toString('latin1')
    pieces++
    if (enough !== undefined && bytes.includes(enough)) socket.end()
  })
  socket.once('error', (error: NodeJS.ErrnoException) => {
    how = error.code ?? error.message
  })
  await new Promise((resolve) => socket.once('close', resolve))
  return { bytes, how, pieces }
}

async function ask(faulty: Faulty, steps: readonly Step[], enough?: string): Promise<Heard> {
  faulty.script([steps])
  const socket = await rawSocket(faulty.url)
  socket.write(rawRequest(faulty.url, { body: asked() }))
  return heardOn(socket, enough)
}

describe('a faulty provider', () => {
  test('gives right answers when nobody tells it otherwise, on one connection', async () => {
    await using faulty = await startFaulty()
    const socket = await rawSocket(faulty.url)
    socket.write(rawRequest(faulty.url, { body: asked() }))
    expect((await readAnswer(socket)).body).toBe(completion)
    socket.write(rawRequest(faulty.url, { body: asked(true) }))
    const written = Object.values(events).map((one) => chunked(one).toString())
    expect((await readAnswer(socket)).body).toBe([...written, lastChunk].join(''))
    socket.end()
    expect(await faulty.connections[0]?.closed).toMatchObject({ by: 'client', how: 'end' })
    expect(faulty.requests.map(({ number, body }) => [number, body.toString()])).toEqual([
      [1, asked()],
      [2, asked(true)],
    ])
  })

  test('ends a connection with nothing said', async () => {
    await using faulty = await startFaulty()
    expect(await ask(faulty, [end])).toMatchObject({ bytes: '', how: 'end' })
    expect(await faulty.connections[0]?.closed).toMatchObject({ by: 'provider', how: 'end' })
  })

  test('ends it after half of an answer, which it had promised whole', async () => {
    await using faulty = await startFaulty()
    const half = head(200, { 'content-length': '100' })
    expect(await ask(faulty, [half, '{"id', end])).toMatchObject({ bytes: `${half}{"id`, how: 'end' })
  })

  test('resets it, and what came before arrives', async () => {
    await using faulty = await startFaulty()
    expect(await ask(faulty, ['Half', reset])).toMatchObject({ bytes: 'Half', how: 'ECONNRESET' })
    expect(await faulty.connections[0]?.closed).toMatchObject({ by: 'provider', how: 'reset' })
  })

  test('resets it as soon as it is there', async () => {
    await using faulty = await startFaulty({ atAccept: [reset] })
    expect(await heardOn(connectTo(faulty.url))).toMatchObject({ bytes: '', how: 'ECONNRESET' })
    expect(faulty.requests).toEqual([])
  })

  test('hangs until the client leaves', async () => {
    await using faulty = await startFaulty()
    expect(await ask(faulty, ['Wait.', hang, 'Never said.'], 'Wait.')).toMatchObject({ bytes: 'Wait.', how: 'end' })
    expect(await faulty.connections[0]?.closed).toMatchObject({ by: 'client', how: 'end' })
  })

  test('says the same for ever, until the client leaves', async () => {
    await using faulty = await startFaulty()
    const { bytes } = await ask(faulty, [forever(': ping\n\n', 0)], ': ping\n\n'.repeat(20))
    expect(bytes.startsWith(': ping\n\n'.repeat(20))).toBe(true)
    expect(await faulty.connections[0]?.closed).toMatchObject({ by: 'client' })
  })

  test('writes a byte at a time, in many packets', async () => {
    await using faulty = await startFaulty()
    const { bytes, pieces } = await ask(faulty, [bytewise('0123456789', 1), end])
    expect(bytes).toBe('0123456789')
    expect(pieces).toBeGreaterThan(1)
  })

  test('goes on when it is told to', async () => {
    await using faulty = await startFaulty()
    const told = Promise.withResolvers<void>()
    faulty.script([['Now', until(told.promise), ' then', end]])
    const socket = await rawSocket(faulty.url)
    const heard = heardOn(socket)
    socket.once('data', () => told.resolve())
    socket.write(rawRequest(faulty.url, { body: asked() }))
    expect(await heard).toMatchObject({ bytes: 'Now then', pieces: 2 })
  })
})

test('a port that refuses', async () => {
  await expect(rawSocket(await refusedUrl())).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test('a port to which no connection is made, while one that was asked later has long answered', async () => {
  await using deaf = await startDeaf()
  await using faulty = await startFaulty()
  const waiting = connectTo(deaf.url)
  for (let turn = 0; turn < 20; turn++) expect((await ask(faulty, ['Yes.', end])).bytes).toBe('Yes.')
  expect(waiting.connecting).toBe(true)
  waiting.destroy()
})
