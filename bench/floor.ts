/**
 * The least that a gateway on Node can do, as a process of its own: `node bench/floor.ts --upstream <origin>`. It parses
 * the request once and passes bytes both ways: no auth, no routes, no traces. What Trunkline costs is a multiple of it.
 */
import { createServer, type ServerResponse } from 'node:http'
import { parseArgs } from 'node:util'
import { type Dispatcher, Pool } from 'undici'
import { announce } from './children.ts'

const { values } = parseArgs({ options: { upstream: { type: 'string', default: '' } } })
const pool = new Pool(values.upstream)

const server = createServer((request, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    const body = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
    const { model } = JSON.parse(body.toString()) as { model?: unknown }
    if (typeof model !== 'string') return response.writeHead(400).end()
    const headers = { 'content-type': 'application/json', authorization: 'Bearer bench' }
    pool.dispatch({ method: 'POST', path: request.url ?? '/', headers, body }, back(response))
  })
})

server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => announce(server))

/** The answer goes out as it comes in, and no faster than the client reads it. */
function back(response: ServerResponse): Dispatcher.DispatchHandler {
  return {
    onRequestStart(controller) {
      response.on('close', () => {
        if (!response.writableFinished) controller.abort(new Error('The client left.'))
      })
      response.on('drain', () => controller.resume())
    },
    onResponseStart(_controller, status, { connection: _, 'keep-alive': __, 'transfer-encoding': ___, ...headers }) {
      response.writeHead(status, headers as Record<string, string>)
    },
    onResponseData(controller, chunk) {
      if (!response.write(chunk)) controller.pause()
    },
    onResponseEnd() {
      response.end()
    },
    onResponseError() {
      if (response.headersSent) response.destroy()
      else response.writeHead(502).end()
    },
  }
}
