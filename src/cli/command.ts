import type { Command as Commander } from 'commander'
import type { Flags } from '../config/load.ts'
import type { Setting } from '../config/setting.ts'
import { type SettingKey, settings } from '../config/settings.ts'

/** A command of the program: what it is called, what it takes, and what it does. One file each, one table for all. */
export interface CliCommand {
  readonly name: string
  readonly summary: string
  /** Lines to copy, each with what it does. */
  readonly examples: readonly (readonly [line: string, does: string])[]
  readonly define: (command: Commander) => void
}

/** A command's error that a person can mend: its message is all they need to see. */
export class CliError extends Error {
  override readonly name = 'CliError'
}

export const settingOptions = (Object.entries(settings) as [SettingKey, Setting<unknown>][]).flatMap(([key, row]) =>
  row.flag === undefined ? [] : [{ key, flag: row.flag, help: row.help, env: row.env ?? [] }],
)

/** What commander calls an option: `--openai-base-url <url>` is `openaiBaseUrl`. */
const optionName = (flag: string): string =>
  (flag.split(' ', 1)[0] as string).slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** The options that were given, by the settings that they set. */
export function flagsOf(options: Readonly<Record<string, unknown>>): Flags {
  const { dataDir, config } = options as { dataDir?: string; config?: string }
  const given: Partial<Record<SettingKey, string>> = {}
  for (const { key, flag } of settingOptions) {
    const value = options[optionName(flag)]
    if (typeof value === 'string') given[key] = value
  }
  return {
    ...(dataDir !== undefined && { dataDir }),
    ...(config !== undefined && { config }),
    settings: given,
    terminal: process.stdout.isTTY === true,
  }
}
