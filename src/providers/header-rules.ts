/** Headers that describe the connection or the body, and are ours to write. */
const ours: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
])

/** What is wrong with a header that somebody wants to be sent with every call; undefined when nothing is. No message has its value, which may be a secret. `keys` are the headers in which keys are sent. */
export function headerProblem(written: string, value: unknown, keys: readonly string[]): string | undefined {
  const name = written.toLowerCase()
  if (!/^[a-z0-9-]{1,100}$/.test(name))
    return `has ${JSON.stringify(written.slice(0, 100).toWellFormed())}, which is no header's name`
  if (keys.includes(name)) return `must not have ${name}: give the key as the credential's key`
  if (ours.has(name) || name.startsWith('x-trunkline-')) return `must not have ${name}, which Trunkline itself writes`
  if (typeof value !== 'string' || value.length > 8192 || !/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value)) {
    return `must have a text in plain ASCII as ${name}, without spaces around it and of at most 8192 characters`
  }
  return undefined
}
