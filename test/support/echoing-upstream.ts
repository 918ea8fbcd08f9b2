import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A provider that says back all that it was sent, its keys too, in every way in which it can fail. */
export interface Echoing extends AsyncDisposable {
  readonly url: string
  /** The requests that came, each as it is said back. */
  readonly heard: readonly string[]
}

type Say = (said: string, response: ServerResponse) => unknown

const json = { 'content-type': 'application/json' }
const stream = { 'content-type': 'text/event-stream' }

/** An error in which every dialect finds what it looks for. */
const errorOf = (said: string): string =>
  JSON.stringify({
    type: 'error',
    error: { type: 'invalid_request_error', code: 'bad', status: 'BAD', message: said },
    message: said,
    detail: [said],
  })

/** What a stream of any dialect may begin with. */
const beginnings = [
  { choices: [{ index: 0, delta: { role: 'assistant', content: 'Well' } }] },
  { candidates: [{ content: { role: 'model', parts: [{ text: 'Well' }] } }] },
  { type: 'response.output_text.delta', item_id: 'm', output_index: 0, content_index: 0, delta: 'Well' },
  {
    type: 'message_start',
    message: { id: 'm', type: 'message', role: 'assistant', content: [], model: 'm', usage: {} },
  },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Well' } },
]
  .map((data) => `${'type' in data ? `event: ${data.type}\n` : ''}data: ${JSON.stringify(data)}\n\n`)
  .join('')

const refusing =
  (status: number): Say =>
  (said, response) =>
    response
      .writeHead(status, { ...json, 'x-request-id': said.slice(0, 4_000), 'www-authenticate': said.slice(0, 4_000) })
      .end(errorOf(said))

/** Writes in two pieces, which come as two. */
async function inPieces(response: ServerResponse, first: string, second: string): Promise<void> {
  await new Promise((resolve) => response.write(first, resolve))
  await new Promise((resolve) => setImmediate(resolve))
  response.write(second)
}

/** The ways to answer, by what stands in the name of the model behind `way-`. */
export const ways: Readonly<Record<string, Say>> = {
  400: refusing(400),
  401: refusing(401),
  403: refusing(403),
  404: refusing(404),
  429: refusing(429),
  500: refusing(500),
  529: refusing(529),
  'slashes-escaped': (said, response) => response.writeHead(401, json).end(errorOf(said).replaceAll('/', '\\/')),
  'in-an-address': (said, response) => response.writeHead(401, json).end(errorOf(encodeURIComponent(said))),
  html: (said, response) =>
    response.writeHead(502, { 'content-type': 'text/html' }).end(`<html><body>${said}</body></html>`),
  text: (said, response) => response.writeHead(401, { 'content-type': 'text/plain' }).end(said),
  'broken-json': (said, response) => response.writeHead(400, json).end(errorOf(said).slice(0, -40)),
  'cut-off': (said, response) => {
    response.writeHead(400, { ...json, 'content-length': '100000' }).write(errorOf(said))
    setImmediate(() => response.destroy())
  },
  'good-status': (said, response) => response.writeHead(200, json).end(errorOf(said)),
  'good-status-in-pieces': async (said, response) => {
    response.writeHead(200, json)
    await inPieces(response, ...halvesOf(errorOf(said)))
    response.end()
  },
  'good-status-broken': (said, response) => response.writeHead(200, json).end(errorOf(said).slice(0, -40)),
  'event-first': (said, response) => response.writeHead(200, stream).end(`event: error\ndata: ${errorOf(said)}\n\n`),
  'event-later': async (said, response) => {
    response.writeHead(200, stream)
    await inPieces(response, beginnings, `event: error\ndata: ${errorOf(said)}\n\n`)
    response.end()
  },
  'event-in-pieces': async (said, response) => {
    response.writeHead(200, stream)
    const [first, second] = halvesOf(`event: error\ndata: ${errorOf(said)}\n\n`)
    await inPieces(response, beginnings + first, second)
    response.end()
  },
  'half-an-event': async (said, response) => {
    response.writeHead(200, stream)
    await inPieces(response, beginnings, `event: error\ndata: ${errorOf(said).slice(0, -40)}`)
    setImmediate(() => response.destroy())
  },
  'no-stream': (said, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(`<p>${said}</p>`),
  nothing: (_said, response) => response.destroy(),
}

/** Two parts of a text, with the border within the key that stands in it. */
function halvesOf(text: string): readonly [string, string] {
  const middle = text.indexOf('canary') + 3
  return [text.slice(0, middle), text.slice(middle)]
}

export async function startEchoing(): Promise<Echoing> {
  const heard: string[] = []
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = Buffer.concat(await request.toArray()).toString()
    const said = `${request.rawHeaders.join(' ')} ${request.url} ${body.slice(0, 4_000)}`
    heard.push(said)
    const way = /way-([\w-]+)/.exec(`${request.url} ${body}`)?.[1] ?? '401'
    await (ways[way] ?? refusing(401))(said, response)
  }
  const server = createServer((request, response) => void handle(request, response))
  // Whoever asks it to dig a tunnel to somebody else gets none.
  server.on('connect', (_request, socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
