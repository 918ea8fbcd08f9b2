import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(resolve(root, path), 'utf8')

interface Line {
  readonly number: number
  readonly heldBy: readonly string[]
  readonly tests: readonly { readonly file: string; readonly name: string }[]
  readonly isToCome: boolean
}

/** The table of SECURITY.md. */
const lines: readonly Line[] = [...read('SECURITY.md').matchAll(/^\| (\d+) \|([^|]+)\|([^|]*)\|([^|]+)\|$/gm)].map(
  ([, number, , heldBy = '', tests = '']) => ({
    number: Number(number),
    heldBy: [...heldBy.matchAll(/`([^`]+)`/g)].map(([, path = '']) => path),
    tests: tests.split('; ').flatMap((part) => {
      const [, file = ''] = /^\s*(?:and[^`]*)?`([^`]+)`/.exec(part) ?? []
      return [...part.matchAll(/“([^”]+)”/g)].map(([, name = '']) => ({ file, name }))
    }),
    isToCome: tests.trim().startsWith('Not yet: '),
  }),
)

test('every line of the checklist is in SECURITY.md, in order', () => {
  expect(lines.map(({ number }) => number)).toEqual(Array.from({ length: 25 }, (_, index) => index + 1))
})

test('each has a test, or says that what it is about does not exist yet', () => {
  const without = lines.filter(({ tests, isToCome }) => tests.length > 0 === isToCome)
  expect(without.map(({ number }) => number)).toEqual([])
  expect(lines.filter(({ isToCome }) => isToCome).map(({ number }) => number)).toEqual([13, 20, 21])
})

test('every test that is named there is in its file', () => {
  const missing = lines.flatMap(({ number, tests }) =>
    tests
      .filter(({ file, name }) => !existsSync(resolve(root, file)) || !hasTest(read(file), name))
      .map(
        ({ file, name }) =>
          `Line ${number} names “${name}”, which is not in ${file || 'any file'}. Name what proves the line now.`,
      ),
  )
  expect(missing).toEqual([])
})

test('every file that is said to hold a line is there', () => {
  const missing = lines.flatMap(({ heldBy }) => heldBy).filter((path) => !existsSync(resolve(root, path)))
  expect(missing).toEqual([])
})

/** Whether a test or a group of them has this name, as it is written. */
const hasTest = (source: string, name: string): boolean =>
  [`'${name}'`, `"${name}"`, `\`${name}\``, `'${name.replaceAll("'", "\\'")}'`].some((written) =>
    [...source.matchAll(/\(\s*(?=['"`])/g)].some(({ index, 0: open }) =>
      source.startsWith(written, index + open.length),
    ),
  )
