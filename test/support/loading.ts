import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '../../src/config/error.ts'
import { type Flags, type Loaded, readConfig } from '../../src/config/load.ts'
import type { Environment } from '../../src/config/setting.ts'
import type { Config } from '../../src/core/config.ts'

/** What a configuration is made of. In messages FILE stands for the file, and DIR for its folder. */
export interface Given {
  readonly yaml?: string
  readonly files?: Readonly<Record<string, string>>
  readonly stored?: Readonly<Record<string, unknown>>
  readonly environment?: Environment
  readonly settings?: Flags['settings']
  readonly terminal?: boolean
}

/** The configuration from a data folder with this file in it, and others beside it. */
export function loadAll({
  yaml,
  files = {},
  environment = {},
  settings = {},
  terminal = false,
  stored,
}: Given): Loaded {
  const dataDir = mkdtempSync(join(tmpdir(), 'trunkline-config-'))
  const file = join(dataDir, 'trunkline.yaml')
  try {
    if (yaml !== undefined) writeFileSync(file, yaml)
    for (const [name, text] of Object.entries(files)) writeFileSync(join(dataDir, name), text)
    return readConfig({ dataDir, settings, terminal }, environment, stored && new Map(Object.entries(stored)))
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown
    throw new ConfigError(thrown.problems.map((problem) => problem.replaceAll(file, 'FILE').replaceAll(dataDir, 'DIR')))
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}

export const load = (given: Given): Config => loadAll(given).config

/** Everything that is wrong with it. */
export function problemsOf(given: Given): readonly string[] {
  try {
    load(given)
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown.problems
    throw thrown
  }
  return []
}
