/** Headers that are about one connection, and that nobody hands on: RFC 9110, section 7.6.1, and what is old custom. */
export const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
] as const

const aboutItself: ReadonlySet<unknown> = new Set([undefined, 'keep-alive', 'close'])

/** The headers that `Connection` says are for one connection only. */
export const namedIn = (connection: string | readonly string[] | undefined): readonly string[] =>
  aboutItself.has(connection)
    ? []
    : String(connection)
        .toLowerCase()
        .split(',')
        .map((name) => name.trim())
