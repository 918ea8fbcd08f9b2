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

/** Has a server listen, and says where it does. What keeps it from that is said in words that name the port and its flag. */
export async function listenOn(
  server: { listen(host: string, port: number): Promise<AddressInfo> },
  { what, host, port, flag }: Place,
): Promise<string> {
  try {
    const { address, port: given, family } = await server.listen(host, port)
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
