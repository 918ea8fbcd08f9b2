import { type Expression, expressionBuilder, type SqlBool } from 'kysely'
import { GatewayError } from '../core/error.ts'
import type { Listed } from '../core/page.ts'

/** The columns by which a list is ordered, as they are in a row. */
type Key = readonly (string | number)[]

/** Rows that were asked for with one more than the limit, which says whether there are more. */
export function listed<Row, T>(
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => Key,
  view: (row: Row) => T,
): Listed<T> {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return {
    items: shown.map(view),
    ...(rows.length > limit && last !== undefined && { next: cursorOf(keyOf(last)) }),
  }
}

const cursorOf = (key: Key): string => Buffer.from(JSON.stringify(key)).toString('base64url')

/** Where a list goes on that is ordered by one name. */
export const afterName = (after: string | undefined): string | undefined => keyIn<[string]>(after, ['string'])?.[0]

/** What every table has whose lists are ordered by time, and among equals by id. */
interface ByTime {
  readonly row: { readonly created_us: number; readonly id: string }
}

/** The condition under which a row stands behind the place where such a list goes on. */
export function afterTime(after: string | undefined): Expression<SqlBool> | undefined {
  const key = keyIn<[number, string]>(after, ['number', 'string'])
  const { eb, refTuple, tuple } = expressionBuilder<ByTime, 'row'>()
  return key && eb(refTuple('created_us', 'id'), '>', tuple(...key))
}

function keyIn<K extends Key>(after: string | undefined, types: readonly ('string' | 'number')[]): K | undefined {
  if (after === undefined) return undefined
  let key: unknown
  try {
    key = JSON.parse(Buffer.from(after, 'base64url').toString('utf8'))
  } catch {
    // Said below.
  }
  const isOurs =
    Array.isArray(key) && key.length === types.length && types.every((type, index) => typeof key[index] === type)
  if (isOurs) return key as unknown as K
  throw new GatewayError('bad_request', '`after` must be the `next` of the part of the list before, as it was given.', {
    param: 'after',
  })
}
