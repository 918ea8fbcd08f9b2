import { existsSync, lstatSync, readlinkSync, realpathSync } from 'node:fs'
import { dirname, relative, resolve, sep } from 'node:path'
import { FSWatcher } from 'chokidar'

/** How long it has to be quiet before a change is believed to be whole, and after which time it is believed anyway. */
const quietMs = 100
const longestMs = 1_000
/**
 * How often a file is looked for that is not there. The watcher would watch its folder, which is that of the databases,
 * and look through it at each of their writes.
 */
const lookMs = 500

/**
 * Watches files, those that do not exist yet, too, and says once when something has come of them. Nothing of it keeps
 * the process alive.
 */
export class FileWatch {
  readonly #watcher: FSWatcher
  readonly #onChange: () => void
  /** Resolves when everything that has been named by then is watched. */
  readonly ready: Promise<void>
  readonly #isReady: () => void
  #watched: ReadonlySet<string> = new Set()
  #absent: readonly string[] = []
  readonly #looking: NodeJS.Timeout
  #quiet: NodeJS.Timeout | undefined
  /** When the first change was seen of which nobody has been told. */
  #sinceMs: number | undefined

  constructor(onChange: () => void, onTrouble: (error: Error) => void) {
    this.#onChange = onChange
    // Links are watched themselves, with what they lead to beside them: a link that is turned elsewhere is a change.
    this.#watcher = new FSWatcher({ persistent: false, ignoreInitial: true, followSymlinks: false, depth: 0 })
    this.#watcher.on('all', (event, path) => {
      // What comes in its place is watched anew: its folder may be another one, too.
      if (event === 'unlink' || event === 'unlinkDir') this.#forget(path)
      this.#changed()
    })
    const { promise, resolve } = Promise.withResolvers<void>()
    this.ready = promise
    this.#isReady = resolve
    this.#watcher.once('ready', () => {
      resolve()
      this.#changed()
    })
    this.#watcher.on('error', (error) => onTrouble(error as Error))
    this.#looking = setInterval(() => {
      if (this.#absent.some(existsSync)) this.#changed()
    }, lookMs).unref()
  }

  /** From now on these files, and no others. */
  watch(files: readonly string[]): void {
    this.#absent = files.filter((file) => !existsSync(file))
    const wanted = new Set(files.filter((file) => !this.#absent.includes(file)).flatMap(waysTo))
    const gone = [...this.#watched].filter((path) => !wanted.has(path))
    const added = [...wanted].filter((path) => !this.#watched.has(path))
    this.#watched = wanted
    if (wanted.size === 0) this.#isReady()
    if (gone.length > 0) this.#watcher.unwatch(gone)
    if (added.length === 0) return
    this.#watcher.add(added)
    // What happened before they were watched was not seen; nor what happens until they are, at the very beginning.
    this.#changed()
  }

  #forget(path: string): void {
    this.#watcher.unwatch(path)
    this.#watched = new Set([...this.#watched].filter((watched) => watched !== path))
  }

  #changed(): void {
    const nowMs = performance.now()
    this.#sinceMs ??= nowMs
    clearTimeout(this.#quiet)
    const waitMs = Math.min(quietMs, Math.max(0, this.#sinceMs + longestMs - nowMs))
    this.#quiet = setTimeout(() => {
      this.#sinceMs = undefined
      this.#onChange()
    }, waitMs).unref()
  }

  async close(): Promise<void> {
    clearTimeout(this.#quiet)
    clearInterval(this.#looking)
    await this.#watcher.close()
  }
}

/**
 * A file, and what else decides what is read there. Kubernetes mounts `config.yaml` as a link to `..data/config.yaml`, and
 * turns the link `..data` to another folder when something changes.
 */
function waysTo(path: string): readonly string[] {
  const ways = [path]
  try {
    if (!lstatSync(path).isSymbolicLink()) return ways
    const folder = dirname(path)
    const target = resolve(folder, readlinkSync(path))
    const [first, ...rest] = relative(folder, target).split(sep)
    if (first && first !== '..' && rest.length > 0) ways.push(resolve(folder, first))
    ways.push(target, realpathSync(path))
  } catch {
    // It is not there, or leads nowhere: then there is nothing but the way itself.
  }
  return [...new Set(ways)]
}
