import { once } from 'node:events'
import { connect } from 'node:net'
import { anybody, type Scope } from '../../src/core/access.ts'
import type { GatewayError } from '../../src/core/error.ts'
import { type Door, jsonReply } from '../../src/http/exchange.ts'
import { httpServer, type ServerOptions } from '../../src/http/server.ts'

/** A server with nothing behind its doors, that remembers in which order it was asked what. */
export interface BareServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** Each request that got through to a door, with its body. */
  readonly seen: readonly string[]
  /** The scopes for which somebody was let in, before anything was read. */
  readonly asked: readonly Scope[]
}

export async function startBare(options: Partial<ServerOptions> = {}): Promise<BareServer> {
  const seen: string[] = []
  const asked: Scope[] = []
  const faults: unknown[] = []
  const note =
    (name: string): Door['handle'] =>
    async (exchange) => {
      const body = exchange.method === 'POST' ? (await exchange.body()).toString('latin1') : ''
      seen.push(`${exchange.method} ${name}${body && ` ${body}`}`)
      return jsonReply(200, name)
    }
  const doors: readonly Door[] = [
    { method: 'GET', path: '/', scope: 'public', handle: note('/') },
    { method: 'POST', path: '/', scope: 'inference', handle: note('/') },
    { method: 'GET', path: '/secret', scope: 'operator', handle: note('/secret') },
    { method: 'GET', path: '/last', scope: 'public', handle: note('/last') },
    {
      method: '*',
      path: '/free/',
      prefix: true,
      mayBeEmpty: true,
      scope: 'admin',
      handle: (exchange) => note(exchange.path)(exchange),
    },
  ]
  const server = httpServer({
    doors,
    admit: (_request, scope) => {
      asked.push(scope)
      return anybody
    },
    encodeError: ({ code, message }: GatewayError) => JSON.stringify({ code, message }),
    limits: { headerBytes: 16_384, bodyBytes: 1 << 20, connections: 100, headerMs: 10_000, requestMs: 10_000 },
    hosts: () => [],
    anyAddress: false,
    clock: () => Date.now() * 1_000,
    onFault: (error) => faults.push(error),
    ...options,
  })
  const { port } = await server.listen('127.0.0.1', 0)
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    seen,
    asked,
    async [Symbol.asyncDispose]() {
      server.cut()
      await server.close()
      if (faults.length > 0) throw new AggregateError(faults, 'The server was at fault.')
    },
  }
}

/** All that comes back on a connection for these bytes, up to its end. */
export async function talk({ port }: { readonly port: number }, bytes: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port })
  let said = ''
  socket.on('data', (chunk: Buffer) => (said += chunk.toString('latin1')))
  // A server that closes while we still send is no failure: what it said before counts.
  socket.on('error', () => undefined)
  const closed = once(socket, 'close')
  socket.write(Buffer.from(bytes, 'latin1'))
  await closed
  return said
}

/** The statuses in what came back, in order. */
export const statusesIn = (said: string): number[] =>
  [...said.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
