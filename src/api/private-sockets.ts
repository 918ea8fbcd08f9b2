import { createHash } from 'node:crypto'
import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Longer names do not fit into a socket's address on every system. */
const longestPath = 100

/** Unix sockets (named pipes on Windows) that only this user can open. */
export interface PrivateSockets {
  /** Where commands on this machine ask the running server. Whoever reaches it may do everything. */
  readonly commands: string
  /** Where the gateway hands on what came for the API. Whoever reaches it has to show a key like anybody else. */
  readonly api: string
}

export const privateSockets = (dataDir: string): PrivateSockets => {
  const path = pathsIn(dataDir)
  return { commands: path('control'), api: path('api') }
}

/** Makes room for them: what an ended process left behind goes, since a living one would hold the folder's lock. */
export function preparePrivateSockets({ commands, api }: PrivateSockets): void {
  if (process.platform === 'win32') return
  mkdirSync(dirname(commands), { recursive: true, mode: 0o700 })
  checkOwn(dirname(commands))
  for (const path of [commands, api]) rmSync(path, { force: true })
}

/** Once it is listened to. */
export function closeToOthers(path: string): void {
  if (process.platform !== 'win32') chmodSync(path, 0o600)
}

/** In a folder that everybody may write to, somebody else may have been first. */
function checkOwn(folder: string): void {
  const { uid, mode } = lstatSync(folder)
  if (uid === process.getuid?.() && (mode & 0o077) === 0) return
  throw new Error(`The folder ${folder} must belong to this user alone (mode 0700).`)
}

function pathsIn(dataDir: string): (name: string) => string {
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 16)
  if (process.platform === 'win32') return (name) => `\\\\.\\pipe\\trunkline-${hash}-${name}`
  // In a folder of its own: the data folder may be one that others can look into.
  const beside = join(dataDir, 'run')
  const folder =
    Buffer.byteLength(join(beside, 'control.sock')) <= longestPath
      ? beside
      : join(tmpdir(), `trunkline-${process.getuid?.() ?? 0}-${hash}`)
  return (name) => join(folder, `${name}.sock`)
}
