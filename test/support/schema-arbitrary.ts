import fc from 'fast-check'
import { resolved } from './schema-check.ts'

export interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly additionalProperties?: Schema | boolean
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
}

/** Values that a field of a name is likely to be given, beside those that its schema allows. */
export type Likely = Readonly<Record<string, readonly unknown[]>>

/** Texts that have hurt somebody's server. */
export const nasty = [
  '',
  ' ',
  '0',
  '-1',
  'null',
  "' OR 1=1 --",
  '"; DROP TABLE projects; --',
  '__proto__',
  'constructor',
  '../../etc/passwd',
  '%2e%2e%2f',
  '%',
  '\u0000',
  'a\nb',
  'a\r\nx-evil: 1',
  '\u202e',
  '\ud800',
  '🦊'.repeat(60),
  '<script>alert(1)</script>',
  '{{7*7}}',
  '1e400',
  'x'.repeat(5000),
]

export const junk: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(...nasty, null, true, 0, -1, 1.5, 2 ** 53, 1e308, [], {}, [[]], { a: { b: [] } }),
  fc.jsonValue({ maxDepth: 2 }),
)

/** What fits a schema of the document. */
export function fitting(document: object, schema: Schema, likely: Likely, name = ''): fc.Arbitrary<unknown> {
  const own = bare(document, schema, likely)
  const known = likely[name]
  return known ? fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...known) }, { weight: 1, arbitrary: own }) : own
}

function bare(document: object, schema: Schema, likely: Likely): fc.Arbitrary<unknown> {
  if (schema.$ref !== undefined) return bare(document, resolved(document, schema.$ref) as Schema, likely)
  if (schema.enum) return fc.constantFrom(...schema.enum)
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((one) => bare(document, one, likely)))
  if (Array.isArray(schema.type))
    return fc.oneof(...schema.type.map((type) => bare(document, { ...schema, type }, likely)))
  switch (schema.type) {
    case 'string':
      return text(schema)
    case 'integer':
      return fc.integer({ min: schema.minimum ?? -5, max: Math.min(schema.maximum ?? 1e6, 2 ** 31 - 1) })
    case 'number':
      return fc.double({ min: schema.minimum ?? -5, max: schema.maximum ?? 1e6, noNaN: true })
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'array':
      return fc.array(bare(document, schema.items ?? {}, likely), {
        minLength: schema.minItems ?? 0,
        maxLength: (schema.minItems ?? 0) + 3,
      })
    case 'object':
      return object(document, schema, likely)
    default:
      return fc.jsonValue({ maxDepth: 1 })
  }
}

function object(document: object, { properties = {}, required = [], additionalProperties }: Schema, likely: Likely) {
  const fields = Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, fitting(document, schema, likely, name)]),
  )
  // With all that may be there at once, something would nearly always not go with something else.
  const optional = Object.keys(fields).filter((name) => !required.includes(name))
  if (Object.keys(fields).length > 0) {
    return fc.subarray(optional, { maxLength: Math.min(optional.length, 3) }).chain((some) => {
      const kept = [...required, ...some]
      return fc.record(Object.fromEntries(kept.map((name) => [name, fields[name] as fc.Arbitrary<unknown>])))
    })
  }
  const inner = typeof additionalProperties === 'object' ? additionalProperties : {}
  return fc.dictionary(
    fc.oneof(fc.constantFrom('api_key', 'x-a', 'region'), fc.string({ minLength: 1, maxLength: 12 })),
    bare(document, inner, likely),
    {
      maxKeys: 3,
    },
  )
}

function text({ pattern, minLength = 0, maxLength = 40 }: Schema): fc.Arbitrary<string> {
  // What fast-check cannot read are classes of Unicode, which hardly any text of its own hits.
  if (pattern !== undefined && !pattern.includes('\\p')) return fc.stringMatching(new RegExp(pattern, 'u'))
  return fc.string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, 12) })
}

/** The same with something in it that does not fit. */
export const broken = (value: unknown): fc.Arbitrary<unknown> => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return junk
  const names = Object.keys(value)
  const other = fc.tuple(
    fc.oneof(fc.constantFrom(...names, 'extra', '__proto__', 'constructor'), fc.string({ maxLength: 8 })),
    junk,
  )
  return fc.oneof(
    { weight: 4, arbitrary: other.map(([name, wrong]) => ({ ...value, [name]: wrong })) },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom(...names, '')
        .map((name) => Object.fromEntries(Object.entries(value).filter(([key]) => key !== name))),
    },
    { weight: 1, arbitrary: junk },
  )
}
