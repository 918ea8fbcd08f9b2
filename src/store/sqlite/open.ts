import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Kysely, SqliteAdapter, type SqliteDatabase, SqliteDialect } from 'kysely'
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
  database.exec(
    `pragma page_size = ${pageBytes}; pragma journal_mode = wal; pragma synchronous = ${synchronous}; ${tuning(writerCacheKb)}`,
  )
  return database
}

export function openForReading(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { readOnly: true })
  database.exec(tuning(readerCacheKb))
  return database
}

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
