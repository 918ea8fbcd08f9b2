import { mkdtemp, rm } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { aKey, reply, startListener, startTestGateway } from '../support/gateway.ts'

interface Socket extends AsyncDisposable {
  readonly path: string
}

async function aSocket(): Promise<Socket> {
  const folder = await mkdtemp(join(tmpdir(), 'trunkline-forwarded-'))
  return {
    path: join(folder, 'api.sock'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

interface Answer {
  readonly status: number | undefined
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

/** With every header as it is written here, which `fetch` would not do. */
const ask = (url: string, method: string, headers: Record<string, string> = {}, body = ''): Promise<Answer> =>
  new Promise((resolve, reject) => {
    // Of some methods node announces no body by itself.
    const length = body === '' ? {} : { 'content-length': String(body.length) }
    const request = httpRequest(url, { method, headers: { ...headers, ...length } }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }))
    })
    request.on('error', reject)
    request.end(body)
  })

test('what is for control goes there as it came, and its answer comes back', async () => {
  await using socket = await aSocket()
  await using control = await startListener(
    (_heard, response) =>
      reply(response, 201, '{"made":true}', { etag: '"3"', location: '/api/projects/x', 'keep-alive': 'timeout=9' }),
    socket.path,
  )
  await using one = await startTestGateway({ apiSocket: socket.path })
  const headers = {
    'content-type': 'application/json',
    authorization: 'Bearer whatever',
    'if-match': '"2"',
    te: 'trailers',
    'proxy-authorization': 'Basic x',
    connection: 'keep-alive, x-hop',
    'x-hop': 'only for the next one',
  }
  const answer = await ask(`${one.url}/api/projects?limit=2&after=%2F`, 'POST', headers, '{"name":"x"}')
  expect(answer).toMatchObject({
    status: 201,
    text: '{"made":true}',
    headers: { etag: '"3"', location: '/api/projects/x' },
  })
  const [heard] = control.heard
  expect(heard).toMatchObject({
    method: 'POST',
    path: '/api/projects?limit=2&after=%2F',
    body: '{"name":"x"}',
    headers: { authorization: 'Bearer whatever', 'if-match': '"2"', host: new URL(one.url).host },
  })
  for (const name of ['te', 'proxy-authorization', 'x-hop']) expect(heard?.headers).not.toHaveProperty(name)
})

test('every method that control knows comes through, and no other', async () => {
  await using socket = await aSocket()
  await using control = await startListener((_heard, response) => reply(response, 200, '{"a":1}'), socket.path)
  await using one = await startTestGateway({ apiSocket: socket.path })
  const json = { 'content-type': 'application/json' }
  for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'POST']) {
    expect((await ask(`${one.url}/api/x`, method, json, method === 'GET' ? '' : '{}')).status).toBe(200)
  }
  const head = await ask(`${one.url}/api/x`, 'HEAD')
  expect([head.status, head.text]).toEqual([200, ''])
  expect(control.heard.map(({ method }) => method)).toEqual(['GET', 'PUT', 'PATCH', 'DELETE', 'POST', 'GET'])
  const options = await ask(`${one.url}/api/x`, 'OPTIONS', { 'access-control-request-method': 'POST' })
  expect(options.status).toBe(405)
  expect(Object.keys(options.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
  expect(control.heard).toHaveLength(6)
})

test('control decides who may, so its refusal comes back unchanged', async () => {
  await using socket = await aSocket()
  const refusal = '{"error":{"code":"client_key_missing","message":"A key is needed."}}'
  await using _control = await startListener((_heard, response) => reply(response, 401, refusal), socket.path)
  await using one = await startTestGateway({ apiSocket: socket.path, keys: [aKey().key] })
  expect(await ask(`${one.url}/api/projects`, 'GET')).toMatchObject({ status: 401, text: refusal })
})

test('a page of somebody else, or a name that is not ours, does not come as far as control', async () => {
  await using socket = await aSocket()
  await using control = await startListener((_heard, response) => reply(response, 200, '{}'), socket.path)
  await using one = await startTestGateway({ apiSocket: socket.path })
  expect((await ask(`${one.url}/api/x`, 'GET', { host: 'evil.example' })).status).toBe(403)
  expect((await ask(`${one.url}/api/x`, 'GET', { origin: 'https://evil.example' })).status).toBe(403)
  expect((await ask(`${one.url}/api/x`, 'POST', { 'content-type': 'text/plain' }, '{}')).status).toBe(415)
  expect(control.heard).toEqual([])
})

test('while control is away its callers are told to come again', async () => {
  await using socket = await aSocket()
  await using one = await startTestGateway({ apiSocket: socket.path })
  const answer = await ask(`${one.url}/api/projects`, 'GET')
  expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '1' } })
  expect((await one.chat()).status).toBe(200)
})

test('control that goes in the middle of an answer leaves nobody with half of one', async () => {
  await using socket = await aSocket()
  await using _control = await startListener((_heard, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
    response.write('{"a":')
    setImmediate(() => response.destroy())
  }, socket.path)
  await using one = await startTestGateway({ apiSocket: socket.path })
  await expect(ask(`${one.url}/api/x`, 'GET')).rejects.toThrow()
  expect((await one.chat()).status).toBe(200)
})
