import type { SettingOrigin } from '../core/config.ts'
import { Refusal } from './error.ts'
import type { FileReading } from './file.ts'
import { rowsFor } from './own-names.ts'
import type { Circumstances, Environment, Kind, Row, Setting } from './setting.ts'

/** Where a value comes from, and the name of the flag or variable, or the place in the file. */
export interface SettingSource {
  readonly kind: SettingOrigin
  readonly place?: string
}

/** A setting as it is in force. */
export interface InForce extends SettingSource {
  readonly row: Row
  readonly value: unknown
  /** True for what was found in a variable that was not set for us. */
  readonly isAmbient?: true
}

/** Flags by the key of their setting. */
export type Flagged = Readonly<Partial<Record<string, string>>>

export interface Given {
  readonly flags: Flagged
  readonly circumstances: Circumstances
  readonly environment: Environment
  readonly file: FileReading
  /** What users have set by the API and its page, by key. */
  readonly stored: ReadonlyMap<string, unknown>
}

export interface Resolved {
  readonly settings: Map<string, InForce>
  /** What cannot be used, each with its name and place. */
  readonly problems: string[]
  /** What is stored and cannot be used, which is said and otherwise changes nothing. */
  readonly notices: string[]
}

/** Every setting and what it is, from the strongest of those that say something. */
export function resolved({ flags, circumstances, environment, file, stored }: Given): Resolved {
  const settings = new Map<string, InForce>()
  const problems: string[] = []
  const notices: string[] = []
  const rows = rowsFor(file.own)
  for (const row of rows) {
    const { key, setting } = row
    const said = sayingOf(row, flags, environment, file)
    if (said) {
      const { value: _written, template, isBroken, ...source } = said
      const unusable: InForce = { row, value: undefined, ...source }
      if (isBroken) settings.set(key, unusable)
      else
        try {
          settings.set(key, { ...unusable, value: taken(setting.kind, said) })
        } catch (thrown) {
          settings.set(key, unusable)
          problems.push(`${said.place}: ${refusalText(row, thrown, template)}`)
        }
      continue
    }
    if (stored.has(key) && setting.editable) {
      try {
        settings.set(key, { row, value: setting.kind.take(stored.get(key)), kind: 'database' })
        continue
      } catch (thrown) {
        notices.push(`What is stored for ${key} is not used: ${refusalText(row, thrown)}`)
      }
    }
    settings.set(key, { row, value: setting.fallback(circumstances), kind: 'default' })
  }
  for (const key of stored.keys()) {
    if (!settings.get(key)?.row.setting.editable)
      notices.push(`What is stored for ${key} is not used: it is no setting that can be stored.`)
  }
  return { settings, problems, notices }
}

/** What is wrong, in a sentence. A value that may be a secret is not in it. */
export function refusalText({ key, setting }: Row, thrown: unknown, template?: string): string {
  if (!(thrown instanceof Refusal)) throw thrown
  const { message, value } = thrown
  if (setting.secret || value === undefined) return `${key} ${message}.`
  return `${key} ${message}, not ${shown(template ?? value)}.`
}

/** A list may have itself in it, by an anchor, and anything may be long. */
function shown(value: unknown): string {
  let text: string
  try {
    text = JSON.stringify(value)
  } catch {
    text = 'that'
  }
  return text.length > mostShown ? `${text.slice(0, mostShown)}…` : text
}

const mostShown = 200

interface Saying extends Omit<SettingSource, 'kind'> {
  readonly kind: 'flag' | 'environment' | 'file'
  readonly place: string
  readonly value: unknown
  readonly isAmbient?: true
  readonly template?: string
  readonly isBroken?: true
}

function sayingOf(
  { key, setting }: Row,
  flags: Flagged,
  environment: Environment,
  file: FileReading,
): Saying | undefined {
  const { flag, env = [], ambientEnv = [], fileFirst }: Setting<unknown> = setting
  const given = flags[key]
  if (given !== undefined) return { kind: 'flag', value: given, place: flag?.split(' ', 1)[0] ?? key }
  const inFile = file.values.get(key)
  const fromFile = inFile && ({ kind: 'file', ...inFile } as const)
  const ours = inEnvironment(env, environment)
  const ambient = inEnvironment(ambientEnv, environment)
  return (fileFirst ? (fromFile ?? ours) : (ours ?? fromFile)) ?? (ambient && { ...ambient, isAmbient: true })
}

function inEnvironment(names: readonly string[], environment: Environment): Saying | undefined {
  // An empty variable is how a shell takes one back.
  const name = names.find((candidate) => environment[candidate])
  return name === undefined ? undefined : { kind: 'environment', value: environment[name], place: name }
}

/** Where a list cannot be written as one, it is words with commas between them. */
function taken({ take, isList }: Kind<unknown>, { kind, value }: Saying): unknown {
  if (!isList || kind === 'file' || typeof value !== 'string') return take(value)
  return take(value.split(',').flatMap((item) => item.trim() || []))
}
