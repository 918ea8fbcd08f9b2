/** Single requests of the driver, where nothing is measured but "does it answer". No answer is `undefined`. */
import { request } from 'node:http'

export interface Answered {
  readonly status: number
  readonly text: string
  /** By `performance.now()`: when the first byte of the body was there. */
  readonly firstByteMs: number
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
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text, firstByteMs }))
      response.on('error', () => resolve(undefined))
    })
    asked.setTimeout(5_000, () => asked.destroy())
    asked.on('error', () => resolve(undefined))
    asked.end(body)
  })
}
