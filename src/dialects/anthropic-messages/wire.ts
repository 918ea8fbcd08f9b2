import type { CacheMark, Extra } from '../../core/chat.ts'
import { type Fields, fieldsOf, isFields, without } from '../values.ts'

/** The name of this dialect, under which what only it knows is kept. */
export const dialectName = 'anthropic-messages'

/** Whose seals its thoughts carry: Claude's are good at Anthropic, on Bedrock and on Vertex alike. */
export const sealedBy = 'anthropic'

export type Block = Readonly<Record<string, unknown>>

/** What this dialect kept for itself and must not get lost. */
export const ownFields = (extra: Extra | undefined): Fields => (extra?.dialect === dialectName ? extra.fields : {})

/** What this dialect kept for itself and nobody else would miss. */
export const ownEcho = (extra: Extra | undefined): Fields =>
  extra?.dialect === dialectName ? fieldsOf(extra.echo) : {}

/** An extra of this dialect, if there is anything to keep. */
export function extraOf(fields: Fields, echo: Fields = {}): { extra?: Extra } {
  const hasEcho = hasAny(echo)
  if (!hasEcho && !hasAny(fields)) return {}
  return { extra: { dialect: dialectName, fields, ...(hasEcho && { echo }) } }
}

export function hasAny(fields: Fields): boolean {
  for (const name in fields) if (Object.hasOwn(fields, name)) return true
  return false
}

/** A mark of the cache, and what is left of the block without it; a mark of a kind that we do not know stays where it is. */
export function takeCache(block: Fields): { readonly cache?: CacheMark } {
  const mark = block.cache_control
  if (!isFields(mark) || mark.type !== 'ephemeral') return {}
  const { ttl } = mark
  if (ttl === '5m' || ttl === '1h') return { cache: { ttl } }
  return ttl === undefined || ttl === null ? { cache: {} } : {}
}

export const cacheControl = (cache: CacheMark | undefined): Fields =>
  cache ? { cache_control: { type: 'ephemeral', ...(cache.ttl && { ttl: cache.ttl }) } } : {}

/** What nobody understood of a block, the mark of the cache among it where it could not be read. */
export function unknownIn(block: Fields, known: ReadonlySet<string>, cache: CacheMark | undefined): Fields {
  const rest = without(block, known)
  if (cache || !isFields(block.cache_control)) return rest
  return { ...rest, cache_control: block.cache_control }
}
