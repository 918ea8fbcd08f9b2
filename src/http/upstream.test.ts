import type { LookupAddress } from 'node:dns'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { refusedUrl } from '../../test/support/faulty-upstream.ts'
import type { GatewayError } from '../core/error.ts'
import type { Lookup } from './egress.ts'
import { type UpstreamHeaders, type UpstreamRequest, type Upstreams, upstreams } from './upstream.ts'

interface Seen extends AsyncDisposable {
  readonly port: number
  readonly url: string
  readonly requests: readonly IncomingMessage[]
  readonly sockets: readonly Socket[]
}

/** A provider that remembers who came, and how often. */
async function provider(
  answer: RequestListener = (_request, response) => response.end('hello'),
  path?: string,
): Promise<Seen> {
  const requests: IncomingMessage[] = []
  const sockets: Socket[] = []
  const server = createServer((request, response) => {
    requests.push(request.resume())
    answer(request, response)
  })
  server.on('connection', (socket: Socket) => sockets.push(socket))
  if (path === undefined) server.listen(0, '127.0.0.1')
  else server.listen(path)
  await once(server, 'listening')
  const port = path === undefined ? (server.address() as AddressInfo).port : 0
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    requests,
    sockets,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

interface Outcome {
  readonly status?: number
  readonly headers?: UpstreamHeaders
  readonly body?: string
  readonly error?: GatewayError
}

/** One request, and what came of it. */
const sent = (out: Upstreams, request: Pick<UpstreamRequest, 'origin'> & Partial<UpstreamRequest>): Promise<Outcome> =>
  new Promise((resolve) => {
    let head: Outcome = {}
    let body = ''
    out.send(
      {
        path: '/v1/chat',
        method: 'POST',
        headers: {},
        body: Buffer.from('{}'),
        connectMs: 5_000,
        mayBePrivate: true,
        ...request,
      },
      {
        connected() {},
        head: (status, headers) => (head = { status, headers }),
        data: (chunk) => (body += chunk.toString('latin1')),
        // A connection is free again in the turn after the next.
        end: () => setImmediate(() => setImmediate(resolve, { ...head, body })),
        fail: (error) => resolve({ ...head, error }),
      },
    )
  })

/** Whatever name is asked for: first the one answer, then the other. */
const names = (...answers: readonly string[][]): { lookup: Lookup; readonly asked: string[] } => {
  const asked: string[] = []
  const lookup: Lookup = (name, _options, found) => {
    const answer = answers[Math.min(asked.push(name), answers.length) - 1] ?? []
    const addresses = answer.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 }))
    setImmediate(found, null, addresses)
  }
  return { lookup, asked }
}

test('a name with several addresses of which none answers is told with each of them', async () => {
  const { port } = new URL(await refusedUrl())
  const out = upstreams(names(['127.0.0.1', '::1']))
  const { error } = await sent(out, { origin: `http://provider.test:${port}` })
  expect(error?.code).toBe('upstream_unreachable')
  for (const address of ['127.0.0.1', '::1']) expect(error?.message).toContain(`${address}:${port}`)
  await out.close()
})

test('checklist 14: a private address is called with leave only, and a connection made with leave serves nobody else', async () => {
  await using machine = await provider()
  const out = upstreams()
  const origin = machine.url
  expect((await sent(out, { origin, mayBePrivate: false })).error?.code).toBe('egress_refused')
  expect((await sent(out, { origin })).body).toBe('hello')
  expect((await sent(out, { origin, mayBePrivate: false })).error?.code).toBe('egress_refused')
  expect((await sent(out, { origin })).body).toBe('hello')
  expect([machine.requests.length, machine.sockets.length]).toEqual([2, 1])
  await out.close()
})

test('checklist 14: a name is asked for when a connection is made, and what was checked is kept with it', async () => {
  await using machine = await provider()
  const { lookup, asked } = names(['127.0.0.1'], ['169.254.169.254'])
  const out = upstreams({ lookup })
  const origin = `http://provider.test:${machine.port}`
  for (let times = 0; times < 3; times++) expect((await sent(out, { origin })).body).toBe('hello')
  expect([asked.length, machine.sockets.length]).toEqual([1, 1])
  machine.sockets[0]?.destroy()
  await expect.poll(async () => (await sent(out, { origin })).error?.code).toBe('egress_refused')
  await out.close()
})

test('checklist 14: a request that goes out once more is checked once more', async () => {
  await using machine = await provider((request, response) => {
    if (machine.requests.length === 1) response.end('hello')
    else request.socket.destroy()
  })
  const { lookup, asked } = names(['127.0.0.1'], ['169.254.169.254'])
  const out = upstreams({ lookup })
  const origin = `http://provider.test:${machine.port}`
  expect((await sent(out, { origin })).body).toBe('hello')
  expect((await sent(out, { origin })).error?.code).toBe('egress_refused')
  expect([asked.length, machine.requests.length]).toEqual([2, 2])
  await out.close()
})

test.each([301, 302, 303, 307, 308])(
  'checklist 14: a redirect by %i is an answer like any other: nothing goes where it points, the credential least of all',
  async (status) => {
    await using elsewhere = await provider()
    await using machine = await provider((_request, response) =>
      response.writeHead(status, { location: `${elsewhere.url}/steal` }).end(),
    )
    const out = upstreams()
    const answer = await sent(out, { origin: machine.url, headers: { authorization: 'Bearer sk-canary' } })
    expect(answer.status).toBe(status)
    expect([machine.requests.length, elsewhere.sockets.length]).toEqual([1, 0])
    await out.close()
  },
)

test('checklist 15: a header with a line break or NUL never leaves, and its value is not told', async () => {
  await using machine = await provider()
  const out = upstreams()
  for (const character of ['\r', '\n', '\r\n', '\0', '\u2028', '\u010a', '\u{1f600}']) {
    for (const value of [`canary${character}x-injected: 1`, `${character}canary`, `canary${character}`]) {
      for (const name of ['authorization', 'anthropic-beta', 'content-type', 'host', 'x-own']) {
        const { error } = await sent(out, { origin: machine.url, headers: { [name]: value } })
        expect([error?.code, error?.message.includes(name)], `${name} ${JSON.stringify(value)}`).toEqual([
          'bad_request',
          true,
        ])
        expect(`${error?.message} ${String(error?.cause)}`).not.toContain('canary')
      }
    }
  }
  for (const name of ['x\r\ny', 'x: y', 'x y', '', 'transfer-encoding', 'keep-alive', 'upgrade'])
    expect((await sent(out, { origin: machine.url, headers: { [name]: 'x' } })).error?.code).toBe('bad_request')
  expect(machine.sockets).toHaveLength(0)
  await out.close()
})

test('a path that leads out of its place, or has what paths cannot have, never leaves', async () => {
  await using machine = await provider()
  const out = upstreams()
  const wrong = ['/model/../invoke', '/model/..', '/./x', '/a/%2e%2E/b', '/a/..?x', '/a b', '/a\r\nHost: x', '/\0', 'a']
  for (const path of wrong)
    expect((await sent(out, { origin: machine.url, path })).error?.code, path).toBe('bad_request')
  expect(machine.sockets).toHaveLength(0)
  const right = ['/v1/models/..:generate', '/v1/a..b', '/v1/...', '/v1/x?up=/../y', '/v1/.hidden']
  for (const path of right) expect((await sent(out, { origin: machine.url, path })).body, path).toBe('hello')
  expect(machine.requests.map(({ url }) => url)).toEqual(right)
  await out.close()
})

test('what a resource is asked goes out with every method that there is for it', async () => {
  await using machine = await provider((request, response) => response.end(request.method))
  const out = upstreams()
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const)
    expect((await sent(out, { origin: machine.url, method })).body).toBe(method)
  await out.close()
})

test('a request for a local socket goes there, whatever its origin says, and its Host stays', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'trunkline-socket-'))
  const socketPath = process.platform === 'win32' ? `\\\\.\\pipe\\${folder.replaceAll('\\', '-')}` : join(folder, 's')
  {
    await using machine = await provider(undefined, socketPath)
    const out = upstreams()
    const request = { origin: 'http://localhost', mayBePrivate: false, headers: { host: '127.0.0.1:9090' } }
    expect((await sent(out, { ...request, socketPath })).body).toBe('hello')
    expect(machine.requests[0]?.headers.host).toBe('127.0.0.1:9090')
    expect((await sent(out, request)).error?.code).toBe('egress_refused')
    await out.close()
  }
  await rm(folder, { recursive: true })
})

test('who is asked at ever more addresses does not keep connections to all of them', async () => {
  await using server = await provider()
  const out = upstreams({ mostPools: 3 })
  const ask = (connectMs: number): Promise<Outcome> => sent(out, { origin: server.url, connectMs })
  for (let connectMs = 1_000; connectMs < 1_010; connectMs++) expect((await ask(connectMs)).body).toBe('hello')
  await vi.waitFor(() => expect(server.sockets.filter(({ destroyed }) => !destroyed).length).toBeLessThanOrEqual(3))
  // One that runs while its place is given away comes to its end.
  const answers: ServerResponse[] = []
  await using slow = await provider((_request, response) => answers.push(response))
  const running = sent(out, { origin: slow.url })
  await vi.waitFor(() => expect(answers).toHaveLength(1))
  for (let connectMs = 1_010; connectMs < 1_020; connectMs++) await ask(connectMs)
  answers[0]?.end('late')
  expect((await running).body).toBe('late')
  await out.close()
})
