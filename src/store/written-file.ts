import { readdirSync, renameSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import type { Migration } from 'kysely/migration'
import { migrate } from './migrations/migrate.ts'
import { inTransaction } from './sqlite/inserts.ts'
import { kyselyOn, type OpenOptions, openForWriting } from './sqlite/open.ts'
import { inWords, isRefusal, type Trouble, troubleOf } from './sqlite/trouble.ts'

/** One of the writer's files, and what is run on it. */
export interface FileForm<Statements> extends OpenOptions {
  readonly path: string
  readonly migrations: Readonly<Record<string, Migration>>
  /** Done each time that it has been opened. */
  readonly prepare: (database: DatabaseSync) => Statements
  /** What is in a damaged file that was set aside, and what to do with it: a sentence. */
  readonly aside: string
}

/** A sentence for the log: something is wrong with a file, or right again. */
export interface FileNews {
  readonly level: 'info' | 'error'
  readonly text: string
}

export interface FileWatcher {
  /** `problems` has changed. */
  onNews(news: FileNews): void
  /** It can be written again, or may be: what waits for it should be tried. */
  onDue(): void
  /** There is a new file in place of one that was damaged or is gone: what was stored before is not in it. */
  onReplaced(): void
}

/** How soon a file that could not be written is tried again: the time doubles up to the longest. */
const firstRetryMs = 100
const longestRetryMs = 1_000
/** Others may lock a file for a moment; only then is it worth a word. */
const lockPatienceMs = 1_000
/** How long a lock is waited for in SQLite, where nothing else can be done meanwhile. */
const busyMs = 100
/** A disk that damages all that is written to it must not be filled with files that were set aside. */
const leastBetweenReplacingMs = 60_000

/**
 * A database and whatever may happen to its disk: full, read-only, locked, gone, damaged. What could not be stored is the
 * caller's to keep until it is `onDue`; a damaged file is set aside, never deleted, and begun anew.
 */
export class WrittenFile<Statements> {
  private readonly form: FileForm<Statements>
  private watcher: FileWatcher = { onNews() {}, onDue() {}, onReplaced() {} }
  private opened: { readonly database: DatabaseSync; readonly statements: Statements } | undefined
  /** The system's number for the file, which stays the same for as long as it is the same file. */
  private inode: number | undefined
  private asides: readonly string[] = []
  private problem: string | undefined
  private failingSinceMs: number | undefined
  private replacedMs = Number.NEGATIVE_INFINITY
  private retryMs = firstRetryMs
  private isResting = false
  private isClosed = false
  private timer: NodeJS.Timeout | undefined

  private constructor(form: FileForm<Statements>) {
    this.form = form
  }

  /** Opens a file, or makes it. What cannot be mended is thrown in words. */
  static async open<Statements>(form: FileForm<Statements>): Promise<WrittenFile<Statements>> {
    const file = new WrittenFile(form)
    await file.mended(() => file.reopen())
    return file
  }

  watch(watcher: FileWatcher): void {
    this.watcher = watcher
  }

  /** What an operator should know, in a sentence each. */
  get problems(): readonly string[] {
    const said = this.asides.map((path) => this.asideInWords(path))
    return this.problem === undefined ? said : [...said, this.problem]
  }

  /**
   * Runs some work as one transaction and says whether it is stored. It is not while the file is in trouble; then the same
   * has to come again when it is due. A row that is refused for itself is thrown, and nothing is stored.
   */
  store(work: (statements: Statements) => void): boolean {
    const { opened } = this
    if (this.isResting || !opened) return false
    try {
      if (inodeOf(this.form.path) !== this.inode) throw new Error('it was removed, or replaced by another file')
      inTransaction(opened.database, () => work(opened.statements))
    } catch (thrown) {
      if (isRefusal(thrown)) throw thrown
      this.fail(thrown)
      return false
    }
    this.recover()
    return true
  }

  /** Looks something up; undefined when it is not there or cannot be read. */
  read<T>(look: (statements: Statements) => T): T | undefined {
    try {
      return this.opened && look(this.opened.statements)
    } catch {
      return undefined
    }
  }

  /** Runs some work before anything is stored. What cannot be mended is thrown in words. */
  begin<T>(work: (statements: Statements, database: DatabaseSync) => T): Promise<T> {
    return this.mended(async () => {
      const { database, statements } = this.opened as NonNullable<typeof this.opened>
      return work(statements, database)
    })
  }

  /** From now on there is no patience: what can be stored is stored by the next try, or never. */
  hurry(): void {
    clearTimeout(this.timer)
    this.isResting = false
  }

  close(): void {
    this.isClosed = true
    clearTimeout(this.timer)
    this.shut()
  }

  private async mended<T>(work: () => Promise<T>): Promise<T> {
    try {
      try {
        return await work()
      } catch (thrown) {
        if (troubleOf(thrown) !== 'damaged') throw thrown
        await this.replace()
        return await work()
      }
    } catch (thrown) {
      this.close()
      throw new Error(inWords(this.form.path, 'opened', thrown), { cause: thrown })
    }
  }

  private recover(): void {
    this.failingSinceMs = undefined
    this.retryMs = firstRetryMs
    if (this.problem === undefined) return
    this.problem = undefined
    this.watcher.onNews({ level: 'info', text: `${this.form.path} is written again.` })
  }

  private fail(thrown: unknown): void {
    const trouble = troubleOf(thrown)
    this.failingSinceMs ??= Date.now()
    const isShortLock = trouble === 'locked' && Date.now() - this.failingSinceMs < lockPatienceMs
    if (!isShortLock && !this.mayReplace(trouble)) {
      this.say(
        `${inWords(this.form.path, 'written', thrown)} Calls go on; what they leave waits in memory until it can.`,
      )
    }
    this.isResting = true
    this.timer = setTimeout(() => void this.tryAgain(trouble), this.retryMs)
    this.retryMs = Math.min(this.retryMs * 2, longestRetryMs)
  }

  private say(problem: string): void {
    if (problem === this.problem) return
    this.problem = problem
    this.watcher.onNews({ level: 'error', text: problem })
  }

  private async tryAgain(trouble: Trouble): Promise<void> {
    try {
      if (this.mayReplace(trouble)) await this.replace()
      // After other troubles than these a connection may be of no use any more.
      else if (!this.opened || (trouble !== 'locked' && trouble !== 'full')) await this.reopen()
    } catch (thrown) {
      if (!this.isClosed) this.fail(thrown)
      return
    }
    this.isResting = false
    this.watcher.onDue()
  }

  private async reopen(): Promise<void> {
    const { form } = this
    // Once it is closed, a new file may get the number of the one that is gone.
    const isSame = inodeOf(form.path) === this.inode
    this.shut()
    const database = openForWriting(form.path, form)
    try {
      await migrate(kyselyOn(database), form.migrations)
      if (this.isClosed) throw new Error('It is not needed any more.')
      database.exec(`pragma busy_timeout = ${busyMs}`)
      this.opened = { database, statements: form.prepare(database) }
    } catch (thrown) {
      database.close()
      throw thrown
    }
    this.asides = filesAside(form.path)
    this.inode = inodeOf(form.path)
    if (!isSame) this.watcher.onReplaced()
  }

  private async replace(): Promise<void> {
    this.shut()
    setAside(this.form.path)
    this.replacedMs = Date.now()
    await this.reopen()
    this.watcher.onNews({ level: 'error', text: this.asideInWords(this.asides.at(-1) as string) })
  }

  private mayReplace(trouble: Trouble): boolean {
    return trouble === 'damaged' && Date.now() - this.replacedMs >= leastBetweenReplacingMs
  }

  private asideInWords(path: string): string {
    return `A damaged ${basename(this.form.path)} was set aside as ${path}, and a new one begun. ${this.form.aside}`
  }

  private shut(): void {
    this.opened?.database.close()
    this.opened = undefined
  }
}

const inodeOf = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.ino

const asideMark = '.corrupt-'

/** The file last: a log that was left beside a new file would be taken for that one's. */
function setAside(path: string): void {
  const to = `${path}${asideMark}${new Date().toISOString().replaceAll(/[-:]/g, '')}`
  for (const suffix of ['-shm', '-wal', '']) {
    try {
      renameSync(path + suffix, to + suffix)
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown
    }
  }
}

const filesAside = (path: string): string[] => {
  const folder = dirname(path)
  return readdirSync(folder)
    .filter((name) => name.startsWith(basename(path) + asideMark) && !/-(?:wal|shm)$/.test(name))
    .toSorted()
    .map((name) => join(folder, name))
}
