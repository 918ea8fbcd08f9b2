import { expect, test } from 'vitest'
import { bytesBefore, unitsBefore } from './offsets.ts'

const texts = ['', 'plain', 'né 🙂 –', '🙂é'.repeat(2000), `a${'🙂'.repeat(1500)}`]

test.each(texts.map((text, index) => [index, text] as const))(
  'bytes and units of text %i are each other again',
  (_, text) => {
    const bytes = Buffer.from(text)
    const toUnits = unitsBefore(bytes)
    const toBytes = bytesBefore(text)
    let byte = 0
    let unit = 0
    for (const character of text) {
      expect(toUnits(byte)).toBe(unit)
      expect(toBytes(unit)).toBe(byte)
      byte += Buffer.byteLength(character)
      unit += character.length
    }
    expect(toUnits(bytes.length)).toBe(text.length)
    expect(toBytes(text.length)).toBe(bytes.length)
  },
)

test('a place that is not in the text is none', () => {
  const toUnits = unitsBefore(Buffer.from('abc'))
  expect([toUnits(-1), toUnits(4), toUnits(1.5), toUnits(Number.NaN)]).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ])
  expect(bytesBefore('abc')(9)).toBe(3)
})
