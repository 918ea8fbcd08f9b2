import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a provider that a test makes up says to every request. */
export interface MadeAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Buffer
}

export interface Answering extends AsyncDisposable {
  readonly url: string
  readonly asked: readonly IncomingMessage[]
}

/** A provider for answers that nobody has recorded. */
export async function startAnswering(
  answer: MadeAnswer | ((request: IncomingMessage, response: ServerResponse) => void),
): Promise<Answering> {
  const asked: IncomingMessage[] = []
  const server = createServer((request, response) => {
    asked.push(request)
    request.resume()
    if (typeof answer === 'function') return answer(request, response)
    const { status = 200, headers = { 'content-type': 'application/json' }, body = '' } = answer
    response.writeHead(status, headers as Record<string, string | string[]>)
    response.end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
