import { statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import type { Kysely } from 'kysely'
import { version } from '../core/version.ts'
import { databases } from '../store/databases.ts'
import { dataFiles } from '../store/files.ts'
import { seeInterrupted } from '../store/interrupted.ts'
import { isLocked, readServerFile } from '../store/lock.ts'
import { formOf, NewerFile } from '../store/migrations/form.ts'
import { type QueryAnswer, type QueryDetail, type QueryName, queries } from '../store/queries.ts'
import type { TracesDb } from '../store/schema.ts'
import { kyselyOn, openForReading } from '../store/sqlite/open.ts'
import { CliError } from './command.ts'
import { askSocket } from './socket.ts'
import { plain, plainLine } from './text.ts'

/** Longer than the server itself allows a question, so that its own words arrive. */
const serverPatienceMs = 15_000

/**
 * Asks for stored traces: the running server, which knows what is not yet on disk, or else the data folder itself.
 * A server that has died, or does not answer, is no reason not to see what it stored.
 */
export async function ask<Q extends QueryName>(
  dataDir: string,
  name: Q,
  detail: QueryDetail<Q>,
  patienceMs = serverPatienceMs,
): Promise<QueryAnswer<Q>> {
  const socket: unknown = readServerFile(dataDir)?.socket
  if (typeof socket === 'string') {
    const reply = await askServer(socket, { name, detail }, patienceMs).catch(() => undefined)
    if (reply?.failure !== undefined) throw new CliError(`The running server cannot answer: ${plain(reply.failure)}`)
    if (reply) return reply.answer as QueryAnswer<Q>
  }
  return askFolder(dataDir, name, detail)
}

interface Reply {
  readonly answer?: unknown
  readonly failure?: string
}

async function askServer(socketPath: string, body: object, patienceMs: number): Promise<Reply> {
  const { text } = await askSocket(socketPath, { method: 'POST', path: '/query', body }, patienceMs)
  return JSON.parse(text) as Reply
}

async function askFolder<Q extends QueryName>(
  dataDir: string,
  name: Q,
  detail: QueryDetail<Q>,
): Promise<QueryAnswer<Q>> {
  const { traces: path } = dataFiles(dataDir)
  let database: DatabaseSync | undefined
  try {
    if (!statSync(path, { throwIfNoEntry: false })) throw noTraces(dataDir)
    database = openForReading(path)
    await checkForm(database, path, dataDir)
    if (!isLocked(dataDir)) seeInterrupted(database)
    return await (queries[name] as Query<Q>)(kyselyOn<TracesDb>(database), detail)
  } catch (thrown) {
    throw thrown instanceof CliError ? thrown : unreadable(path, thrown as SqliteError)
  } finally {
    database?.close()
  }
}

/** Which row of the table it is, the types of the arguments have settled. */
type Query<Q extends QueryName> = (db: Kysely<TracesDb>, detail: QueryDetail<Q>) => Promise<QueryAnswer<Q>>

/** Only the server changes the form of a file; a command reads the form that it knows. */
async function checkForm(database: DatabaseSync, path: string, dataDir: string): Promise<void> {
  const form = await formOf(kyselyOn(database), databases.traces)
  // A server that ended before it had made its tables leaves an empty file.
  if (form.done.length === 0) throw noTraces(dataDir)
  if (form.unknown.length > 0) throw new CliError(plain(new NewerFile(path, form).message))
  if (form.pending.length > 0) {
    throw new CliError(
      `${plain(path)} was written by an older Trunkline than this ${version}. Start \`trunkline serve\` once: it brings the file up to date.`,
    )
  }
}

const noTraces = (dataDir: string): CliError =>
  new CliError(
    `There are no traces in ${plain(dataDir)} yet. Start \`trunkline serve\` and make a call, or name another folder with --data-dir.`,
  )

interface SqliteError extends Error {
  /** SQLite's own number, whose lower byte is the kind of error. */
  readonly errcode?: number
}

const cannotOpen = 'cannot be opened. Its folder must be writable, for the files beside it.'

const sqliteErrors: Readonly<Record<number, string>> = {
  5: 'is locked by another program. Try again when that has ended.',
  8: cannotOpen,
  11: 'is damaged. Move it away to start with an empty one; your other files are not touched.',
  14: cannotOpen,
  26: 'is not a database. Move it away to start with an empty one, or name another folder with --data-dir.',
}

function unreadable(path: string, error: SqliteError): Error {
  if (error.errcode === undefined)
    return 'code' in error && error.code === 'EACCES' ? new CliError(error.message) : error
  const reason = sqliteErrors[error.errcode & 0xff] ?? 'cannot be read.'
  return new CliError(`${plain(path)} ${reason} (SQLite: ${plainLine(error.message)})`, { cause: error })
}
