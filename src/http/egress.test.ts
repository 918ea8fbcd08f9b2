import type { LookupAddress } from 'node:dns'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { GatewayError } from '../core/error.ts'
import { addressClass, egressConnector, hostClass, type Lookup } from './egress.ts'

test.each<[address: string, found: string]>([
  ['1.1.1.1', 'public'],
  ['8.8.8.8', 'public'],
  ['100.63.255.255', 'public'],
  ['100.128.0.1', 'public'],
  ['172.15.255.255', 'public'],
  ['172.32.0.1', 'public'],
  ['192.167.255.255', 'public'],
  ['223.255.255.255', 'public'],
  ['2606:4700:4700::1111', 'public'],
  ['2a00:1450:4001:81b::200e', 'public'],
  ['10.0.0.1', 'private'],
  ['10.255.255.255', 'private'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['192.168.0.1', 'private'],
  ['100.64.0.1', 'private'],
  ['100.127.255.255', 'private'],
  ['fc00::1', 'private'],
  ['fd12:3456:789a::1', 'private'],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['::1', 'loopback'],
  ['0:0:0:0:0:0:0:1', 'loopback'],
  // This machine's secrets.
  ['169.254.169.254', 'refused'],
  ['169.254.170.2', 'refused'],
  ['169.254.0.1', 'refused'],
  ['100.100.100.200', 'refused'],
  ['192.0.0.192', 'refused'],
  ['168.63.129.16', 'refused'],
  ['fd00:ec2::254', 'refused'],
  ['fd20:ce::254', 'refused'],
  ['fd00:c1::a9fe:a9fe', 'refused'],
  // Nobody's, everybody's, and nowhere.
  ['0.0.0.0', 'refused'],
  ['0.1.2.3', 'refused'],
  ['192.0.2.1', 'refused'],
  ['198.18.0.1', 'private'],
  ['198.51.100.1', 'refused'],
  ['203.0.113.1', 'refused'],
  ['192.88.99.1', 'refused'],
  ['224.0.0.1', 'refused'],
  ['239.255.255.255', 'refused'],
  ['240.0.0.1', 'refused'],
  ['255.255.255.255', 'refused'],
  ['::', 'refused'],
  ['fe80::1', 'refused'],
  ['fe80::1%eth0', 'refused'],
  ['febf::1', 'refused'],
  ['fec0::1', 'refused'],
  ['ff02::1', 'refused'],
  ['100::1', 'refused'],
  ['2001::1', 'refused'],
  ['2001:db8::1', 'refused'],
  ['3fff::1', 'refused'],
  ['5f00::1', 'refused'],
  // An address of IPv4 in one of IPv6 is what it is by itself, or refused.
  ['::ffff:8.8.8.8', 'public'],
  ['::ffff:808:808', 'public'],
  ['::ffff:10.0.0.1', 'private'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:7f00:1', 'loopback'],
  ['::FFFF:A9FE:A9FE', 'refused'],
  ['::ffff:0.0.0.0', 'refused'],
  ['64:ff9b::8.8.8.8', 'public'],
  ['64:ff9b::a9fe:a9fe', 'refused'],
  ['64:ff9b::10.0.0.1', 'refused'],
  ['64:ff9b::127.0.0.1', 'refused'],
  ['64:ff9b:1::808:808', 'refused'],
  ['::127.0.0.1', 'refused'],
  ['2002:7f00:1::', 'refused'],
  ['2002:a9fe:a9fe::', 'refused'],
  // No addresses at all.
  ['', 'refused'],
  ['localhost', 'refused'],
  ['2130706433', 'refused'],
  ['127.1', 'refused'],
])('checklist 14: %s is %s', (address, found) => {
  expect(addressClass(address)).toBe(found)
})

test('checklist 14: however an address of IPv4 is written in IPv6, nothing more is reached with it', () => {
  const byte = fc.nat(255)
  fc.assert(
    fc.property(fc.tuple(byte, byte, byte, byte), (bytes) => {
      const found = addressClass(bytes.join('.'))
      const hex = Buffer.from(bytes)
        .toString('hex')
        .replace(/^(.{4})/, '$1:')
      expect(addressClass(`::ffff:${hex}`)).toBe(found)
      expect(addressClass(`64:ff9b::${hex}`)).toBe(found === 'public' ? 'public' : 'refused')
      for (const hidden of [`2002:${hex}::1`, `::${hex}`, `2001:0:${hex}::1`, `64:ff9b:1::${hex}`])
        expect(addressClass(hidden)).toBe('refused')
    }),
    { numRuns: 2_000 },
  )
})

test.each<[url: string, found: string | undefined]>([
  ['http://2130706433/', 'loopback'],
  ['http://0x7f.1/', 'loopback'],
  ['http://0177.0.0.1/', 'loopback'],
  ['http://127.1/', 'loopback'],
  ['http://0xa9fea9fe/', 'refused'],
  ['http://0251.0376.0251.0376/', 'refused'],
  ['http://169.254.43518/', 'refused'],
  ['http://[::ffff:169.254.169.254]/', 'refused'],
  ['http://[0:0:0:0:0:ffff:7f00:1]/', 'loopback'],
  ['http://[::1]/', 'loopback'],
  ['http://0/', 'refused'],
  ['http://１２７.０.０.１/', 'loopback'],
  ['http://LOCALHOST/', 'loopback'],
  ['http://localhost./', 'loopback'],
  ['http://a.localhost/', 'loopback'],
  ['http://Metadata.Google.Internal/', 'refused'],
  ['http://metadata.google.internal./', 'refused'],
  ['http://api.openai.com/', undefined],
  ['http://127.0.0.1.nip.io/', undefined],
])('checklist 14: the host of %s is %s', (url, found) => {
  expect(hostClass(new URL(url).hostname)).toBe(found)
})

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
