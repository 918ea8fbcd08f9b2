import { createHash } from 'node:crypto'
import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'

/** Longer names do not fit into a socket's address on every system. */
const longestPath = 100

/** Answers a question of a command on this machine. */
export type AnswerQuery = (name: string, detail: unknown) => Promise<unknown>

export interface PrivateDoor {
  readonly path: string
  close(): Promise<void>
}

/** A Unix socket (a named pipe on Windows) that only this user can open: through it commands ask the running server. */
export async function openPrivateDoor(dataDir: string, answer: AnswerQuery): Promise<PrivateDoor> {
  const path = socketPath(dataDir)
  if (process.platform !== 'win32') {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    checkOwn(dirname(path))
    // What an ended process left behind; a living one would hold the folder's lock.
    rmSync(path, { force: true })
  }
  const server = createServer(async (request, response) => {
    try {
      const { name, detail } = JSON.parse(await text(request)) as { name: string; detail: unknown }
      const body = JSON.stringify({ answer: await answer(name, detail) })
      response.writeHead(200, { 'content-type': 'application/json' }).end(body)
    } catch (thrown) {
      response
        .writeHead(500, { 'content-type': 'application/json' })
        .end(JSON.stringify({ failure: (thrown as Error).message }))
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  if (process.platform !== 'win32') chmodSync(path, 0o600)
  return {
    path,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** In a folder that everybody may write to, somebody else may have been first. */
function checkOwn(folder: string): void {
  const { uid, mode } = lstatSync(folder)
  if (uid === process.getuid?.() && (mode & 0o077) === 0) return
  throw new Error(`The folder ${folder} must belong to this user alone (mode 0700).`)
}

function socketPath(dataDir: string): string {
  const name = createHash('sha256').update(dataDir).digest('hex').slice(0, 16)
  if (process.platform === 'win32') return `\\\\.\\pipe\\trunkline-${name}`
  // In a folder of its own: the data folder may be one that others can look into.
  const beside = join(dataDir, 'run', 'control.sock')
  if (Buffer.byteLength(beside) <= longestPath) return beside
  return join(tmpdir(), `trunkline-${process.getuid?.() ?? 0}-${name}`, 'control.sock')
}
