import { expect, test } from 'vitest'
import { fromOpenApi, toOpenApi } from './schema.ts'

const object = (properties: object, more: object = {}): object => ({ type: 'object', properties, ...more })

/** Each keyword of JSON Schema, inside an object with one field, and what OpenAPI's subset makes of it. */
const keywords: readonly (readonly [string, object, object, (readonly string[])?])[] = [
  ['type', { type: 'integer' }, { type: 'INTEGER' }],
  ['null among the types', { type: ['string', 'null'] }, { type: 'STRING', nullable: true }],
  [
    'several types',
    { type: ['string', 'integer'], description: 'a' },
    { description: 'a', anyOf: [{ type: 'STRING' }, { type: 'INTEGER' }] },
  ],
  [
    'no type beside properties',
    { properties: { b: { type: 'string' } } },
    { type: 'OBJECT', properties: { b: { type: 'STRING' } } },
  ],
  [
    'title and description',
    { type: 'string', title: 't', description: 'd' },
    { type: 'STRING', title: 't', description: 'd' },
  ],
  ['enum of strings', { type: 'string', enum: ['a', 'b'] }, { type: 'STRING', enum: ['a', 'b'] }],
  ['enum without type', { enum: ['a'] }, { type: 'STRING', enum: ['a'] }],
  ['enum with null', { type: ['string', 'null'], enum: ['a', null] }, { type: 'STRING', nullable: true, enum: ['a'] }],
  ['enum of numbers', { type: 'integer', enum: [1, 2] }, { type: 'INTEGER', description: 'One of: 1, 2.' }, ['enum']],
  ['const', { const: 'a' }, { type: 'STRING', enum: ['a'] }],
  ['format that is known', { type: 'string', format: 'date-time' }, { type: 'STRING', format: 'date-time' }],
  ['format that is not', { type: 'string', format: 'email' }, { type: 'STRING' }, ['format']],
  ['items', { type: 'array', items: { type: 'number' } }, { type: 'ARRAY', items: { type: 'NUMBER' } }],
  ['no items', { type: 'array' }, { type: 'ARRAY', items: { type: 'STRING' } }],
  [
    'counts',
    { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: 2 },
    { type: 'ARRAY', items: { type: 'STRING' }, minItems: 1, maxItems: 2 },
  ],
  ['limits', { type: 'number', minimum: 1, maximum: 2 }, { type: 'NUMBER', minimum: 1, maximum: 2 }],
  ['exclusive limits', { type: 'number', exclusiveMinimum: 1 }, { type: 'NUMBER' }, ['exclusiveMinimum']],
  ['pattern', { type: 'string', pattern: '^a' }, { type: 'STRING', pattern: '^a' }],
  ['default', { type: 'string', default: 'a' }, { type: 'STRING', default: 'a' }],
  ['examples', { type: 'string', examples: ['a', 'b'] }, { type: 'STRING', example: 'a' }],
  ['anyOf', { anyOf: [{ type: 'string' }, { type: 'integer' }] }, { anyOf: [{ type: 'STRING' }, { type: 'INTEGER' }] }],
  ['anyOf with null', { anyOf: [{ type: 'string' }, { type: 'null' }] }, { nullable: true, type: 'STRING' }],
  ['oneOf', { oneOf: [{ type: 'string' }, { type: 'integer' }] }, { anyOf: [{ type: 'STRING' }, { type: 'INTEGER' }] }],
  [
    'allOf',
    { allOf: [object({ b: { type: 'string' } }, { required: ['b'] }), object({ c: { type: 'string' } })] },
    { type: 'OBJECT', properties: { b: { type: 'STRING' }, c: { type: 'STRING' } }, required: ['b'] },
  ],
  [
    'required that names nothing',
    object({ b: { type: 'string' } }, { required: ['b', 'c'] }),
    { type: 'OBJECT', properties: { b: { type: 'STRING' } }, required: ['b'] },
  ],
  [
    'additionalProperties: false',
    object({ b: { type: 'string' } }, { additionalProperties: false }),
    { type: 'OBJECT', properties: { b: { type: 'STRING' } } },
  ],
  [
    'additionalProperties',
    { type: 'object', additionalProperties: { type: 'string' } },
    { type: 'OBJECT' },
    ['additionalProperties'],
  ],
  ['patternProperties', { type: 'object', patternProperties: { a: {} } }, { type: 'OBJECT' }, ['patternProperties']],
  ['if', { type: 'string', if: {}, else: {} }, { type: 'STRING' }, ['if', 'else']],
  ['$ref', { $ref: '#/$defs/word' }, { type: 'STRING', description: 'a word' }],
  ['$ref with a description', { $ref: '#/$defs/word', description: 'mine' }, { type: 'STRING', description: 'mine' }],
  ['$ref to nothing', { $ref: '#/$defs/none' }, { type: 'OBJECT' }, ['$ref']],
  [
    '$ref to itself',
    { $ref: '#/$defs/tree' },
    { type: 'OBJECT', properties: { leaf: { type: 'STRING' }, more: { type: 'ARRAY', items: { type: 'OBJECT' } } } },
    ['$ref'],
  ],
]

const $defs = {
  word: { type: 'string', description: 'a word' },
  tree: object({ leaf: { type: 'string' }, more: { type: 'array', items: { $ref: '#/$defs/tree' } } }),
}

test.each(keywords)('an old model is told %s as far as it goes', (_, schema, expected, lost = []) => {
  const narrowed = toOpenApi({ $schema: 'x', ...object({ a: schema }), $defs })
  expect(narrowed.schema).toEqual({ type: 'OBJECT', properties: { a: expected } })
  expect(narrowed.lost).toEqual(lost)
})

test('an object without properties is no schema for an old model', () => {
  expect(toOpenApi({ type: 'object', properties: {} })).toEqual({ lost: [] })
  expect(toOpenApi(true)).toEqual({ lost: [] })
})

test('definitions that name each other many times end', () => {
  const many: Record<string, unknown> = {}
  for (let i = 0; i < 30; i++) {
    const next = { $ref: `#/$defs/d${i + 1}` }
    many[`d${i}`] = object({ a: next, b: next })
  }
  const { lost } = toOpenApi({ $ref: '#/$defs/d0', $defs: many })
  expect(lost).toEqual(['$ref'])
})

const subset: readonly (readonly [string, object, object])[] = [
  [
    'types in capitals',
    { type: 'OBJECT', properties: { type: { type: 'STRING' } } },
    object({ type: { type: 'string' } }),
  ],
  ['nullable', { type: 'STRING', nullable: true }, { type: ['string', 'null'] }],
  [
    'nullable enum',
    { type: 'STRING', format: 'enum', enum: ['a'], nullable: true },
    { type: ['string', 'null'], enum: ['a', null] },
  ],
  [
    'nullable choice',
    { anyOf: [{ type: 'STRING' }], nullable: true },
    { anyOf: [{ type: 'string' }, { type: 'null' }] },
  ],
  [
    'counts as strings',
    { type: 'ARRAY', minItems: '1', items: { type: 'NUMBER' } },
    { type: 'array', minItems: 1, items: { type: 'number' } },
  ],
  ['example', { type: 'STRING', example: 'a' }, { type: 'string', examples: ['a'] }],
  ['order of properties', object({}, { propertyOrdering: ['a'] }), object({})],
]

test.each(subset)("another provider reads Google's %s", (_, schema, expected) => {
  expect(fromOpenApi(schema)).toEqual(expected)
})
