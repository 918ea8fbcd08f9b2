import { bad, lineOf } from '../core/checks.ts'
import type { Credential } from '../core/credential.ts'
import { nearest } from '../core/nearest.ts'
import { type CredentialField, kindOf } from '../providers/credential-kinds.ts'
import { serviceAccountKey } from './service-account.ts'

const longestSecret = 16_384

/**
 * The credential as it is stored: of a kind that is taken, with all that the kind wants and nothing else. No message has
 * a value. An operator may name hosts for it that are not the vendor's.
 */
export function checkedCredential(
  { kind, fields }: Credential,
  kinds: readonly string[],
  isOperators: boolean,
): Credential {
  if (!kinds.includes(kind)) throw bad('kind', `kind must be ${kinds.join(', ')}, not ${JSON.stringify(kind)}.`)
  const rows: Readonly<Record<string, CredentialField>> = kindOf({ kind })?.fields ?? {}
  for (const name of Object.keys(fields)) {
    if (Object.hasOwn(rows, name)) continue
    const meant = nearest(name, Object.keys(rows))
    throw bad(
      `fields.${name}`,
      `${kind} has no field ${JSON.stringify(name)}.${meant ? ` Did you mean ${meant}?` : ''}`,
    )
  }
  const checked: Record<string, string> = {}
  for (const [name, row] of Object.entries(rows)) {
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (value !== undefined) checked[name] = checkedField(name, row, value, isOperators)
    else if (!row.optional) throw bad(`fields.${name}`, `${kind} needs ${name}: ${row.help}.`)
  }
  checkTogether(kind, checked)
  return { kind, fields: checked }
}

function checkedField(name: string, row: CredentialField, value: string, isOperators: boolean): string {
  const param = `fields.${name}`
  if (typeof value !== 'string') throw bad(param, `${name} must be a text.`)
  if (value.trim() === '') throw bad(param, `${name} must not be empty.`)
  if (value.length > longestSecret) throw bad(param, `${name} is longer than ${longestSecret} characters.`)
  if (row.json) return serviceAccountKey(param, value, isOperators)
  if (name === 'authority') return authority(param, value, isOperators)
  if (!row.secret) return lineOf(param, value, 2_048)
  // It is sent in a header, or signed by libraries that expect no more.
  if (!/^[\x21-\x7e]+$/.test(value.trim())) throw bad(param, `${name} has a character that a key cannot have.`)
  return value.trim()
}

function authority(param: string, written: string, isOperators: boolean): string {
  const text = lineOf(param, written, 2_048)
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isFine = url && (url.protocol === 'https:' || isOperators) && url.username === '' && url.password === ''
  if (!isFine) throw bad(param, 'authority must be an https URL.')
  return text
}

function checkTogether(kind: string, fields: Readonly<Record<string, string>>): void {
  if (kind !== 'aws_role') return
  const { access_key_id: key, secret_access_key: secret, profile } = fields
  if ((key === undefined) !== (secret === undefined))
    throw bad('fields.secret_access_key', 'access_key_id and secret_access_key belong together: give both or none.')
  if (key !== undefined && profile !== undefined)
    throw bad('fields.profile', 'Give an access key or a profile to assume the role with, not both.')
}
