import type { AddressInfo } from 'node:net'
import { ConfigError } from '../config/error.ts'

interface Place {
  /** Who wants to listen, for messages. */
  readonly what: string
  readonly host: string
  readonly port: number
  /** With which another port is chosen. */
  readonly flag: string
}

/** Who listens everywhere can be called here by a name that everybody understands, and `Host` may have. */
const here: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

/** Has a server listen, and says where it can be called. What keeps it from that is said in words that name the port and its flag. */
export async function listenOn(
  server: { listen(host: string, port: number): Promise<AddressInfo> },
  { what, host, port, flag }: Place,
): Promise<string> {
  try {
    const { address: bound, port: given, family } = await server.listen(host, port)
    const address = here[bound] ?? bound
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${given}`
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException
    if (code === 'EADDRINUSE') {
      throw new ConfigError(
        `Port ${port} on ${host} is in use. Stop the other program, or choose another port with ${flag}.`,
      )
    }
    if (code === 'EACCES')
      throw new ConfigError(`Port ${port} on ${host} is not allowed for this user. Choose another with ${flag}.`)
    throw new ConfigError(`The ${what} cannot listen on ${host}, port ${port}: ${message}.`)
  }
}
