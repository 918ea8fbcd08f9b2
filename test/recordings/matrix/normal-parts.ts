/** Rules that hold in every wire format: what two spellings have in common. */
import { isObj, list, type Tree } from './oracle/tree.ts'

/** Schemas and arguments, in which a null is a value like others. */
const kept = new Set(['parameters', 'parametersJsonSchema', 'input_schema', 'schema', 'args', 'enum', 'json'])

/** A member that is null says no more than one that is missing. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (!isObj(value)) return value
  const out: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(value)) {
    if (member === null || member === undefined) continue
    out[name] = kept.has(name) ? member : withoutNulls(member)
  }
  return out
}

/** A list without members, or an object without any, says no more than none. */
export const filled = (fields: Tree, ...names: readonly string[]): Tree =>
  Object.fromEntries(
    Object.entries(fields).filter(([name, value]) => {
      if (!names.includes(name)) return true
      return Array.isArray(value) ? value.length > 0 : !isObj(value) || Object.keys(value).length > 0
    }),
  )

export const mapList = (value: unknown, map: (item: Tree) => unknown): unknown =>
  Array.isArray(value) ? value.map((item) => (isObj(item) ? map(item) : item)) : value

/** Text alone is a list of one text. */
export const asParts = (content: unknown, type = 'text'): unknown =>
  typeof content === 'string' ? [{ type, text: content }] : content

export const withoutDefaults = (fields: Tree, defaults: Tree): Tree =>
  Object.fromEntries(Object.entries(fields).filter(([name, value]) => defaults[name] !== value))

/** Neighbours of one role are one turn: the provider joins them. */
export function merged(messages: unknown, content: string): unknown {
  const out: Tree[] = []
  for (const message of list(messages)) {
    const last = out.at(-1)
    if (last && last.role === message.role)
      out[out.length - 1] = { ...last, ...message, [content]: [...list(last[content]), ...list(message[content])] }
    else out.push(message)
  }
  return out
}
