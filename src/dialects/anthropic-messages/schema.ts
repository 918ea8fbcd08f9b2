import { type Fields, fieldsOf, isFields, listOf } from '../values.ts'

/** The least that a tool's input has to be: an object whose root is no choice between several. */
export function inputSchemaOf(schema: unknown): Fields {
  if (!isFields(schema)) return { type: 'object', properties: {} }
  const { anyOf, oneOf, allOf, ...rest } = schema
  const branches = [...listOf(anyOf), ...listOf(oneOf), ...listOf(allOf)]
  const root = rest.type === 'object' ? rest : { ...rest, type: 'object' }
  if (branches.length === 0) return root
  return mergedRoot(root, branches, [...listOf(allOf)])
}

/** What one of several may have, all of them together may have; only what each demands is still demanded. */
function mergedRoot(root: Fields, branches: readonly Fields[], all: readonly Fields[]): Fields {
  const properties: Record<string, unknown> = {}
  for (const part of [root, ...branches])
    for (const [name, value] of Object.entries(fieldsOf(part.properties)))
      Object.defineProperty(properties, name, { value, enumerable: true, configurable: true, writable: true })
  const others = branches.filter((branch) => !all.includes(branch)).map(requiredIn)
  const always = [root, ...all].flatMap(requiredIn)
  const [first = [], ...further] = others
  const common = first.filter((name) => further.every((names) => names.includes(name)))
  const required = [...new Set([...always, ...common])]
  return { ...root, properties, ...(required.length > 0 && { required }) }
}

const requiredIn = ({ required }: Fields): readonly string[] =>
  Array.isArray(required) ? required.filter((name) => typeof name === 'string') : []

/** Keywords that a schema which Claude has to keep to may not have; they become words of the description. */
const refused = new Set([
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'pattern',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minContains',
  'maxContains',
  'minProperties',
  'maxProperties',
])

const formats = new Set(['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'uri', 'ipv4', 'ipv6', 'uuid'])

const schemaLists = ['anyOf', 'oneOf', 'allOf', 'prefixItems'] as const
const schemaMaps = ['properties', '$defs', 'definitions'] as const

/** A schema as Claude takes it where it has to keep to it: every object closed, limits told in words. */
export function strictSchema(schema: unknown): unknown {
  if (!isFields(schema)) return schema
  const kept: Record<string, unknown> = {}
  const told: string[] = []
  for (const [name, value] of Object.entries(schema)) {
    const isRefused = refused.has(name) || (name === 'format' && !formats.has(value as string))
    if (isRefused) told.push(`${name}: ${JSON.stringify(value)}`)
    else if (name !== '__proto__') kept[name] = value
  }
  for (const name of schemaLists)
    if (Array.isArray(kept[name])) kept[name] = (kept[name] as unknown[]).map(strictSchema)
  for (const name of schemaMaps) if (isFields(kept[name])) kept[name] = mapped(kept[name])
  if (isFields(kept.items)) kept.items = strictSchema(kept.items)
  if (isFields(kept.properties) || kept.type === 'object') kept.additionalProperties = false
  if (told.length > 0) kept.description = [kept.description, `(${told.join(', ')})`].filter(Boolean).join(' ')
  return kept
}

function mapped(schemas: Fields): Fields {
  const out: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(schemas))
    Object.defineProperty(out, name, {
      value: strictSchema(value),
      enumerable: true,
      configurable: true,
      writable: true,
    })
  return out
}
