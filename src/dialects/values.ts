/** Reading of what came from outside, where a field may be missing, null, or something else altogether. */

export type Fields = Readonly<Record<string, unknown>>

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What a text or bytes in UTF-8 are as JSON; undefined when they are none. */
export function jsonOf(written: string | Buffer): unknown {
  try {
    return JSON.parse(typeof written === 'string' ? written : written.toString('utf8'))
  } catch {
    return undefined
  }
}

/** An object, or an empty one in place of anything else. */
export const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {})

/** The objects of a list, where the wire may have `null`, nothing or something else for both. */
export function listOf<T extends object>(value: readonly (T | null)[] | null | undefined): readonly T[]
export function listOf(value: unknown): readonly Fields[]
export function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) return []
  return value.every(isFields) ? value : value.filter(isFields)
}

/** Text where the wire may have anything: what is none of it is shown as it was written. */
export const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value)

export const stringOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
export const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined
export const booleanOf = (value: unknown): boolean | undefined => (typeof value === 'boolean' ? value : undefined)

export const listIn = (value: unknown): readonly unknown[] | undefined => (Array.isArray(value) ? value : undefined)
export const objectIn = (value: unknown): Fields | undefined => (isFields(value) ? value : undefined)

/** A count of tokens; anything that cannot be one is unknown. */
export const countOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined

/** A row of a table by a word from outside, which may also be `constructor`. */
export const rowOf = <T>(table: Readonly<Record<string, T>>, word: unknown): T | undefined =>
  typeof word === 'string' && Object.hasOwn(table, word) ? table[word] : undefined

/** The fields without those that are named: what is left is what nobody understood. `undefined` and null are nothing. */
export function without(fields: Fields, names: ReadonlySet<string>): Fields {
  const rest: Record<string, unknown> = {}
  // As an own property even for `__proto__`, which JSON.parse makes one too.
  for (const name of Object.keys(fields)) {
    const value = fields[name]
    if (value !== undefined && value !== null && !names.has(name))
      Object.defineProperty(rest, name, { value, enumerable: true, writable: true, configurable: true })
  }
  return rest
}

/** Of the fields that are read, those that are there and cannot be: nobody understood them either. */
export function misread(fields: Fields, readers: Readonly<Record<string, (value: unknown) => unknown>>): Fields {
  const rest: Record<string, unknown> = {}
  for (const name in readers) {
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (value !== undefined && value !== null && readers[name]?.(value) === undefined) rest[name] = value
  }
  return rest
}

/** The object without the members that are `undefined`. */
export function present<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const known: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) known[name] = value
  return known as { [K in keyof T]: Exclude<T[K], undefined> }
}
