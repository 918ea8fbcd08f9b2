import { isDeepStrictEqual } from 'node:util'
import { configOf } from './config-of.ts'
import { ConfigError } from './error.ts'
import { usualPath } from './file.ts'
import { type Flags, type Loaded, loadedFrom, type ReadFile, readFile } from './load.ts'
import type { InForce } from './resolve.ts'
import type { Environment } from './setting.ts'
import type { FileWatch } from './watch.ts'

export interface KeeperDeps {
  readonly flags: Flags
  readonly environment: Environment
  /** Told of each configuration that differs from the one before. */
  readonly onChange: (loaded: Loaded) => void
  /** Told when what an operator should know has changed; with nothing when all is well again. */
  readonly onProblems: (problems: readonly string[]) => void
}

/**
 * Keeps the configuration in force: the last one that could be used, whatever becomes of the files. The first has to be
 * good, or it throws what is wrong.
 */
export class ConfigKeeper {
  readonly #deps: KeeperDeps
  #watch: FileWatch | undefined
  #isClosed = false
  /** With which the server listens: some settings stay as they are here until it is started anew. */
  readonly #first: Loaded
  #good: ReadFile
  #stored: ReadonlyMap<string, unknown> = new Map()
  #current: Loaded
  #refused: readonly string[] = []
  #waiting: readonly string[] = []
  #unwatched: readonly string[] = []
  #told: readonly string[] = []

  constructor(deps: KeeperDeps) {
    const { flags, environment } = deps
    this.#deps = deps
    this.#good = readFile(flags, environment)
    this.#first = this.#current = loadedFrom(this.#good, flags, environment, this.#stored)
  }

  /** Changes are noticed as soon as this resolves, those that were made before it, too. */
  async watch(): Promise<void> {
    // Nobody has to wait for it before the first configuration is in force.
    const { FileWatch } = await import('./watch.ts')
    if (this.#isClosed) return
    this.#watch = new FileWatch(
      () => this.reload(),
      (error) => this.#cannotWatch(error),
    )
    this.#watchFiles(this.#good)
    await this.#watch.ready
  }

  get current(): Loaded {
    return this.#current
  }

  get problems(): readonly string[] {
    return [...this.#refused, ...this.#waiting, ...this.#current.notices, ...this.#unwatched]
  }

  /** What users have set by the API and its page. */
  setStored(values: ReadonlyMap<string, unknown>): void {
    this.#stored = values
    const { flags, environment } = this.#deps
    this.#use(loadedFrom(this.#good, flags, environment, values))
    this.#tell()
  }

  /** Reads the files once more, and uses what they say if it can be used. */
  reload(): void {
    const { flags, environment } = this.#deps
    const read = readFile(flags, environment)
    try {
      // A file that is gone was more likely lost than meant: what it said is not taken back until somebody says so.
      if (this.#good.path !== undefined && read.path === undefined) {
        throw new ConfigError(`The configuration file ${this.#good.path} is gone.`)
      }
      const loaded = loadedFrom(read, flags, environment, this.#stored)
      this.#good = read
      this.#refused = []
      this.#use(loaded)
    } catch (thrown) {
      if (!(thrown instanceof ConfigError)) throw thrown
      this.#refused = thrown.problems.map((problem) => `${problem} The configuration from before it stays in force.`)
    }
    this.#watchFiles(read)
    this.#tell()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#watch?.close()
  }

  #use(loaded: Loaded): void {
    const { loaded: usable, waiting } = withFixed(this.#first, loaded)
    const isNew = !isDeepStrictEqual(usable.config, this.#current.config)
    this.#current = usable
    this.#waiting = waiting
    if (isNew) this.#deps.onChange(usable)
  }

  #watchFiles({ dataDir, path, file }: ReadFile): void {
    this.#watch?.watch([path ?? this.#good.path ?? usualPath(dataDir), ...file.files])
  }

  #cannotWatch(error: Error): void {
    this.#unwatched = [
      `Changes of the configuration file are not noticed: ${error.message}. Send SIGHUP after a change, or start Trunkline anew.`,
    ]
    this.#tell()
  }

  #tell(): void {
    const { problems } = this
    if (isDeepStrictEqual(problems, this.#told)) return
    this.#told = problems
    this.#deps.onProblems(problems)
  }
}

/** The configuration with those settings of the first one that are fixed from the start, and which would differ. */
function withFixed(first: Loaded, loaded: Loaded): { readonly loaded: Loaded; readonly waiting: readonly string[] } {
  const sources = new Map(loaded.sources)
  const waiting: string[] = []
  for (const [key, was] of first.sources) {
    const is = loaded.sources.get(key)
    if (was.row.setting.effect !== 'restart' || !is || isDeepStrictEqual(is.value, was.value)) continue
    sources.set(key, was)
    waiting.push(`${key} was changed in ${placeOf(is, was)}; it takes effect after a restart.`)
  }
  if (waiting.length === 0) return { loaded, waiting }
  return { loaded: { ...loaded, sources, config: configOf(sources, loaded.own, loaded.config.dataDir) }, waiting }
}

/** A line that was taken out has no place any more, only the one where it was. */
const placeOf = (is: InForce, was: InForce): string => is.place ?? was.place ?? 'the configuration'
