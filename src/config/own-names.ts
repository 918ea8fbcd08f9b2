import { ownProviderRows } from './provider-settings.ts'
import { type Row, type Setting, unsaid } from './setting.ts'
import { rows } from './settings.ts'
import { lineText } from './values.ts'

/** What a file names that the table of settings cannot know: providers of one's own, and models. */
export interface OwnNames {
  /** Each with the provider whom it is like. */
  readonly providers: ReadonlyMap<string, string>
  /** Each with its place. */
  readonly models: ReadonlyMap<string, string>
}

export const noNames: OwnNames = { providers: new Map(), models: new Map() }

export function modelNameProblem(name: string): string | undefined {
  if (name === '' || name.length > 200) return 'must have 1 to 200 characters'
  if (/[\p{Cc}\s]/u.test(name)) return 'must be without spaces and control characters'
  return name === '__proto__' ? 'cannot be __proto__' : undefined
}

const modelSettings: Readonly<Record<string, Setting<unknown>>> = {
  provider: { help: 'the provider that answers for it', kind: lineText, fallback: unsaid },
  model: { help: "the provider's own name for it", kind: lineText, fallback: unsaid },
}

/** Every setting that there is where these names are, in the order of the table. */
export const rowsFor = (own: OwnNames): readonly Row[] => [
  ...rows,
  ...[...own.providers].flatMap(([name, like]) => ownProviderRows(name, like)),
  ...[...own.models.keys()].flatMap((name) =>
    Object.entries(modelSettings).map(([field, setting]) => ({
      key: `models.${name}.${field}`,
      path: ['models', name, field],
      setting,
    })),
  ),
]
