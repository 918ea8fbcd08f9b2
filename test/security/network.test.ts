/** Lines 2, 3, 4 and 6 of the security checklist, over real sockets, on a server with nothing behind its doors. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { type HttpServer, httpServer, type ServerOptions } from '../../src/http/server.ts'
import { type RawRequest, rawCall } from '../support/raw-http.ts'
import { startBare, statusesIn, talk } from './bare-server.ts'

const json = 'Content-Type: application/json'
const post = (...headers: readonly string[]): RawRequest => ({ target: '/', headers: [json, ...headers], body: '{}' })
const get = (target: string, ...headers: readonly string[]): RawRequest => ({ method: 'GET', target, headers })
const codeOf = (body: string): string => (JSON.parse(body) as { code: string }).code

describe('checklist 2: a page of another site', () => {
  const asked = async (sent: (port: number) => RawRequest, options?: Partial<ServerOptions>): Promise<string> => {
    await using server = await startBare(options)
    const { status, body } = await rawCall(server.url, sent(server.port))
    if (status === 200) return 'taken'
    expect([status, server.seen, server.asked]).toEqual([403, [], []])
    return codeOf(body)
  }

  test.each([
    'evil.example',
    'localhost.evil',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '127.0.0.1.nip.io',
    'evil.example#localhost',
    'localhost@evil.example',
    'localhost:80@evil.example',
    'xlocalhost',
    'localhost.',
    '127.0.0.1.',
    '[::1].evil.example',
    '[::ffff:127.0.0.1]',
    '0.0.0.0',
    '0x7f000001',
    '2130706433',
    '017700000001',
    '127.1',
    '192.168.1.5',
    '[fe80::1]',
    'localhost, evil.example',
    'localhost evil.example',
    'localhost\tevil',
    'lоcalhost'.normalize(),
    '',
  ])('cannot rebind its name %j to us', async (host) => {
    expect(await asked((port) => ({ ...post(), host: `${host}:${port}` }))).toBe('forbidden_host')
    expect(await asked(() => ({ ...post(), host }))).toBe('forbidden_host')
  })

  test.each<[origin: (port: number) => string]>([
    [() => 'https://evil.example'],
    [() => 'null'],
    [() => ''],
    [(port) => `http://127.0.0.1.evil.example:${port}`],
    [(port) => `http://localhost.evil:${port}`],
    [(port) => `http://0.0.0.0:${port}`],
    [(port) => `https://127.0.0.1:${port}`],
    [(port) => `http://127.0.0.1:${port}.evil.example`],
    [(port) => `http://127.0.0.1:${port}@evil.example`],
    [(port) => `http://user@127.0.0.1:${port}`],
    [(port) => `http://127.0.0.1:${port}/`],
    [(port) => `http://127.0.0.1.:${port}`],
    [(port) => `http://localhost:${port}`],
    [(port) => `http://127.0.0.1:${port + 1}`],
    [() => 'http://127.0.0.1'],
    [(port) => `file://127.0.0.1:${port}`],
    [(port) => `chrome-extension://127.0.0.1:${port}`],
    [(port) => `http://127.0.0.1:${port}, https://evil.example`],
  ])('cannot call us with the Origin of %s', async (origin) => {
    expect(await asked((port) => post(`Origin: ${origin(port)}`))).toBe('forbidden_origin')
    expect(await asked((port) => get('/', `Origin: ${origin(port)}`))).toBe('forbidden_origin')
  })

  test.each(['cross-site', 'same-site', 'Cross-Site', 'none, cross-site', 'anything'])(
    'cannot hide its Origin, for its browser says %s',
    async (site) => {
      expect(await asked(() => post(`Sec-Fetch-Site: ${site}`))).toBe('forbidden_origin')
    },
  )

  test('is not ours, and ours may call, in whatever case', async () => {
    const same = 'Sec-Fetch-Site: same-origin'
    expect(await asked((port) => post(`Origin: http://127.0.0.1:${port}`, same))).toBe('taken')
    expect(await asked((port) => post(`Origin: HTTP://127.0.0.1:${port}`))).toBe('taken')
    const named = (port: number): RawRequest => ({
      ...post(`Origin: http://localhost:${port}`, same),
      host: `LocalHost:${port}`,
    })
    expect(await asked(named)).toBe('taken')
    expect(await asked(() => get('/', 'Sec-Fetch-Site: none'))).toBe('taken')
  })

  test('is told no although its body never comes', async () => {
    await using server = await startBare()
    const { status } = await rawCall(server.url, {
      target: '/',
      headers: [json, 'Content-Length: 100000', 'Origin: https://evil.example', 'Expect: 100-continue'],
    })
    expect([status, server.seen]).toEqual([403, []])
  })

  const named = { hosts: () => ['gw.example.com', 'Other.Example.com:8443'] }
  const elsewhere = { ...named, anyAddress: true }
  test.each<[host: string, options: Partial<ServerOptions>, outcome: string, origin?: string]>([
    ['gw.example.com', named, 'taken'],
    ['GW.Example.com:9090', named, 'taken'],
    ['gw.example.com', named, 'taken', 'https://gw.example.com'],
    ['gw.example.com', named, 'taken', 'http://gw.example.com'],
    ['gw.example.com:444', named, 'taken', 'https://gw.example.com:444'],
    ['gw.example.com', named, 'forbidden_origin', 'https://gw.example.com:444'],
    ['gw.example.com', named, 'forbidden_origin', 'https://gw.example.com.evil'],
    ['gw.example.com', named, 'forbidden_origin', 'https://evil.gw.example.com'],
    ['other.example.com:8443', named, 'taken'],
    ['other.example.com', named, 'forbidden_host'],
    ['other.example.com:1', named, 'forbidden_host'],
    ['gw.example.com.', named, 'forbidden_host'],
    ['gw.example.com:9090:1', named, 'forbidden_host'],
    ['a.gw.example.com', named, 'forbidden_host'],
    ['gw.example.com.evil', named, 'forbidden_host'],
    ['192.168.1.5', named, 'forbidden_host'],
    ['192.168.1.5:9090', elsewhere, 'taken'],
    ['[2001:db8::5]:9090', elsewhere, 'taken'],
    ['192.168.1.5:9090', elsewhere, 'taken', 'http://192.168.1.5:9090'],
    ['192.168.1.5:9090', elsewhere, 'forbidden_origin', 'https://192.168.1.5:9090'],
    ['192.168.1.5:9090', elsewhere, 'forbidden_origin', 'http://192.168.1.5:3000'],
    ['0.0.0.0:9090', elsewhere, 'forbidden_host'],
    ['[::]:9090', elsewhere, 'forbidden_host'],
    ['192.168.1.5.nip.io', elsewhere, 'forbidden_host'],
    ['192.168.1', elsewhere, 'forbidden_host'],
    ['evil.example', elsewhere, 'forbidden_host'],
  ])('and a server that may be called by more names: %s %o is %s for %s', async (host, options, outcome, origin) => {
    const headers = origin === undefined ? [] : [`Origin: ${origin}`]
    expect(await asked(() => ({ ...post(...headers), host }), options)).toBe(outcome)
  })

  test('is told no by a server on a local socket too, where whoever asks passed the first check', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'trunkline-door-'))
    const path = process.platform === 'win32' ? `\\\\.\\pipe\\${folder.replaceAll('\\', '-')}` : join(folder, 's')
    const server = httpServer({ ...(await optionsOf()), hosts: () => ['gw.example.com'] })
    await server.listenAt(path)
    const ask = (headers: Record<string, string>): Promise<[status: number | undefined, body: string]> =>
      new Promise((resolve, reject) => {
        request({ socketPath: path, path: '/', headers }, (response) => {
          void text(response).then((body) => resolve([response.statusCode, body]))
        })
          .once('error', reject)
          .end()
      })
    expect(await ask({ host: 'gw.example.com' })).toEqual([200, '"ours"'])
    expect((await ask({ host: 'evil.example' }))[0]).toBe(403)
    expect((await ask({ host: 'gw.example.com', origin: 'https://evil.example' }))[0]).toBe(403)
    await close(server)
    await rm(folder, { recursive: true })
  })
})

const optionsOf = async (): Promise<ServerOptions> => ({
  doors: [{ method: 'GET', path: '/', scope: 'public', handle: () => ({ status: 200, headers: {}, body: '"ours"' }) }],
  admit: () => ({}),
  encodeError: ({ code }) => code,
  limits: { headerBytes: 16_384, bodyBytes: 1024, connections: 10, headerMs: 10_000, requestMs: 10_000 },
  hosts: () => [],
  anyAddress: false,
  clock: () => Date.now() * 1_000,
  onFault: () => undefined,
})

async function close(server: HttpServer): Promise<void> {
  server.cut()
  await server.close()
}

describe('checklist 3: what a page can send without asking is no call', () => {
  test.each([
    'text/plain',
    'text/plain;charset=UTF-8',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/plain; application/json',
    'application/json-seq',
    'application/jsonx',
    ', application/json',
    '',
  ])('content-type %j', async (type) => {
    await using server = await startBare()
    for (const method of ['POST', 'PUT', 'PATCH']) {
      const target = method === 'POST' ? '/' : '/free/x'
      const { status } = await rawCall(server.url, { method, target, headers: [`Content-Type: ${type}`], body: '{}' })
      expect(status).toBe(415)
    }
    expect(server.seen).toEqual([])
  })

  test('none at all, and two of which one is right', async () => {
    await using server = await startBare()
    expect((await rawCall(server.url, { target: '/', body: '{}' })).status).toBe(415)
    const two = { target: '/', headers: ['Content-Type: text/plain', json], body: '{}' }
    expect((await rawCall(server.url, two)).status).toBe(400)
    expect((await rawCall(server.url, { ...two, headers: two.headers.toReversed() })).status).toBe(400)
    expect(server.seen).toEqual([])
  })
})

describe('checklist 4: no page of another origin is let in', () => {
  const preflight = (origin: string): string[] => [
    `Origin: ${origin}`,
    'Access-Control-Request-Method: POST',
    'Access-Control-Request-Headers: authorization, content-type',
    'Access-Control-Request-Private-Network: true',
  ]
  test.each<[what: string, origin: string | undefined, sent: RawRequest, statuses: readonly number[]]>([
    ['a preflight of another site', 'https://evil.example', { method: 'OPTIONS', target: '/' }, [403]],
    ['a preflight of our own', undefined, { method: 'OPTIONS', target: '/' }, [405]],
    ['a preflight where anything may stand', undefined, { method: 'OPTIONS', target: '/free/x' }, [405]],
    ['a preflight where nothing is', undefined, { method: 'OPTIONS', target: '/nothing' }, [404]],
    ['a preflight of the whole server', undefined, { method: 'OPTIONS', target: '*' }, [404]],
    ['a call of our own', undefined, post(), [200]],
    ['a call of another site', 'https://evil.example', post(), [403]],
  ])('%s', async (_what, origin, sent, statuses) => {
    await using server = await startBare()
    const from = origin ?? server.url
    const { status, headers, bytes } = await rawCall(server.url, {
      ...sent,
      headers: [...(sent.headers ?? []), ...preflight(from)],
    })
    expect(statuses).toContain(status)
    expect([...headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([])
    expect(bytes.slice(0, bytes.indexOf('\r\n\r\n'))).not.toContain(from)
  })
})

describe('checklist 6: there is an end to', () => {
  test('headers, bodies that say how long they are, and bodies that do not', async () => {
    await using server = await startBare({
      limits: { headerBytes: 4_096, bodyBytes: 1_024, connections: 100, headerMs: 10_000, requestMs: 10_000 },
    })
    const chunks = `${`200\r\n${' '.repeat(512)}\r\n`.repeat(3)}0\r\n\r\n`
    const sent: readonly [RawRequest, number][] = [
      [get('/', `X-A: ${'a'.repeat(5_000)}`), 431],
      [get(`/${'a'.repeat(5_000)}`), 431],
      [get('/', ...Array.from({ length: 250 }, (_, index) => `A${index}: b`)), 431],
      [{ ...post(), body: ' '.repeat(1_025) }, 413],
      [post('Content-Length: 1025', 'Expect: 100-continue'), 413],
      [{ ...post('Transfer-Encoding: chunked'), body: chunks }, 413],
    ]
    for (const [one, status] of sent) expect((await rawCall(server.url, one)).status).toBe(status)
    expect(server.seen).toEqual([])
  })

  test('the patience with heads and bodies that do not come', async () => {
    await using server = await startBare({
      limits: { headerBytes: 4_096, bodyBytes: 1_024, connections: 100, headerMs: 100, requestMs: 200 },
      patienceMs: 50,
    })
    expect(statusesIn(await talk(server, 'GET / HTTP/1.1\r\nHost: localhost\r\n'))).toEqual([408])
    const half = `POST / HTTP/1.1\r\nHost: localhost\r\n${json}\r\nContent-Length: 10\r\n\r\n12345`
    expect(statusesIn(await talk(server, half))).toEqual([408])
    expect(server.seen).toEqual([])
  })

  test('connections', async () => {
    await using server = await startBare({
      limits: { headerBytes: 4_096, bodyBytes: 1_024, connections: 2, headerMs: 10_000, requestMs: 10_000 },
    })
    const busy: Socket[] = []
    const begun = `POST / HTTP/1.1\r\nHost: localhost\r\n${json}\r\nContent-Length: 10\r\n\r\n12345`
    for (let count = 1; count <= 2; count++) {
      const socket = connect({ host: '127.0.0.1', port: server.port })
      busy.push(socket)
      await once(socket, 'connect')
      socket.write(begun)
      await expect.poll(() => server.asked.length).toBe(count)
    }
    const { status, headers } = await rawCall(server.url, get('/'))
    expect([status, headers.get('retry-after')]).toEqual([503, '1'])
    for (const socket of busy) socket.destroy()
  })
})
