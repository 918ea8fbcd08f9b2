import type { LookupAddress } from 'node:dns'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import type { GatewayError } from '../core/error.ts'
import { egressConnector, type Lookup } from './egress.ts'

/** A machine on the network: what came to it. */
async function listening(): Promise<{ port: number; came: Socket[] } & AsyncDisposable> {
  const came: Socket[] = []
  const server: Server = createServer((socket) => {
    came.push(socket.on('error', () => undefined))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    came,
    async [Symbol.asyncDispose]() {
      for (const socket of came) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const at = (...addresses: readonly string[]): LookupAddress[] =>
  addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))

/** Answers a name with one list after the other, and the last for good. */
function resolver(...answers: readonly LookupAddress[][]): { lookup: Lookup; readonly asked: string[] } {
  const asked: string[] = []
  const lookup: Lookup = (name, _options, found) => {
    const answer = answers[Math.min(asked.push(name), answers.length) - 1] ?? []
    setImmediate(found, null, answer)
  }
  return { lookup, asked }
}

interface To {
  readonly hostname: string
  readonly port: number
  readonly protocol?: string
  readonly mayBePrivate?: boolean
  readonly lookup?: Lookup
}

const connected = ({ hostname, port, protocol = 'http:', mayBePrivate = false, lookup }: To): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const connect = egressConnector({ mayBePrivate, timeoutMs: 5_000, ...(lookup && { lookup }) })
    connect({ hostname, host: hostname, protocol, port: String(port) }, (error, socket) =>
      socket ? resolve(socket) : reject(error),
    )
  })

const refusalOf = (to: To): Promise<GatewayError> =>
  connected(to).then(
    () => {
      throw new Error('It was connected.')
    },
    (error: GatewayError) => error,
  )

test('checklist 14: this machine is called with leave only', async () => {
  await using machine = await listening()
  const to = { hostname: '127.0.0.1', port: machine.port }
  const { code, message } = await refusalOf(to)
  expect(code).toBe('egress_refused')
  expect(message).toContain('127.0.0.1: it is an address of this machine.')
  expect(message).toContain('base_url')
  expect(machine.came).toHaveLength(0)
  const socket = await connected({ ...to, mayBePrivate: true })
  expect(socket.remotePort).toBe(machine.port)
  socket.destroy()
})

test.each(['169.254.169.254', 'metadata.google.internal', '0.0.0.0', 'fe80::1', '::ffff:169.254.169.254'])(
  'checklist 14: %s is not called even with leave, and is not asked for',
  async (hostname) => {
    const { lookup, asked } = resolver(at('127.0.0.1'))
    const { code, message } = await refusalOf({ hostname, port: 1, mayBePrivate: true, lookup })
    expect([code, asked]).toEqual(['egress_refused', []])
    expect(message).toContain('That is never called')
  },
)

test('checklist 14: a name for a private address is refused by what it resolves to, which it does not say', async () => {
  for (const [address, kind] of [
    ['10.1.2.3', 'a private network'],
    ['fd00::7', 'a private network'],
    ['127.0.0.1', 'this machine'],
    ['169.254.169.254', 'link-local'],
    ['::ffff:169.254.169.254', 'link-local'],
  ] as const) {
    const { code, message } = await refusalOf({ hostname: 'provider.test', port: 1, ...resolver(at(address)) })
    expect([code, message.includes('provider.test'), message.includes(kind)]).toEqual(['egress_refused', true, true])
    expect(message).not.toContain(address)
  }
})

test('checklist 14: of the addresses of a name only those that may be called are', async () => {
  await using machine = await listening()
  const { lookup } = resolver(at('169.254.169.254', 'fe80::1', '::ffff:169.254.169.254', '127.0.0.1', '0.0.0.0'))
  const socket = await connected({ hostname: 'provider.test', port: machine.port, mayBePrivate: true, lookup })
  expect(socket.remoteAddress).toBe('127.0.0.1')
  expect(socket.autoSelectFamilyAttemptedAddresses ?? []).toEqual([])
  socket.destroy()
  const none = resolver(at('127.0.0.1', '10.0.0.1', '169.254.169.254'))
  expect((await refusalOf({ hostname: 'provider.test', port: machine.port, ...none })).code).toBe('egress_refused')
})

test('checklist 14: when the first address does not answer, the next that may be called does', async () => {
  await using machine = await listening()
  const { lookup } = resolver(at('::1', '169.254.169.254', '127.0.0.1'))
  const socket = await connected({ hostname: 'provider.test', port: machine.port, mayBePrivate: true, lookup })
  expect(socket.remoteAddress).toBe('127.0.0.1')
  const tried = socket.autoSelectFamilyAttemptedAddresses
  expect(tried).toEqual([`::1:${machine.port}`, `127.0.0.1:${machine.port}`])
  socket.destroy()
})

test('checklist 14: a name that means another machine a moment later is asked for once, and connected to what was checked', async () => {
  await using machine = await listening()
  const { lookup, asked } = resolver(at('127.0.0.1'), at('169.254.169.254'))
  const to = { hostname: 'rebinding.test', port: machine.port, mayBePrivate: true, lookup }
  const socket = await connected(to)
  expect([socket.remoteAddress, asked]).toEqual(['127.0.0.1', ['rebinding.test']])
  socket.destroy()
  expect((await refusalOf(to)).code).toBe('egress_refused')
  expect(asked).toHaveLength(2)
})

test('checklist 14: a name that cannot be resolved is told as such', async () => {
  const lookup: Lookup = (_name, _options, found) =>
    setImmediate(found, Object.assign(new Error('getaddrinfo ENOTFOUND provider.test'), { code: 'ENOTFOUND' }), [])
  expect((await refusalOf({ hostname: 'provider.test', port: 1, lookup })).code).toBe('ENOTFOUND')
})

test('TLS asks for the name, and not for the address that was checked', async () => {
  await using machine = await listening()
  const failed = refusalOf({
    hostname: 'provider.test',
    port: machine.port,
    protocol: 'https:',
    mayBePrivate: true,
    lookup: resolver(at('127.0.0.1')).lookup,
  })
  await expect.poll(() => machine.came.length).toBe(1)
  const [hello] = (await once(machine.came[0] as Socket, 'data')) as [Buffer]
  expect(hello.toString('latin1')).toContain('provider.test')
  machine.came[0]?.destroy()
  await failed
})
