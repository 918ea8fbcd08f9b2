import { closeSync, openSync, writeSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

/** Overwrites the page in which a table begins, so that whoever has the file open notices. */
export function damagePage(path: string, table: string): void {
  using database = new DatabaseSync(path)
  database.exec('pragma wal_checkpoint(truncate)')
  const [root] = database.prepare('select rootpage as page from sqlite_schema where name = ?').all(table)
  const [size] = database.prepare('pragma page_size').all()
  const bytes = Number(size?.page_size)
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.alloc(bytes, 0xab), 0, bytes, (Number(root?.page) - 1) * bytes)
  closeSync(file)
  // A change by somebody else has others look again at what they remember.
  database.exec(`pragma user_version = ${Date.now() % 1_000_000}`)
}
