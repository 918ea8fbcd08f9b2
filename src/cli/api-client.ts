import { statSync } from 'node:fs'
import { dataFiles } from '../store/files.ts'
import { isLocked, readServerFile } from '../store/lock.ts'
import { CliError } from './command.ts'
import { askSocket, type Question } from './socket.ts'
import { plain } from './text.ts'

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

export interface ApiAnswer {
  readonly status: number
  readonly body: unknown
}

/** Whoever answers for the API: the running server, or the program itself on the files of a folder. */
export interface ApiDoor {
  fetch(method: Method, path: string, body?: unknown): Promise<ApiAnswer>
  close(): Promise<void> | void
}

/** The API as commands use it: what it refuses is thrown in its own words. */
export interface ApiClient {
  get<T>(path: string): Promise<T>
  post<T>(path: string, body?: object): Promise<T>
  patch<T>(path: string, body: object): Promise<T>
  remove(path: string): Promise<void>
  /** Every page of a list. */
  all<T>(path: string): Promise<T[]>
}

export interface ApiOptions {
  /** Whether the command may make the data folder: who only looks makes nothing. */
  readonly makes: boolean
  readonly patienceMs?: number
}

/** A test of a credential asks its provider. */
const serverPatienceMs = 60_000

/**
 * Does some work by the API: the running server's, so that it hears of every change, or without one that of the program
 * itself, which has the folder to itself meanwhile.
 */
export async function withApi<T>(
  dataDir: string,
  { makes, patienceMs = serverPatienceMs }: ApiOptions,
  work: (api: ApiClient) => Promise<T>,
): Promise<T> {
  const door = serverDoor(dataDir, patienceMs) ?? (await folderDoor(dataDir, { makes, patienceMs }))
  try {
    return await work(clientOf(door))
  } finally {
    await door.close()
  }
}

/** A server holds the lock of its folder for as long as it lives; what it wrote about itself may outlive it. */
function serverDoor(dataDir: string, patienceMs: number): ApiDoor | undefined {
  if (!isLocked(dataDir)) return undefined
  const server = readServerFile(dataDir)
  const socket: unknown = server?.socket
  if (typeof socket !== 'string') {
    throw new CliError(
      `The data folder ${plain(dataDir)} is in use by another process, which takes no commands yet. Try again in a moment.`,
    )
  }
  return {
    fetch: (method, path, body) =>
      askServer(socket, { method, path, body }, patienceMs).catch((thrown: Error) => {
        throw new CliError(`The running server (process ${server?.pid}) does not answer: ${plain(thrown.message)}.`)
      }),
    close() {},
  }
}

async function askServer(socketPath: string, question: Question, patienceMs: number): Promise<ApiAnswer> {
  const { status, text } = await askSocket(socketPath, question, patienceMs)
  return { status, body: text === '' ? undefined : JSON.parse(text) }
}

async function folderDoor(dataDir: string, { makes, patienceMs }: Required<ApiOptions>): Promise<ApiDoor> {
  if (!makes && !statSync(dataFiles(dataDir).config, { throwIfNoEntry: false })) {
    throw new CliError(
      `There is nothing in ${plain(dataDir)} yet. Start \`trunkline serve\`, or name another folder with --data-dir.`,
    )
  }
  const { offlineApi } = await import('../app.ts')
  try {
    return await offlineApi(dataDir, process.env)
  } catch (thrown) {
    // Meanwhile a server may have started.
    const server = serverDoor(dataDir, patienceMs)
    if (server) return server
    throw new CliError(plain((thrown as Error).message), { cause: thrown })
  }
}

function clientOf(door: ApiDoor): ApiClient {
  const call = async <T>(method: Method, path: string, body?: object): Promise<T> => {
    const answer = await door.fetch(method, `/api${path}`, body)
    if (answer.status >= 400) throw new CliError(refusal(answer))
    return answer.body as T
  }
  return {
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, body),
    patch: (path, body) => call('PATCH', path, body),
    remove: (path) => call('DELETE', path),
    async all<T>(path: string) {
      const items: T[] = []
      const mark = path.includes('?') ? '&' : '?'
      for (let after = ''; ; ) {
        const page = await call<Page<T>>('GET', `${path}${mark}limit=${pageSize}${after}`)
        items.push(...page.data)
        if (page.next === undefined) return items
        after = `&after=${encodeURIComponent(page.next)}`
      }
    },
  }
}

const pageSize = 100

interface Page<T> {
  readonly data: readonly T[]
  readonly next?: string
}

/** The API's own sentence, with the details that it has beside. */
function refusal({ status, body }: ApiAnswer): string {
  const { error } = (body ?? {}) as { error?: { message?: unknown; details?: readonly { message?: unknown }[] } }
  if (typeof error?.message !== 'string') return `The server answered with ${status} and no reason.`
  const { message } = error
  const details = (error.details ?? []).flatMap((detail) =>
    typeof detail.message === 'string' ? [detail.message] : [],
  )
  const more = details.filter((detail) => !message.includes(detail))
  return plain(inCommands([message, ...more.map((detail) => `  ${detail}`)].join('\n')))
}

/** What the API says of its own addresses is a command for whoever reads it here. */
const commandFor: readonly (readonly [api: string, command: string])[] = [
  ['See GET /api/projects.', '`trunkline projects list` shows them.'],
  ['?force=true', '--force'],
]

const inCommands = (text: string): string =>
  commandFor.reduce((said, [api, command]) => said.replaceAll(api, command), text)
