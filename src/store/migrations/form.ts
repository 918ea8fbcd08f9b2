import { type Kysely, sql } from 'kysely'
import { version } from '../../core/version.ts'

/** Which migrations a file has had, against those that this program knows. */
export interface Form {
  /** In the order in which they ran; empty in a file without tables. */
  readonly done: readonly string[]
  readonly pending: readonly string[]
  /** Done by a newer program than this. */
  readonly unknown: readonly string[]
  /** The version of the program that gave the file its form, where it noted that. */
  readonly program?: string
}

export async function formOf<Db>(db: Kysely<Db>, known: readonly string[]): Promise<Form> {
  const tables = await sql<{ name: string }>`
    select name from sqlite_schema where type = 'table' and name in ('kysely_migration', 'migrated_by')`.execute(db)
  const has = (table: string): boolean => tables.rows.some(({ name }) => name === table)
  if (!has('kysely_migration')) return { done: [], pending: known, unknown: [] }
  // The names alone would come from the index, and a damaged table would not be noticed.
  const names = await sql<{ name: string }>`select name, timestamp from kysely_migration order by name`.execute(db)
  const done = names.rows.map(({ name }) => name)
  const makers = has('migrated_by')
    ? await sql<{ program: string }>`
        select program from migrated_by where migration = ${done.at(-1) ?? ''}`.execute(db)
    : undefined
  const program = makers?.rows[0]?.program
  return {
    done,
    pending: known.filter((name) => !done.includes(name)),
    unknown: done.filter((name) => !known.includes(name)),
    ...(program !== undefined && { program }),
  }
}

/** Notes in the file itself who gave it this form, so that an older program can say whom to ask. */
export async function noteProgram<Db>(db: Kysely<Db>, migration: string): Promise<void> {
  await sql`create table if not exists migrated_by (migration text primary key, program text not null)`.execute(db)
  await sql`insert into migrated_by (migration, program) values (${migration}, ${version})
    on conflict (migration) do update set program = excluded.program`.execute(db)
}

/** What was written by a newer program is not touched by an older one, which does not know what it would break. */
export class NewerFile extends Error {
  override readonly name = 'NewerFile'

  constructor(path: string, { program }: Pick<Form, 'program'>) {
    // What the file says of itself is not ours.
    const who =
      program !== undefined && program !== version && /^[\w.+-]{1,40}$/.test(program)
        ? `by Trunkline ${program}, which is newer than this ${version}`
        : `by a newer Trunkline than this ${version}`
    super(
      `${path} was written ${who}. Update this one, choose another folder with --data-dir, or go back to a backup with \`trunkline db restore\`.`,
    )
  }
}
