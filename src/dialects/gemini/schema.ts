import { type Fields, isFields } from '../values.ts'

/**
 * Google has two forms of schema: JSON Schema as it is, in fields of their own, and for older models a subset of OpenAPI
 * with types in capitals, where much has no place.
 */

const numeric = ['minItems', 'maxItems', 'minProperties', 'maxProperties', 'minLength', 'maxLength'] as const

/** OpenAPI's subset as JSON Schema, for everybody else. */
export function fromOpenApi(schema: unknown): unknown {
  if (!isFields(schema)) return schema
  const { nullable, example, propertyOrdering: _, property_ordering: __, any_of, ...rest } = schema
  const json: Record<string, unknown> = { ...rest, ...(any_of !== undefined && { anyOf: any_of }) }
  if (typeof json.type === 'string') {
    if (json.type === 'TYPE_UNSPECIFIED') delete json.type
    else json.type = json.type.toLowerCase()
  }
  // An enumeration is no format in JSON Schema.
  if (json.format === 'enum') delete json.format
  // Counts are 64-bit integers, which Google's JSON may write as strings.
  for (const name of numeric) if (typeof json[name] === 'string' && json[name] !== '') json[name] = Number(json[name])
  if (example !== undefined) json.examples = [example]
  if (isFields(json.properties)) json.properties = mapped(json.properties, fromOpenApi)
  if (json.items !== undefined) json.items = fromOpenApi(json.items)
  if (Array.isArray(json.anyOf)) json.anyOf = json.anyOf.map(fromOpenApi)
  return nullable === true ? orNull(json) : json
}

function orNull(json: Record<string, unknown>): unknown {
  if (Array.isArray(json.anyOf)) return { ...json, anyOf: [...json.anyOf, { type: 'null' }] }
  const withNull = Array.isArray(json.enum) && !json.enum.includes(null) ? { enum: [...json.enum, null] } : {}
  return typeof json.type === 'string' ? { ...json, type: [json.type, 'null'], ...withNull } : json
}

const mapped = (fields: Fields, change: (value: unknown) => unknown): Fields =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, change(value)]))

export interface Narrowed {
  /** Absent when nothing would be left, which Google refuses. */
  readonly schema?: Fields
  /** The keywords that had to go. */
  readonly lost: readonly string[]
}

/** JSON Schema in OpenAPI's subset, as far as it goes. */
export function toOpenApi(schema: unknown): Narrowed {
  const lost = new Set<string>()
  const narrow = new Narrowing(schema, lost)
  const openApi = narrow.of(schema, [])
  const isEmpty =
    openApi.type === 'OBJECT' && Object.keys((openApi.properties as Fields | undefined) ?? {}).length === 0
  return { lost: [...lost], ...(!isEmpty && Object.keys(openApi).length > 0 && { schema: openApi }) }
}

/** How often references are followed in one schema: a few definitions that name each other can unfold without end. */
const mostReferences = 500

/** What goes over as it is. */
const kept: ReadonlySet<string> = new Set([
  'title',
  'description',
  'pattern',
  'minimum',
  'maximum',
  'default',
  'propertyOrdering',
  'nullable',
  ...numeric,
])

/** What is read elsewhere, or what nobody misses. */
const handled: ReadonlySet<string> = new Set([
  'type',
  'enum',
  'const',
  'format',
  'items',
  'properties',
  'required',
  'anyOf',
  'oneOf',
  'allOf',
  '$ref',
  '$defs',
  'definitions',
  '$schema',
  '$id',
  '$comment',
  '$anchor',
  'examples',
  'example',
  'additionalProperties',
])

const formats: Readonly<Record<string, readonly string[]>> = {
  NUMBER: ['float', 'double'],
  INTEGER: ['int32', 'int64'],
  STRING: ['enum', 'date-time'],
}

class Narrowing {
  private readonly root: unknown
  private readonly lost: Set<string>
  private references = 0

  constructor(root: unknown, lost: Set<string>) {
    this.root = root
    this.lost = lost
  }

  of(schema: unknown, path: readonly string[]): Record<string, unknown> {
    if (!isFields(schema)) return {}
    if (typeof schema.$ref === 'string') return this.referred(schema, schema.$ref, path)
    const out: Record<string, unknown> = {}
    const whole = Array.isArray(schema.allOf) ? this.merged(schema, schema.allOf) : schema
    for (const [name, value] of Object.entries(whole)) {
      if (kept.has(name)) out[name] = value
      else if (!handled.has(name)) this.lost.add(name)
    }
    if (isFields(whole.additionalProperties)) this.lost.add('additionalProperties')
    this.type(whole, out, path)
    this.enumeration(whole, out)
    this.format(whole, out)
    this.inside(whole, out, path)
    const examples = Array.isArray(whole.examples) ? whole.examples[0] : whole.example
    if (examples !== undefined) out.example = examples
    return out
  }

  /** There are no references here: what they name stands in their place. One that comes back to itself ends there. */
  private referred(
    { $ref: _, ...beside }: Fields,
    reference: string,
    path: readonly string[],
  ): Record<string, unknown> {
    const target = path.includes(reference) || ++this.references > mostReferences ? undefined : this.find(reference)
    if (!isFields(target)) {
      this.lost.add('$ref')
      const description = typeof beside.description === 'string' ? { description: beside.description } : {}
      return { type: 'OBJECT', ...description }
    }
    return this.of({ ...target, ...beside }, [...path, reference])
  }

  private find(reference: string): unknown {
    if (!reference.startsWith('#')) return undefined
    let at = this.root
    for (const step of reference.split('/').slice(1)) {
      const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
      if (!isFields(at) || !Object.hasOwn(at, name)) return undefined
      at = at[name]
    }
    return at
  }

  private merged(schema: Fields, all: readonly unknown[]): Fields {
    let whole: Fields = schema
    for (const one of all) {
      const named = isFields(one) && typeof one.$ref === 'string' ? this.find(one.$ref) : one
      if (!isFields(named)) continue
      whole = {
        ...named,
        ...whole,
        ...((isFields(named.properties) || isFields(whole.properties)) && {
          properties: { ...(named.properties as Fields), ...(whole.properties as Fields) },
        }),
        ...((Array.isArray(named.required) || Array.isArray(whole.required)) && {
          required: [...new Set([...list(named.required), ...list(whole.required)])],
        }),
      }
    }
    return whole
  }

  /** There is one type only: null becomes `nullable`, several become a choice. */
  private type(schema: Fields, out: Record<string, unknown>, path: readonly string[]): void {
    const types = (Array.isArray(schema.type) ? schema.type : [schema.type]).filter(
      (type): type is string => typeof type === 'string',
    )
    const real = types.filter((type) => type.toLowerCase() !== 'null')
    if (real.length < types.length) out.nullable = true
    if (real.length > 1) {
      const { type: _, title: __, description: ___, ...rest } = schema
      out.anyOf = real.map((type) => this.of({ ...rest, type }, path))
    } else if (real.length === 1) out.type = (real[0] as string).toUpperCase()
    else if (isFields(schema.properties)) out.type = 'OBJECT'
  }

  /** Only strings can be enumerated. */
  private enumeration(schema: Fields, out: Record<string, unknown>): void {
    const values = schema.const !== undefined ? [schema.const] : Array.isArray(schema.enum) ? schema.enum : undefined
    if (!values) return
    const real = values.filter((value) => value !== null)
    if (real.length < values.length) out.nullable = true
    if (real.every((value) => typeof value === 'string')) {
      out.enum = real
      out.type ??= 'STRING'
      return
    }
    this.lost.add('enum')
    const hint = `One of: ${real.map((value) => JSON.stringify(value)).join(', ')}.`
    out.description = typeof out.description === 'string' ? `${out.description} ${hint}` : hint
  }

  private format({ format }: Fields, out: Record<string, unknown>): void {
    if (typeof format !== 'string') return
    const allowed = typeof out.type === 'string' && Object.hasOwn(formats, out.type) ? formats[out.type] : []
    if (allowed?.includes(format)) out.format = format
    else this.lost.add('format')
  }

  private inside(schema: Fields, out: Record<string, unknown>, path: readonly string[]): void {
    // Where there are several types, each of them has its own.
    if (out.anyOf !== undefined) return
    const choice = [schema.anyOf, schema.oneOf].find(Array.isArray) as readonly unknown[] | undefined
    if (choice) this.choice(choice, out, path)
    if (out.type === 'OBJECT' && isFields(schema.properties)) {
      const properties = mapped(schema.properties, (value) => this.of(value, path))
      out.properties = properties
      const required = list(schema.required).filter((name) => Object.hasOwn(properties, name))
      if (required.length > 0) out.required = required
    }
    if (out.type === 'ARRAY') out.items = this.items(schema.items, path)
  }

  private choice(choice: readonly unknown[], out: Record<string, unknown>, path: readonly string[]): void {
    const real = choice.filter((one) => !(isFields(one) && one.type === 'null'))
    if (real.length < choice.length) out.nullable = true
    if (real.length === 1) {
      for (const [name, value] of Object.entries(this.of(real[0], path))) if (out[name] === undefined) out[name] = value
    } else if (real.length > 1) out.anyOf = real.map((one) => this.of(one, path))
  }

  /** An array has to say what it is made of. */
  private items(items: unknown, path: readonly string[]): Fields {
    const made = this.of(Array.isArray(items) ? items[0] : items, path)
    return Object.keys(made).length === 0 ? { type: 'STRING' } : made
  }
}

const list = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((name): name is string => typeof name === 'string') : []
