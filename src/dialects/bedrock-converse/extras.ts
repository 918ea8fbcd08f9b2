import type { Extra } from '../../core/chat.ts'
import { type Fields, without } from '../values.ts'

export const dialectName = 'bedrock-converse'

const isEmpty = (fields: Fields | undefined): boolean => fields === undefined || Object.keys(fields).length === 0

/** An `extra` member for what is only ours, or none when there is nothing of the kind. */
export const extraOf = (fields: Fields, echo?: Fields): { extra?: Extra } =>
  isEmpty(fields) && isEmpty(echo)
    ? {}
    : { extra: { dialect: dialectName, fields, ...(!isEmpty(echo) && { echo: echo as Fields }) } }

/** An `extra` member for the fields that nobody read. */
export const restOf = (fields: Fields, read: ReadonlySet<string>, echo?: Fields): { extra?: Extra } =>
  extraOf(without(fields, read), echo)

/** What is ours in an extra. */
export const ownFields = (extra: Extra | undefined): Fields => (extra?.dialect === dialectName ? extra.fields : {})
export const ownEcho = (extra: Extra | undefined): Fields => (extra?.dialect === dialectName ? (extra.echo ?? {}) : {})

/** Names the fields that only another dialect knows. */
export function sayForeign(extra: Extra | undefined, drop: (what: string) => void): void {
  if (extra === undefined || extra.dialect === dialectName) return
  for (const field of Object.keys(extra.fields)) drop(field)
}
