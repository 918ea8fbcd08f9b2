import { expect, test } from 'vitest'
import { afterName, afterTime, listed } from './page.ts'

const rows = ['a', 'b', 'c'].map((name, index) => ({ name, us: index }))

test('a part of a list says where to go on, and the last one does not', () => {
  const part = listed(
    rows,
    2,
    ({ name }) => [name],
    ({ name }) => name,
  )
  expect(part.items).toEqual(['a', 'b'])
  expect(afterName(part.next)).toBe('b')
  expect(
    listed(
      rows,
      3,
      ({ name }) => [name],
      ({ name }) => name,
    ),
  ).toEqual({ items: ['a', 'b', 'c'] })
  expect(afterTime(undefined)).toBeUndefined()
})

test('whatever was not given as `next` is refused by name', () => {
  const written = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  for (const after of ['', 'nonsense', "' OR 1=1 --", written({}), written([1]), written(['a', 'b']), written(null)])
    expect(() => afterName(after)).toThrow('`after` must be the `next` of the part of the list before')
  expect(() => afterTime(written(['a', 1]))).toThrow('`after` must be')
})
