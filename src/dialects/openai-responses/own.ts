import type { Extra } from '../../core/chat.ts'
import { type Fields, fieldsOf } from '../values.ts'

/** The dialect's name, by which it knows what it wrote itself. */
export const own = 'openai-responses'

/** What only this dialect knows, where there is any of it. */
export function extraOf(fields: Fields, echo: Fields = {}): { readonly extra?: Extra } {
  const hasEcho = Object.keys(echo).length > 0
  if (!hasEcho && Object.keys(fields).length === 0) return {}
  return { extra: { dialect: own, fields, ...(hasEcho && { echo }) } }
}

export const isOwn = (extra: Extra | undefined): boolean => extra?.dialect === own
export const ownFields = (extra: Extra | undefined): Fields => (isOwn(extra) ? (extra as Extra).fields : {})
export const ownEcho = (extra: Extra | undefined): Fields => (isOwn(extra) ? ((extra as Extra).echo ?? {}) : {})

/**
 * What an item says beside its content. Texts of one message are parts of their own here: each remembers its item, so
 * that they become one item again.
 */
export const itemRest = (extra: Extra | undefined): Fields | undefined => {
  const { item } = ownEcho(extra)
  return item === undefined ? undefined : fieldsOf(item)
}

/** Parts with the same key were one item. Items that have no id are told apart by being other objects. */
export const itemKey = (extra: Extra | undefined): unknown => {
  const rest = itemRest(extra)
  return rest && typeof rest.id === 'string' ? rest.id : rest
}

/** Ids of items that we made for other providers' answers. To OpenAI they mean nothing, and are not sent there. */
export const madePrefix = (prefix: string): string => `${prefix}_tl_`
export const itemId = (prefix: string, base: string, index: number): string => `${madePrefix(prefix)}${base}_${index}`
export const isMadeItemId = (id: unknown): boolean => typeof id === 'string' && /^[a-z]+_tl_/.test(id)

/** What an id of ours is made of: the answer's own id, without its prefix. */
export const placeOfItem = (id: unknown): string | undefined =>
  typeof id === 'string' ? /^[a-z]+_tl_(.+)_\d+$/.exec(id)?.[1] : undefined
