import { createHmac } from 'node:crypto'
import type { Credential } from '../core/credential.ts'
import type { StoredCredential } from '../core/stored-credential.ts'
import { type CredentialField, kindOf } from '../providers/credential-kinds.ts'

/** The credential's fields as they may be shown. */
export function shownFields({ kind, fields }: Credential): Readonly<Record<string, string>> {
  const rows = rowsOf(kind)
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => {
      const row = rows[name]
      if (row?.json) return [[name, '…'] as const, ...Object.entries(shownOfKeyFile(value))]
      return [[name, row?.secret ? hidden(value) : value] as const]
    }),
  )
}

/** Without those whose values are gone. */
export function withoutSecrets(
  kind: string,
  shown: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const rows = rowsOf(kind)
  return Object.fromEntries(Object.entries(shown).filter(([name]) => rows[name] !== undefined && !rows[name].secret))
}

/** Whether it would be nothing without what is hidden in it. */
export const hasSecrets = ({ kind, fields }: Credential): boolean => {
  const rows = rowsOf(kind)
  return Object.keys(fields).some((name) => rows[name]?.secret)
}

/** Who knows four characters of a short one knows too much of it. */
const shortestShown = 12

const hidden = (secret: string): string => (secret.length < shortestShown ? '…' : `…${secret.slice(-4)}`)

function shownOfKeyFile(text: string): Record<string, string> {
  const { client_email, project_id } = JSON.parse(text) as Record<string, string>
  return { ...(client_email !== undefined && { client_email }), ...(project_id !== undefined && { project_id }) }
}

const rowsOf = (kind: string): Readonly<Record<string, CredentialField>> => kindOf({ kind })?.fields ?? {}

/** Equal for equal secrets of this installation, and of no use elsewhere. */
export const fingerprint = (salt: string, secrets: readonly string[]): string =>
  secrets.length === 0
    ? ''
    : createHmac('sha256', Buffer.from(salt, 'base64')).update(JSON.stringify(secrets)).digest('hex').slice(0, 16)

/** For messages. */
export const named = ({ id, provider, projectId }: StoredCredential): string =>
  `credential ${id} (${provider}, project ${projectId})`

const mostNamed = 5

export function inList(names: readonly string[]): string {
  const more = names.length - mostNamed
  return names.slice(0, mostNamed).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
