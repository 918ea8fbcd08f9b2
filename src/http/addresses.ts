import { BlockList, isIP } from 'node:net'

/** What an address is: anybody's, one of a private network, one of this machine, or one to which nothing is ever sent. */
export type AddressClass = 'public' | 'private' | 'loopback' | 'refused'

/** Ranges of IPv4 that are not the public internet, by IANA's registry of special addresses. */
const ranges4 = {
  loopback: ['127.0.0.0/8'],
  // 198.18.0.0/15 is for benchmarks, and what some proxies on one's own machine give for every name.
  private: ['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16', '198.18.0.0/15'],
  refused: [
    '0.0.0.0/8',
    // Clouds tell a machine its secrets at addresses that only it can reach: Alibaba's, Azure's, nearly everybody's (in
    // 169.254.0.0/16) and Oracle's (in 192.0.0.0/24).
    '100.100.100.200/32',
    '168.63.129.16/32',
    '169.254.0.0/16',
    '192.0.0.0/24',
    // For documents, relays that are gone, groups, and what is reserved.
    '192.0.2.0/24',
    '192.88.99.0/24',
    '198.51.100.0/24',
    '203.0.113.0/24',
    '224.0.0.0/4',
    '240.0.0.0/4',
  ],
} satisfies Partial<Record<AddressClass, readonly string[]>>

/** The same for IPv6. What stands in no row is refused: the public internet is the one that stands here. */
const ranges6 = {
  loopback: ['::1/128'],
  private: ['fc00::/7'],
  public: ['2000::/3', '::ffff:0.0.0.0/96', '64:ff9b::/96'],
  refused: [
    // Where Amazon, Google and Oracle tell a machine its secrets.
    'fd00:ec2::254/128',
    'fd20:ce::254/128',
    'fd00:c1::a9fe:a9fe/128',
    // Protocols (Teredo among them), documents, and 6to4, which hides an address of IPv4 of any kind.
    '2001::/23',
    '2001:db8::/32',
    '2002::/16',
    '3fff::/20',
    // A translator's addresses for IPv4 are for the public ones only.
    ...Object.values(ranges4)
      .flat()
      .map((range) => `64:ff9b::${range.replace(/\d+$/, (bits) => String(96 + Number(bits)))}`),
  ],
} satisfies Partial<Record<AddressClass, readonly string[]>>

/** Names under which clouds offer what is refused by address too. */
const metadataNames: ReadonlySet<string> = new Set(['metadata.google.internal', 'metadata.goog'])

function listOf(...ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [net = '', bits] = range.split('/')
    list.addSubnet(net, Number(bits), net.includes(':') ? 'ipv6' : 'ipv4')
  }
  return list
}

/** In the order in which they are asked. An address of IPv4 that is written as one of IPv6 is in the range of the former. */
const lists = [
  ['refused', listOf(...ranges4.refused, ...ranges6.refused)],
  ['loopback', listOf(...ranges4.loopback, ...ranges6.loopback)],
  ['private', listOf(...ranges4.private, ...ranges6.private)],
] as const

const publicOf6 = listOf(...ranges6.public)

/** Of an address as the system writes it. One with a zone is of this link only, and what is no address is refused. */
export function addressClass(address: string): AddressClass {
  const family = isIP(address)
  if (family === 0 || address.includes('%')) return 'refused'
  const type = family === 4 ? 'ipv4' : 'ipv6'
  for (const [name, list] of lists) if (list.check(address, type)) return name
  return family === 4 || publicOf6.check(address, type) ? 'public' : 'refused'
}

/** What the host of a URL is, with its brackets or without; undefined for a name, which is known when it is resolved. */
export function hostClass(host: string): AddressClass | undefined {
  const name = host
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase()
  if (metadataNames.has(name)) return 'refused'
  if (name === 'localhost' || name.endsWith('.localhost')) return 'loopback'
  return isIP(name) === 0 ? undefined : addressClass(name)
}

/** Whether only this machine reaches what listens there. */
export const isLoopback = (host: string): boolean =>
  host.toLowerCase() === 'localhost' || addressClass(host) === 'loopback'
