/** What is in a data folder, asked of its files by another process than the server's. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

const files = ['config.db', 'ledger.db', 'traces.db'] as const
type File = (typeof files)[number]

/** Looks into the files of a folder, each opened when first asked for. */
export function withFiles<T>(dataDir: string, look: (open: (file: File) => DatabaseSync) => T): T {
  const opened = new Map<File, DatabaseSync>()
  const open = (file: File): DatabaseSync => {
    const database = opened.get(file) ?? new DatabaseSync(join(dataDir, file), { readOnly: true })
    opened.set(file, database)
    return database
  }
  try {
    return look(open)
  } finally {
    for (const database of opened.values()) database.close()
  }
}

/** The same with a copy of the files, as a crash left them: whoever opens them repairs them, and that is the server's to do. */
export function withCopies<T>(dataDir: string, look: (open: (file: File) => DatabaseSync) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-bench-copy-'))
  try {
    for (const name of files.flatMap((file) => [file, `${file}-wal`])) {
      if (existsSync(join(dataDir, name))) copyFileSync(join(dataDir, name), join(folder, name))
    }
    return withFiles(folder, look)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What SQLite finds wrong with each file. */
export const damages = (open: (file: File) => DatabaseSync): string[] =>
  files.flatMap((file) => {
    const found = open(file).prepare('pragma integrity_check').all() as { integrity_check: string }[]
    return found.filter((row) => row.integrity_check !== 'ok').map((row) => `${file}: ${row.integrity_check}`)
  })

const halves = {
  'spans without their trace': `select count(*) as n from spans s where not exists
    (select 1 from traces t where t.project_id = s.project_id and t.trace_id = s.trace_id)`,
  'traces without a call': `select count(*) as n from traces t where not exists
    (select 1 from spans s where s.project_id = t.project_id and s.trace_id = t.trace_id and s.kind = 'call')`,
  'attempts without their call': `select count(*) as n from spans a where a.kind = 'attempt' and not exists
    (select 1 from spans c where c.project_id = a.project_id and c.trace_id = a.trace_id and c.span_id = a.parent_id and c.kind = 'call')`,
  'bodies without their block': `select count(*) as n from spans s, json_each(s.bodies) b
    where b.value ->> '$.block' is not null and not exists
    (select 1 from blocks k where k.id = b.value ->> '$.block' and (b.value ->> '$.offset') + (b.value ->> '$.length') <= k.size)`,
} as const

/** What is there without what belongs to it. */
export const halfWritten = (traces: DatabaseSync): string[] =>
  Object.entries(halves).flatMap(([what, sql]) => {
    const count = countOf(traces, sql)
    return count === 0 ? [] : [`${count} ${what}`]
  })

export const countOf = (database: DatabaseSync, sql: string): number => (database.prepare(sql).get() as { n: number }).n

/** How many traces there are of each status. */
export const statuses = (traces: DatabaseSync): Readonly<Record<string, number>> =>
  Object.fromEntries(
    traces
      .prepare('select status, count(*) as n from traces group by status')
      .all()
      .map(({ status, n }) => [String(status), Number(n)]),
  )

/** The ids in a table, as hex; of traces perhaps only those of one status. */
export const traceIds = (database: DatabaseSync, table: 'traces' | 'ledger', status?: string): ReadonlySet<string> =>
  new Set(
    database
      .prepare(`select lower(hex(trace_id)) as id from ${table} where ?1 is null or status = ?1`)
      .all(status ?? null)
      .map(({ id }) => String(id)),
  )
