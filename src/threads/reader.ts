import { statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import type { Kysely } from 'kysely'
import type { Config } from '../core/config.ts'
import { GatewayError } from '../core/error.ts'
import { type Link, link } from '../core/link.ts'
import { dataFiles } from '../store/files.ts'
import { isQueryName, queries } from '../store/queries.ts'
import type { TracesDb } from '../store/schema.ts'
import { kyselyOn, openForReading } from '../store/sqlite/open.ts'
import { inWords, troubleOf } from '../store/sqlite/trouble.ts'
import { type StartPart, startInThread } from './part.ts'

/** The reader's thread: answers questions about what is stored, so that a slow one holds up nobody but who asked. */
export const startReader: StartPart = (port) => {
  const links: Link[] = []
  let config: Config | undefined
  let opened: { file: number; database: DatabaseSync; db: Kysely<TracesDb> } | undefined

  /** Opened for the first question, when the writer has made the file, and again when it has begun another. */
  const open = (path: string): Kysely<TracesDb> => {
    const { ino: file } = statSync(path)
    if (opened?.file !== file) {
      opened?.database.close()
      opened = undefined
      const database = openForReading(path)
      opened = { file, database, db: kyselyOn<TracesDb>(database) }
    }
    return opened.db
  }

  const query = async ({ name, detail }: { name: string; detail: never }): Promise<unknown> => {
    if (!isQueryName(name)) throw new GatewayError('not_found', `There is no query ${name}.`)
    if (!config) throw new GatewayError('starting', 'The reader has not started yet.')
    const { traces: path } = dataFiles(config.dataDir)
    try {
      return await queries[name](open(path), detail)
    } catch (thrown) {
      throw troubleOf(thrown) === 'other' ? thrown : new Error(inWords(path, 'read', thrown), { cause: thrown })
    }
  }

  const supervisor = link(port, {
    snapshot(snapshot) {
      if (snapshot.part !== 'config') return
      config = snapshot.value
      supervisor.post({ kind: 'snapshot', part: 'condition', version: 0, value: { phase: 'ready', problems: [] } })
    },
    command(command) {
      switch (command.command) {
        case 'stop':
          opened?.database.close()
          supervisor.post({
            kind: 'snapshot',
            part: 'condition',
            version: 1,
            value: { phase: 'stopped', problems: [] },
          })
          for (const one of links) one.close()
          supervisor.close()
          return
        case 'connect':
          links.push(link(command.port, { answers: { query } }))
      }
    },
  })
}

startInThread('reader', startReader)
