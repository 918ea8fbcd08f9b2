import { expect, test } from 'vitest'
import { instanceOf } from './schema.ts'

const cases: readonly { readonly name: string; readonly schema: unknown; readonly instance: unknown }[] = [
  { name: 'anything', schema: {}, instance: 'mock' },
  { name: 'a string', schema: { type: 'string' }, instance: 'mock' },
  { name: 'a long string', schema: { type: 'string', minLength: 6 }, instance: 'mockmo' },
  { name: 'a short string', schema: { type: 'string', maxLength: 2 }, instance: 'mo' },
  { name: 'a format', schema: { type: 'string', format: 'date' }, instance: '2025-01-01' },
  { name: 'an unknown format', schema: { type: 'string', format: 'constructor' }, instance: 'mock' },
  { name: 'an integer', schema: { type: 'integer' }, instance: 0 },
  { name: 'an integer with a least', schema: { type: 'integer', minimum: 2.5 }, instance: 3 },
  { name: 'an integer above a bound', schema: { type: 'integer', exclusiveMinimum: 3 }, instance: 4 },
  { name: 'an integer below nought', schema: { type: 'integer', exclusiveMaximum: -3 }, instance: -4 },
  { name: 'a multiple', schema: { type: 'integer', minimum: 7, multipleOf: 5 }, instance: 10 },
  { name: 'a number between', schema: { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 }, instance: 0.5 },
  { name: 'a boolean', schema: { type: 'boolean' }, instance: false },
  { name: 'null', schema: { type: 'null' }, instance: null },
  { name: 'a const', schema: { const: { a: [1] } }, instance: { a: [1] } },
  { name: 'an enum', schema: { enum: ['celsius', 'fahrenheit'] }, instance: 'celsius' },
  { name: 'a default', schema: { type: 'integer', default: 7 }, instance: 7 },
  { name: 'a type of several', schema: { type: ['string', 'null'] }, instance: 'mock' },
  {
    name: 'an object, in the order of its properties',
    schema: {
      type: 'object',
      properties: { city: { type: 'string' }, unit: { type: 'string' }, days: { type: 'integer', minimum: 1 } },
      required: ['days', 'city'],
    },
    instance: { city: 'mock', days: 1 },
  },
  { name: 'a required property that nobody describes', schema: { required: ['x'] }, instance: { x: 'mock' } },
  { name: 'a list', schema: { type: 'array', items: { type: 'string' } }, instance: [] },
  {
    name: 'a list of some',
    schema: { type: 'array', items: { type: 'boolean' }, minItems: 2 },
    instance: [false, false],
  },
  {
    name: 'a list of different items',
    schema: { items: { type: 'integer', minimum: 3 }, minItems: 3, uniqueItems: true },
    instance: [3, 4, 5],
  },
  {
    name: 'a tuple',
    schema: { prefixItems: [{ type: 'string' }, { type: 'integer' }], minItems: 3, items: { type: 'null' } },
    instance: ['mock', 0, null],
  },
  { name: 'one of', schema: { oneOf: [{ type: 'integer' }, { type: 'string' }] }, instance: 0 },
  {
    name: 'any of, beside other keywords',
    schema: { type: 'object', properties: { a: { const: 1 }, b: { const: 2 } }, anyOf: [{ required: ['b'] }] },
    instance: { b: 2 },
  },
  {
    name: 'all of',
    schema: {
      allOf: [
        { $ref: '#/$defs/named' },
        { properties: { age: { type: 'integer', minimum: 18 } }, required: ['age'] },
        { properties: { age: { maximum: 20 } } },
      ],
      $defs: { named: { properties: { name: { type: 'string' } }, required: ['name'] } },
    },
    instance: { name: 'mock', age: 18 },
  },
  {
    name: 'a reference with its own words beside it',
    schema: { $ref: '#/definitions/a~1b', description: 'x', definitions: { 'a/b': { type: 'integer' } } },
    instance: 0,
  },
  {
    name: 'a list that is linked to itself',
    schema: {
      $ref: '#/$defs/node',
      $defs: {
        node: {
          type: 'object',
          properties: { value: { type: 'integer' }, next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] } },
          required: ['value', 'next'],
        },
      },
    },
    instance: { value: 0, next: null },
  },
  {
    name: 'a tree',
    schema: {
      type: 'object',
      properties: { children: { type: 'array', items: { $ref: '#' } } },
      required: ['children'],
    },
    instance: { children: [] },
  },
]

for (const { name, schema, instance } of cases) {
  test(`the smallest instance of a schema: ${name}`, () => {
    expect(instanceOf(schema, 'schema')).toStrictEqual(instance)
  })
}

test('a property named like a part of every object is one of the instance', () => {
  const schema = JSON.parse('{"properties":{"__proto__":{"const":1}},"required":["__proto__","toString"]}')
  expect(JSON.stringify(instanceOf(schema, 'schema'))).toBe('{"__proto__":1,"toString":"mock"}')
})

test('a schema that needs itself without end is refused', () => {
  const schema = { properties: { self: { $ref: '#' } }, required: ['self'] }
  expect(() => instanceOf(schema, 'tools[0].function.parameters')).toThrow(/`tools\[0\]\.function\.parameters`/)
})

test('a small schema with an enormous instance is refused', () => {
  const doubling = Object.fromEntries(
    Array.from({ length: 40 }, (_, level) => [
      `level${level}`,
      { properties: { a: next(level), b: next(level) }, required: ['a', 'b'] },
    ]),
  )
  expect(() => instanceOf({ ...next(-1), $defs: doubling }, 'schema')).toThrow(/more than 10000 values/)
  expect(() => instanceOf({ type: 'string', minLength: 1e9 }, 'schema')).toThrow(/more than 10000 values/)
  expect(() => instanceOf({ type: 'array', minItems: 1e9 }, 'schema')).toThrow(/more than 10000 values/)
})

const next = (level: number) => (level === 39 ? { type: 'null' } : { $ref: `#/$defs/level${level + 1}` })
