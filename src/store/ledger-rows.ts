import type { StatementSync } from 'node:sqlite'
import type { SlabCounters } from '../core/records.ts'
import { ledgerMigrations } from './migrations/ledger.ts'
import { inserts, interruptedInLedger, prepared, type Row } from './sqlite/inserts.ts'
import { isRefusal } from './sqlite/trouble.ts'
import type { FileForm, WrittenFile } from './written-file.ts'

export interface LedgerStatements {
  readonly rows: StatementSync
  readonly interrupted: StatementSync
  readonly newestFirst: StatementSync
}

export const ledgerFile = (path: string): FileForm<LedgerStatements> => ({
  path,
  // What money is counted by survives a power cut.
  synchronous: 'FULL',
  migrations: ledgerMigrations,
  aside: 'What calls used before is only in there. Move it to where it is safe.',
  prepare: (database) => ({
    rows: prepared(database, inserts.ledger),
    interrupted: prepared(database, interruptedInLedger),
    newestFirst: database.prepare(
      `select project_id, trace_id, span_id, started_us, started_us + duration_us as ended_us
      from ledger order by id desc`,
    ),
  }),
})

/** How much may wait for a file that cannot be written: some 100,000 rows. */
const mostBytes = 1 << 26
/** What a row is in memory besides its texts. */
const rowBytes = 500

/** Rows of the ledger on their way to the disk. They wait for as long as it takes; past the bound those that come are lost. */
export class LedgerRows {
  private rows: Row[] = []
  private bytes = 0
  private readonly file: WrittenFile<LedgerStatements>
  private readonly counters: SlabCounters

  constructor(file: WrittenFile<LedgerStatements>, counters: SlabCounters) {
    this.file = file
    this.counters = counters
  }

  get waiting(): number {
    return this.rows.length
  }

  add(row: Row): void {
    const bytes = bytesOf(row)
    if (this.bytes + bytes > mostBytes) {
      this.counters.addLost('ledgerRows', 1)
      return
    }
    this.rows.push(row)
    this.bytes += bytes
  }

  store(): void {
    if (this.rows.length === 0) return
    let refused = 0
    const isStored = this.file.store(({ rows }) => {
      refused = insertAll(rows, this.rows)
    })
    if (!isStored) return
    this.counters.addLost('ledgerRows', refused)
    this.clear()
  }

  /** What still waits will never be stored. */
  giveUp(): void {
    this.counters.addLost('ledgerRows', this.rows.length)
    this.clear()
  }

  private clear(): void {
    this.rows = []
    this.bytes = 0
  }
}

/** A row that the database refuses is left out and counted, so that it does not hold up all others for ever. */
function insertAll(statement: StatementSync, rows: readonly Row[]): number {
  let refused = 0
  for (const row of rows) {
    try {
      statement.run(...row)
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown
      refused++
    }
  }
  return refused
}

function bytesOf(row: Row): number {
  let bytes = rowBytes
  for (const value of row) if (typeof value === 'string') bytes += value.length
  return bytes
}
