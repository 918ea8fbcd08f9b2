import type { Extra } from '../core/chat.ts'
import { type Fields, without } from './values.ts'

/** How a dialect keeps what only it knows, and takes it back. */
export interface Extras {
  /** An `extra` member for what is only ours, or none when there is nothing of the kind. */
  readonly extraOf: (fields: Fields, echo?: Fields) => { extra?: Extra }
  /** An `extra` member for the fields that nobody read. */
  readonly restOf: (fields: Fields, read: ReadonlySet<string>, echo?: Fields) => { extra?: Extra }
  /** What is ours in an extra. */
  readonly ownFields: (extra: Extra | undefined) => Fields
  readonly ownEcho: (extra: Extra | undefined) => Fields
  /** Names the fields that only another dialect knows. */
  readonly sayForeign: (extra: Extra | undefined, drop: (what: string) => void) => void
}

const isEmpty = (fields: Fields): boolean => Object.keys(fields).length === 0

export function extrasOf(dialect: string): Extras {
  const extraOf = (fields: Fields, echo: Fields = {}): { extra?: Extra } =>
    isEmpty(fields) && isEmpty(echo) ? {} : { extra: { dialect, fields, ...(!isEmpty(echo) && { echo }) } }
  return {
    extraOf,
    restOf: (fields, read, echo) => extraOf(without(fields, read), echo),
    ownFields: (extra) => (extra?.dialect === dialect ? extra.fields : {}),
    ownEcho: (extra) => (extra?.dialect === dialect ? (extra.echo ?? {}) : {}),
    sayForeign(extra, drop) {
      if (extra === undefined || extra.dialect === dialect) return
      for (const field of Object.keys(extra.fields)) drop(field)
    },
  }
}
