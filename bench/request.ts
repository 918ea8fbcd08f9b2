/** Single requests of the driver, where nothing is measured but "does it answer". No answer is `undefined`. */
import { readFileSync } from 'node:fs'
import { type IncomingHttpHeaders, request } from 'node:http'
import { join } from 'node:path'

export interface Answered {
  readonly status: number
  readonly text: string
  /** By `performance.now()`: when the first byte of the body was there. */
  readonly firstByteMs: number
  readonly traceId?: string
}

export const get = (url: string) => ask(url, 'GET')

export const chat = (url: string) =>
  ask(
    `${url}/v1/chat/completions`,
    'POST',
    JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }] }),
  )

function ask(url: string, method: string, body = ''): Promise<Answered | undefined> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json', authorization: 'Bearer bench-client' }
    // Without an agent each request has a connection of its own, and none keeps a server from ending.
    const asked = request(url, { method, agent: false, ...(body && { headers }) }, (response) => {
      let text = ''
      let firstByteMs = 0
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        firstByteMs ||= performance.now()
        text += part
      })
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text, firstByteMs, ...traceIdIn(response.headers) }),
      )
      response.on('error', () => resolve(undefined))
    })
    asked.setTimeout(5_000, () => asked.destroy())
    asked.on('error', () => resolve(undefined))
    asked.end(body)
  })
}

const traceIdIn = ({ 'x-trace-id': id }: IncomingHttpHeaders): { readonly traceId?: string } =>
  typeof id === 'string' ? { traceId: id } : {}

/** A question to the server that has this data folder, by the private door, as its own commands ask. */
export function question(dataDir: string, name: string, detail: object): Promise<unknown> {
  const { socket } = JSON.parse(readFileSync(join(dataDir, 'server.json'), 'utf8')) as { socket: string }
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: socket, method: 'POST' }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
      })
      response.on('end', () => resolve((JSON.parse(text) as { answer?: unknown }).answer))
      response.on('error', reject)
    })
    asked.on('error', reject)
    asked.end(JSON.stringify({ name, detail }))
  })
}
