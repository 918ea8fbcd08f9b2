import { GatewayError } from '../../core/error.ts'

type Fields = Readonly<Record<string, unknown>>

/** What is the same all through one instance, and how much of it there may still be. */
interface Making {
  readonly root: unknown
  left: number
}

/** Where we are: the references being followed, and which of several items this is, so that they can differ. */
interface Place {
  readonly depth: number
  readonly within: readonly string[]
  readonly nth: number
}

/** Values in an instance, and characters in one of its strings. References can make a small schema's instance endless. */
const mostValues = 10_000
const mostDepth = 100

/** No instance here: the schema needs itself, so another branch has to be taken. */
const none = Symbol('none')

/**
 * The smallest instance of a JSON Schema, always the same one: required properties only, as few items as allowed, the
 * first value of an `enum` and the first branch that can be met. `pattern`, `not`, `if` and `oneOf`'s "only one" are
 * not looked at. `param` is where the schema stands in the request.
 */
export function instanceOf(schema: unknown, param: string): unknown {
  const value = make(schema, { depth: 0, within: [], nth: 0 }, { root: schema, left: mostValues })
  if (value !== none) return value
  throw new GatewayError(
    'bad_request',
    `No value can satisfy the schema in \`${param}\`: it needs itself without end, or is nested too deeply.`,
    {
      param,
      openaiCode: 'invalid_json_schema',
    },
  )
}

function make(schema: unknown, place: Place, making: Making): unknown {
  spend(making, 1)
  if (place.depth > mostDepth) return none
  if (!isFields(schema)) return schema === false ? none : word
  const inner = { ...place, depth: place.depth + 1 }
  if (typeof schema.$ref === 'string') {
    const { $ref: ref, ...beside } = schema
    if (place.within.includes(ref)) return none
    const meant = referred(making.root, ref)
    return make(both(isFields(meant) ? meant : {}, beside), { ...inner, within: [...place.within, ref] }, making)
  }
  if (Array.isArray(schema.allOf)) {
    const { allOf, ...beside } = schema
    return makeAll([...(allOf as unknown[]), beside], inner, making)
  }
  if ('const' in schema) return schema.const
  if (Array.isArray(schema.enum)) return schema.enum.length > 0 ? schema.enum[place.nth % schema.enum.length] : none
  if ('default' in schema && place.nth === 0) return schema.default
  for (const choice of ['anyOf', 'oneOf'] as const) {
    const { [choice]: branches, ...beside } = schema
    if (Array.isArray(branches)) return makeFirst(branches, beside, inner, making)
  }
  if (Array.isArray(schema.type) && schema.type.length > 1) {
    const { type, ...beside } = schema
    return makeFirst(
      type.map((one: unknown) => ({ type: one })),
      beside,
      inner,
      making,
    )
  }
  switch (typeOf(schema)) {
    case 'object':
      return makeObject(schema, inner, making)
    case 'array':
      return makeArray(schema, inner, making)
    case 'integer':
      return makeNumber(schema, 1, place.nth)
    case 'number':
      return makeNumber(schema, undefined, place.nth)
    case 'boolean':
      return place.nth % 2 === 1
    case 'null':
      return null
    default:
      return makeString(schema, place.nth, making)
  }
}

/** References are followed first, since what they mean has to be put together with the rest. */
function makeAll(parts: readonly unknown[], place: Place, making: Making): unknown {
  let all: Fields = {}
  let within = place.within
  for (const part of parts) {
    let one = part
    while (isFields(one) && typeof one.$ref === 'string') {
      const { $ref: ref, ...beside } = one
      if (within.includes(ref)) return none
      spend(making, 1)
      within = [...within, ref]
      const meant = referred(making.root, ref)
      one = both(isFields(meant) ? meant : {}, beside)
    }
    if (one === false) return none
    if (!isFields(one)) continue
    spend(making, Object.keys(fieldsOf(one.properties)).length)
    all = both(all, one)
  }
  return make(all, { ...place, within }, making)
}

function makeFirst(branches: readonly unknown[], beside: Fields, place: Place, making: Making): unknown {
  for (const branch of branches) {
    const value = makeAll([beside, branch], place, making)
    if (value !== none) return value
  }
  return none
}

function makeObject(schema: Fields, place: Place, making: Making): unknown {
  const properties = fieldsOf(schema.properties)
  const needed = new Set(listOf(schema.required).filter((name) => typeof name === 'string'))
  const order = Object.keys(properties).filter((name) => needed.has(name))
  const entries: [string, unknown][] = []
  for (const name of new Set([...order, ...needed])) {
    const value = make(own(properties, name) ?? schema.additionalProperties ?? {}, place, making)
    if (value === none) return none
    entries.push([name, value])
  }
  return Object.fromEntries(entries)
}

function makeArray(schema: Fields, place: Place, making: Making): unknown {
  const first = listOf(schema.prefixItems)
  const count = number(schema.minItems) ?? 0
  const items: unknown[] = []
  for (let index = 0; index < count; index++) {
    const nth = schema.uniqueItems === true ? index : place.nth
    const item = make(index < first.length ? first[index] : (schema.items ?? {}), { ...place, nth }, making)
    if (item === none) return none
    items.push(item)
  }
  return items
}

/** Nought if it is allowed, else what is nearest to a bound. */
function makeNumber(schema: Fields, smallestStep: number | undefined, nth: number): number {
  const step = number(schema.multipleOf) || smallestStep
  const least = Math.max(number(schema.minimum) ?? -Infinity, number(schema.exclusiveMinimum) ?? -Infinity)
  const most = Math.min(number(schema.maximum) ?? Infinity, number(schema.exclusiveMaximum) ?? Infinity)
  const isAllowed = (value: number): boolean =>
    Number.isFinite(value) &&
    value >= least &&
    value <= most &&
    value !== schema.exclusiveMinimum &&
    value !== schema.exclusiveMaximum
  const candidates =
    step === undefined
      ? [0, least, most, least + 1, most - 1, (least + most) / 2]
      : [
          0,
          Math.ceil(least / step) * step,
          (Math.floor(least / step) + 1) * step,
          Math.floor(most / step) * step,
          (Math.ceil(most / step) - 1) * step,
        ]
  const value = candidates.find(isAllowed) ?? 0
  // Minus nought would be written as 0 but is not equal to it.
  return value + nth * (step ?? 1) + 0
}

const word = 'mock'

const formats: Readonly<Record<string, string>> = {
  'date-time': '2025-01-01T00:00:00Z',
  date: '2025-01-01',
  time: '00:00:00Z',
  duration: 'P1D',
  email: 'mock@example.com',
  'idn-email': 'mock@example.com',
  hostname: 'example.com',
  'idn-hostname': 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uuid: '00000000-0000-4000-8000-000000000000',
  uri: 'https://example.com/',
  'uri-reference': '/mock',
  iri: 'https://example.com/',
  'json-pointer': '/mock',
  regex: '.*',
}

function makeString(schema: Fields, nth: number, making: Making): string {
  const { format } = schema
  const known = typeof format === 'string' && Object.hasOwn(formats, format) ? formats[format] : undefined
  if (known !== undefined) return known
  const least = number(schema.minLength) ?? 0
  const most = number(schema.maxLength) ?? Infinity
  spend(making, least)
  const written = nth === 0 ? word : `${nth}${word}`
  return written.padEnd(least, word).slice(0, Math.max(0, most))
}

/** Named, or told from the other keywords. */
function typeOf(schema: Fields): unknown {
  const { type } = schema
  if (Array.isArray(type)) return type[0]
  if (type !== undefined) return type
  if ('properties' in schema || 'required' in schema) return 'object'
  if ('items' in schema || 'prefixItems' in schema || 'minItems' in schema) return 'array'
  if (['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'].some((name) => name in schema))
    return 'number'
  return 'string'
}

/** A schema that demands what both do. */
function both(a: Fields, b: Fields): Fields {
  const merged: Record<string, unknown> = { ...a, ...b }
  for (const name of Object.keys(b)) {
    if (Object.hasOwn(a, name) && Object.hasOwn(joins, name)) merged[name] = joins[name]?.(a[name], b[name])
  }
  return merged
}

const joins: Readonly<Record<string, (a: unknown, b: unknown) => unknown>> = {
  type: (a, b) => {
    const names = inBoth(listOf(a, true), listOf(b, true))
    if (names.length > 0) return names
    // An integer is a number; other types have nothing in common.
    return [a, b].includes('integer') ? 'integer' : b
  },
  enum: (a, b) => inBoth(listOf(a), listOf(b)),
  required: (a, b) => [...new Set([...listOf(a), ...listOf(b)])],
  properties: (a, b) => joinProperties(fieldsOf(a), fieldsOf(b)),
  allOf: (a, b) => [...listOf(a), ...listOf(b)],
  anyOf: (a, b) => crossed(a, b),
  oneOf: (a, b) => crossed(a, b),
  minimum: (a, b) => Math.max(Number(a), Number(b)),
  exclusiveMinimum: (a, b) => Math.max(Number(a), Number(b)),
  minLength: (a, b) => Math.max(Number(a), Number(b)),
  minItems: (a, b) => Math.max(Number(a), Number(b)),
  maximum: (a, b) => Math.min(Number(a), Number(b)),
  exclusiveMaximum: (a, b) => Math.min(Number(a), Number(b)),
  maxLength: (a, b) => Math.min(Number(a), Number(b)),
}

function inBoth(a: readonly unknown[], b: readonly unknown[]): readonly unknown[] {
  const written = new Set(b.map((value) => JSON.stringify(value)))
  return a.filter((value) => written.has(JSON.stringify(value)))
}

const joinProperties = (a: Fields, b: Fields): Fields =>
  Object.fromEntries(
    [...new Set([...Object.keys(a), ...Object.keys(b)])].map((name) => [
      name,
      Object.hasOwn(a, name) && Object.hasOwn(b, name) ? { allOf: [a[name], b[name]] } : (own(a, name) ?? own(b, name)),
    ]),
  )

/** Two choices at once: every pair of branches, so long as they are few. */
const crossed = (a: unknown, b: unknown): readonly unknown[] =>
  listOf(a)
    .slice(0, 16)
    .flatMap((one) =>
      listOf(b)
        .slice(0, 16)
        .map((other) => ({ allOf: [one, other] })),
    )

/** What a reference within the schema points at; nothing is fetched. */
function referred(root: unknown, ref: string): unknown {
  if (!ref.startsWith('#')) return undefined
  let at: unknown = root
  for (const step of ref.slice(1).split('/').slice(1)) {
    const name = decoded(step).replaceAll('~1', '/').replaceAll('~0', '~')
    at = Array.isArray(at) ? at[Number(name)] : own(fieldsOf(at), name)
  }
  return at
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step)
  } catch {
    return step
  }
}

function spend(making: Making, values: number): void {
  making.left -= values
  if (making.left >= 0) return
  throw new GatewayError(
    'bad_request',
    `The smallest instance of a schema in this request has more than ${mostValues} values.`,
    {
      openaiCode: 'invalid_json_schema',
    },
  )
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {})

const own = (fields: Fields, name: string): unknown => (Object.hasOwn(fields, name) ? fields[name] : undefined)

const listOf = (value: unknown, orOne = false): readonly unknown[] =>
  Array.isArray(value) ? value : orOne ? [value] : []

const number = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined
