import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Kysely, type RawBuilder, type SqlBool, SqliteAdapter, type SqliteDatabase, SqliteDialect, sql } from 'kysely'
import { GatewayError } from '../../core/error.ts'
import { createPrivate } from '../files.ts'

export interface OpenOptions {
  /** FULL survives a power cut with every commit; NORMAL may lose the last ones, never the file. */
  readonly synchronous: 'FULL' | 'NORMAL'
}

/** Blocks of bodies are some 100 kB each: fewer, larger pages cost less than many small ones. */
const pageBytes = 8192

/** Opens a file for its one writer, made with rights for its owner alone if it was not there. */
export function openForWriting(path: string, { synchronous }: OpenOptions): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  // The log files beside it take over its rights.
  createPrivate(path)
  const database = new DatabaseSync(path)
  try {
    database.exec(
      `${tuning(writerCacheKb)} pragma page_size = ${pageBytes}; pragma journal_mode = wal; pragma synchronous = ${synchronous}`,
    )
  } catch (thrown) {
    database.close()
    throw thrown
  }
  return database
}

export function openForReading(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    database.exec(tuning(readerCacheKb))
  } catch (thrown) {
    database.close()
    throw thrown
  }
  database.function('in_time', (untilMs) => {
    if (Date.now() > Number(untilMs)) throw new GatewayError('overdue', tooSlow)
    return 1
  })
  return database
}

/** Less than whoever asks waits, so that the reason arrives. */
const queryMs = 8_000

const tooSlow = `This took longer than ${queryMs / 1000} seconds, so it was given up. Ask for less, such as only what is newer than a day.`

/**
 * The first condition of a query that may look at many rows: it holds until the query has had its time, and then ends it.
 * SQLite cannot be interrupted here, but what it calls for each row may throw.
 */
export const inTime = (): RawBuilder<SqlBool> => sql<SqlBool>`in_time(${Date.now() + queryMs})`

/** A writer appends to the same few pages; a reader looks all over the file. */
const writerCacheKb = 4_000
const readerCacheKb = 16_000

/** Node's own defaults have no patience. */
const tuning = (cacheKb: number): string =>
  `pragma busy_timeout = 5000; pragma cache_size = -${cacheKb}; pragma foreign_keys = on; pragma temp_store = memory;`

/** Kysely on `node:sqlite`, which differs from the driver that Kysely knows in how it takes parameters. */
export function kyselyOn<Db>(database: DatabaseSync): Kysely<Db> {
  const driver: SqliteDatabase = {
    close: () => database.close(),
    prepare(sql) {
      const statement = database.prepare(sql)
      type Values = Parameters<typeof statement.all>
      return {
        reader: statement.columns().length > 0,
        all: (values) => statement.all(...(values as Values)),
        run: (values) => statement.run(...(values as Values)),
        iterate: (values) => statement.iterate(...(values as Values)),
      }
    },
  }
  return new Kysely<Db>({ dialect: new NodeSqlite({ database: driver }) })
}

/** A migration is done as a whole or not at all, which SQLite can and Kysely leaves out: a start may end half-way. */
class WholeMigrations extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

class NodeSqlite extends SqliteDialect {
  override createAdapter(): SqliteAdapter {
    return new WholeMigrations()
  }
}
