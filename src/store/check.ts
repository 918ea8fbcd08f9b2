import { readdirSync, statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { sizeOf } from './backup.ts'
import { orphanedBodies } from './check-bodies.ts'
import { freeBytesAt, integrityProblems } from './copies.ts'
import { type DatabaseName, databaseNames, databases } from './databases.ts'
import { dataFiles } from './files.ts'
import { isLocked } from './lock.ts'
import { type Form, formOf, NewerFile } from './migrations/form.ts'
import { kyselyOn, openForReading } from './sqlite/open.ts'
import { inWords } from './sqlite/trouble.ts'

/** What is known of one of the databases. */
export interface FileCheck {
  readonly name: DatabaseName
  readonly path: string
  readonly isThere: boolean
  readonly bytes: number
  /** Of the log beside it, which is taken over into it from time to time. */
  readonly walBytes: number
  /** In it, for what will be stored next. */
  readonly freeBytes: number
  /** Its last migration, and who ran it. */
  readonly form?: string
  readonly program?: string
  readonly rows: Readonly<Record<string, number>>
  /** What is wrong and what to do, in a sentence or two each. */
  readonly problems: readonly string[]
  /** What is worth a word and nothing to worry about. */
  readonly notes: readonly string[]
}

export interface FolderCheck {
  readonly dataDir: string
  /** Whether some process has the folder now. */
  readonly isInUse: boolean
  readonly diskFreeBytes: number
  readonly files: readonly FileCheck[]
  readonly isSound: boolean
}

export interface CheckOptions {
  /** Without comparing indexes with their tables, which takes longest. */
  readonly quick?: boolean
  readonly onFile?: (name: DatabaseName) => void
}

/** Looks whether the databases of a folder are sound. It changes nothing, and a server may run meanwhile. */
export async function checkFolder(dataDir: string, { quick = false, onFile }: CheckOptions = {}): Promise<FolderCheck> {
  const files: FileCheck[] = []
  for (const name of databaseNames) {
    onFile?.(name)
    files.push(await checkFile(name, dataFiles(dataDir)[name], quick))
  }
  return {
    dataDir,
    isInUse: isLocked(dataDir),
    diskFreeBytes: freeBytesAt(dataDir),
    files,
    isSound: files.every(({ problems }) => problems.length === 0),
  }
}

async function checkFile(name: DatabaseName, path: string, quick: boolean): Promise<FileCheck> {
  const stat = statSync(path, { throwIfNoEntry: false })
  const empty = { name, path, isThere: false, bytes: 0, walBytes: 0, freeBytes: 0, rows: {}, problems: [], notes: [] }
  if (!stat) return empty
  const walBytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0
  const outside = { ...empty, isThere: true, bytes: stat.size, walBytes, notes: asideNotes(path) }
  const rights = rightsProblems(path, stat.mode)
  let database: DatabaseSync | undefined
  try {
    database = openForReading(path)
    // Everything is looked up as it is at one moment.
    database.exec('begin')
    const form = await formOf(kyselyOn(database), databases[name])
    const { done, program } = form
    const { problems, notes } = contentOf(name, path, database, form, quick)
    return {
      ...outside,
      ...sizeOf(database),
      ...(done.length > 0 && { form: done.at(-1) as string }),
      ...(program !== undefined && { program }),
      rows: rowsOf(database),
      problems: [...rights, ...problems],
      notes: [...outside.notes, ...notes],
    }
  } catch (thrown) {
    return { ...outside, problems: [...rights, inWords(path, 'read', thrown)] }
  } finally {
    database?.close()
  }
}

type Content = Pick<FileCheck, 'problems' | 'notes'>

function contentOf(name: DatabaseName, path: string, database: DatabaseSync, form: Form, quick: boolean): Content {
  const damages = integrityProblems(database, quick)
  if (damages.length > 0) {
    const said = damages.map((damage) => damage.replaceAll('\n', ' ')).join('; ')
    return {
      problems: [
        `${path} is damaged: ${said}. Stop the server, then go back to a backup with \`trunkline db restore\`.`,
      ],
      notes: [],
    }
  }
  if (form.unknown.length > 0) return { problems: [new NewerFile(path, form).message], notes: [] }
  const strays = database.prepare('pragma foreign_key_check').all().length
  const problems = strays > 0 ? [`${path} has ${strays} rows that belong to rows that are gone.`] : []
  if (form.done.length === 0) return { problems, notes: ['It has no tables yet.'] }
  if (form.pending.length > 0) {
    return { problems, notes: [`The next start of the server brings it up to date: ${form.pending.join(', ')}.`] }
  }
  if (name !== 'traces') return { problems, notes: [] }
  const { missing, unused } = orphanedBodies(database)
  return {
    problems:
      missing > 0
        ? [...problems, `${path} has lost the bodies of ${missing} spans. Their traces are shown without them.`]
        : problems,
    notes:
      unused.blocks > 0
        ? [
            `No span uses ${unused.blocks} of the blocks of bodies, with ${unused.bytes} bytes: their calls run, or never ended.`,
          ]
        : [],
  }
}

function rowsOf(database: DatabaseSync): Record<string, number> {
  const tables = database
    .prepare(
      `select name from sqlite_schema
       where type = 'table' and name not like 'sqlite\\_%' escape '\\' and name not like 'kysely\\_%' escape '\\'
         and name <> 'migrated_by'
       order by name`,
    )
    .all()
    .map(({ name }) => String(name))
  return Object.fromEntries(
    tables.map((table) => [
      table,
      Number(database.prepare(`select count(*) as rows from "${table.replaceAll('"', '""')}"`).get()?.rows),
    ]),
  )
}

function rightsProblems(path: string, mode: number): string[] {
  if (process.platform === 'win32' || (mode & 0o077) === 0) return []
  return [`Others on this machine may read ${path}. Take it from them: chmod 600 ${path}`]
}

function asideNotes(path: string): string[] {
  return readdirSync(dirname(path))
    .filter((name) => name.startsWith(`${basename(path)}.`) && !/-(?:wal|shm)$/.test(name))
    .toSorted()
    .map((name) => `${name} was set aside earlier. Remove it when you do not need it.`)
}
