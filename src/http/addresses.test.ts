import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addressClass, hostClass, isLoopback } from './addresses.ts'

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

test.each(['127.0.0.1', '127.9.9.9', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', 'localhost', 'LOCALHOST'])(
  'only this machine reaches %s',
  (host) => {
    expect(isLoopback(host)).toBe(true)
  },
)

test.each([
  '0.0.0.0',
  '::',
  '192.168.0.1',
  '::ffff:10.0.0.1',
  'box.lan',
  '127.0.0.1.example.com',
  'localhost.evil',
  '',
])('others may reach %s', (host) => {
  expect(isLoopback(host)).toBe(false)
})
