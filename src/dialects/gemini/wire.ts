import type { Extra } from '../../core/chat.ts'
import { type Fields, fieldsOf, isFields, listOf, without } from '../values.ts'

export const own = 'gemini'

/**
 * Google takes camelCase and snake_case for the same. Only the names of its own fields are made one: arguments, schemas
 * and labels have names that somebody chose.
 */
export function named(fields: Fields): Fields {
  for (const name in fields) {
    if (name.includes('_')) return Object.fromEntries(Object.entries(fields).map(([key, value]) => [camel(key), value]))
  }
  return fields
}

const camel = (name: string): string =>
  name.replace(/(?<=[a-z0-9])_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

/** The objects of a list. One alone may stand without its list. */
export const manyOf = (value: unknown): readonly Fields[] => (isFields(value) ? [value] : listOf(value))

/** What is left of the fields, for their way back; `undefined` when nothing is. */
export function extraOf(fields: Fields, known: ReadonlySet<string>, echo?: Fields): Extra | undefined {
  let rest: Fields | undefined
  for (const name in fields) {
    if (known.has(name)) continue
    rest = without(fields, known)
    break
  }
  if (!echo && (!rest || Object.keys(rest).length === 0)) return undefined
  return { dialect: own, fields: rest ?? {}, ...(echo && { echo }) }
}

/** Fields that are nested in the wire, under names with a dot. */
export const dotted = (outer: string, fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [`${outer}.${name}`, value]))

export const isOwn = (extra: Extra | undefined): boolean => extra?.dialect === own

/** What nobody else misses, by its name. Names that begin with `#` are notes and never stand in the wire. */
export const echoOf = (extra: Extra | undefined, name: string): unknown =>
  isOwn(extra) ? extra?.echo?.[name] : undefined

/** Puts back what only this dialect knows. */
export function withExtra(body: Record<string, unknown>, extra: Extra | undefined): Record<string, unknown> {
  if (!extra || !isOwn(extra)) return body
  put(body, extra.fields)
  if (extra.echo) put(body, extra.echo)
  return body
}

function put(body: Record<string, unknown>, fields: Fields): void {
  for (const [name, value] of Object.entries(fields)) {
    if (name.startsWith('#')) continue
    const dot = name.indexOf('.')
    const outer = name.slice(0, dot)
    if (dot <= 0) define(body, name, value)
    else
      define(body, outer, { ...fieldsOf(Object.hasOwn(body, outer) ? body[outer] : {}), [name.slice(dot + 1)]: value })
  }
}

/** As an own property even for `__proto__`. */
const define = (body: object, name: string, value: unknown): void => {
  Object.defineProperty(body, name, { value, enumerable: true, writable: true, configurable: true })
}
