import { once } from 'node:events'
import { request as ask, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Tap {
  readonly url: string
  /** What Trunkline said that it had to leave out, since the last call of this. */
  dropped(): readonly string[]
  close(): Promise<void>
}

/** Stands between a client and Trunkline and reads the headers that client libraries keep to themselves. */
export async function startTap(target: string): Promise<Tap> {
  let dropped: string[] = []
  const server = createServer((request, response) => {
    const { host: _, ...headers } = request.headers
    const upward = ask(`${target}${request.url}`, { method: request.method, headers }, (answer) => {
      const said = answer.headers['x-trunkline-dropped']
      if (said !== undefined) dropped.push(...String(said).split(/,\s*/))
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    upward.on('error', () => response.destroy())
    response.on('close', () => upward.destroy())
    request.pipe(upward)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    dropped() {
      const taken = dropped
      dropped = []
      return taken
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
