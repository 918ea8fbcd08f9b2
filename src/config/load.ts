import type { Config } from '../core/config.ts'
import { addChains } from './chains.ts'
import { disagreements } from './checks.ts'
import { configOf } from './config-of.ts'
import { ConfigError } from './error.ts'
import { configPath, type FileReading, noFile, readConfigFile } from './file.ts'
import type { OwnNames } from './own-names.ts'
import { type InForce, resolved } from './resolve.ts'
import type { Environment } from './setting.ts'
import { dataDirOf, type SettingKey } from './settings.ts'

/** What a command was given: the flags by the key of their setting, and the two that come before any setting. */
export interface Flags {
  readonly dataDir?: string
  readonly config?: string
  readonly settings: Partial<Record<SettingKey, string>>
  /** Whether a person reads the output. */
  readonly terminal: boolean
}

/** The configuration, and for each setting what it is and where that comes from. */
export interface Loaded {
  readonly config: Config
  readonly sources: ReadonlyMap<string, InForce>
  /** The file, if there is one. */
  readonly path?: string
  /** Every file that was read. */
  readonly files: readonly string[]
  /** The names that the file brings with it. */
  readonly own: OwnNames
  /** What an operator should know though it hinders nothing. */
  readonly notices: readonly string[]
}

/** What the file says, whatever comes of it. */
export interface ReadFile {
  readonly dataDir: string
  readonly path?: string
  readonly file: FileReading
}

export function readFile(flags: Flags, environment: Environment): ReadFile {
  const dataDir = dataDirOf(flags.dataDir, environment)
  const path = configPath(flags.config || environment.TRUNKLINE_CONFIG, dataDir)
  return path === undefined ? { dataDir, file: noFile } : { dataDir, path, file: readConfigFile(path, environment) }
}

const nothing: ReadonlyMap<string, unknown> = new Map()

/** Flags, environment, file and database to one checked value. What cannot be used is an error with all that is wrong. */
export const readConfig = (flags: Flags, environment: Environment, stored = nothing): Loaded =>
  loadedFrom(readFile(flags, environment), flags, environment, stored)

export function loadedFrom(
  { dataDir, path, file }: ReadFile,
  flags: Flags,
  environment: Environment,
  stored: ReadonlyMap<string, unknown>,
): Loaded {
  const { settings, problems, notices } = resolved({
    flags: flags.settings,
    circumstances: flags,
    environment,
    file,
    stored,
  })
  const all = [...file.problems, ...problems, ...disagreements(settings, file.own)]
  if (all.length > 0) throw new ConfigError(inOrder(all, path))
  addChains(settings, environment)
  return {
    config: configOf(settings, file.own, dataDir),
    sources: settings,
    ...(path !== undefined && { path }),
    files: file.files,
    own: file.own,
    notices,
  }
}

/** What is wrong in the file stands first, from its beginning to its end. */
function inOrder(problems: readonly string[], path = ''): readonly string[] {
  const placed = problems.map((problem) => {
    const [line, column] = problem.startsWith(`${path}:`)
      ? problem
          .slice(path.length + 1)
          .split(':', 2)
          .map(Number)
      : []
    return { problem, line: line || Number.POSITIVE_INFINITY, column: column || 0 }
  })
  return placed
    .toSorted((a, b) => (a.line === b.line ? a.column - b.column : a.line - b.line))
    .map(({ problem }) => problem)
}
