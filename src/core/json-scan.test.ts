import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { scanObject, splice } from './json-scan.ts'

const valuesOf = (text: string): Record<string, unknown> => {
  const bytes = Buffer.from(text)
  const scan = scanObject(bytes)
  return Object.fromEntries(
    [...(scan?.members ?? [])].map(([key, { start, end }]) => [key, JSON.parse(bytes.toString('utf8', start, end))]),
  )
}

describe('scanObject', () => {
  test('finds every member of any object, however it is laid out', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }),
        fc.constantFrom(undefined, 2, '\t'),
        (object, indent) => {
          const text = JSON.stringify(object, undefined, indent)
          const parsed = JSON.parse(text) as object
          expect(valuesOf(text)).toEqual(Object.fromEntries(Object.entries(parsed)))
          expect(scanObject(Buffer.from(` ${text} `))?.end).toBe(Buffer.byteLength(text) + 1)
        },
      ),
    )
  })

  test('stands still for no bytes at all, valid or not', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.string().map((text) => Buffer.from(`{"${text}`)),
        ),
        (bytes) => {
          scanObject(Buffer.from(bytes))
        },
      ),
    )
  })

  test('counts depth and stops one past the limit', () => {
    expect(scanObject(Buffer.from('{"a":[{"b":[]}]}'))?.depth).toBe(4)
    expect(scanObject(Buffer.from(`{"a":${'['.repeat(100_000)}`), 50)?.depth).toBe(51)
    expect(scanObject(Buffer.from('{"a":"[[[[[[\\"[["}'))?.depth).toBe(1)
  })

  test('names keys that stand there more than once', () => {
    expect(scanObject(Buffer.from('{"model":1,"x":{"model":2,"model":3},"mod\\u0065l":4}'))?.repeated).toEqual([
      'model',
    ])
  })

  test('takes nothing but an object', () => {
    for (const text of ['', '[]', '"{}"', '12', 'null']) expect(scanObject(Buffer.from(text))).toBeUndefined()
  })
})

test('splice replaces the named places and no other byte', () => {
  const bytes = Buffer.from('{"model": "a", "x": 1.0000000000000000001}')
  const model = scanObject(bytes)?.members.get('model')
  expect(splice(bytes, model ? [{ ...model, text: '"b"' }] : []).toString()).toBe(
    '{"model": "b", "x": 1.0000000000000000001}',
  )
})
