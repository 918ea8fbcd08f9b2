import { nearest } from '../core/nearest.ts'
import {
  type CredentialField,
  type CredentialKindName,
  credentialKinds,
  kindsOf,
} from '../providers/credential-kinds.ts'
import type { Provider } from '../providers/provider.ts'
import { type Setting, unsaid } from './setting.ts'
import { jsonText, lineText, oneOf, secretText } from './values.ts'

export const fieldsOf = (kind: CredentialKindName): Readonly<Record<string, CredentialField>> =>
  credentialKinds[kind].fields

const settingOf = (field: CredentialField): Setting<unknown> => ({
  help: field.help,
  kind: field.json ? jsonText : field.secret ? secretText : lineText,
  fallback: unsaid,
  fileFirst: true,
  ...(field.secret && { secret: true as const }),
})

/** The settings of the fields of one kind. */
export const fieldSettings = (kind: CredentialKindName): Readonly<Record<string, Setting<unknown>>> =>
  Object.fromEntries(Object.entries(fieldsOf(kind)).map(([name, field]) => [name, settingOf(field)]))

/** The settings below `providers.<name>.credential`: those of every kind that the provider takes. */
export function credentialSettings(provider: Provider): Readonly<Record<string, Setting<unknown>>> {
  const kinds = kindsOf(provider)
  return {
    'credential.kind': {
      help: `with what it is paid, where that is not simply a key: ${kinds.join(', ')}`,
      kind: oneOf(kinds),
      fallback: unsaid,
      fileFirst: true,
    },
    ...Object.fromEntries(
      kinds.flatMap((kind) =>
        Object.entries(fieldSettings(kind)).map(([name, setting]) => [`credential.${name}`, setting]),
      ),
    ),
  }
}

/** What is wrong with a credential of this kind that has these fields: each with the name of its field, if it is one's. */
export function credentialProblems(
  kind: CredentialKindName,
  given: readonly string[],
): readonly { readonly field?: string; readonly problem: string }[] {
  const fields = fieldsOf(kind)
  const foreign = given
    .filter((name) => !Object.hasOwn(fields, name))
    .map((field) => {
      const meant = nearest(field, Object.keys(fields))
      const takes = Object.keys(fields).join(', ')
      const hint = meant ? `Did you mean ${meant}?` : takes === '' ? 'It takes none.' : `It takes ${takes}.`
      return { field, problem: `a credential of kind ${kind} has no ${field}. ${hint}` }
    })
  const missing = Object.entries(fields).flatMap(([name, { optional, help }]) =>
    optional || given.includes(name) ? [] : [{ problem: `a credential of kind ${kind} needs ${name}: ${help}.` }],
  )
  return [...foreign, ...missing]
}
