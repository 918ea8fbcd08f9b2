import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { clip, padEnd, plain, plainJson, plainLine, widthOf, wrap } from './text.ts'

describe('text from outside cannot steer the terminal', () => {
  const attacks = [
    ['a colour', '\x1b[31mred\x1b[0m', 'red'],
    ['clearing the screen', '\x1b[2J\x1b[Hgone', 'gone'],
    ['a window title', '\x1b]0;owned\x07safe', 'safe'],
    ['a link', '\x1b]8;;http://evil.example\x07click\x1b]8;;\x07', 'click'],
    ['the clipboard', '\x1b]52;c;ZXZpbA==\x07x', 'x'],
    ['a sequence that the removal of another would put together', '\x1b\x1b[0m[31mred', '[31mred'],
    ['a lone escape', 'a\x1bb', 'ab'],
    ['C1 controls', 'a\u009b31mb\u0090c\u0085d', 'abc\nd'],
    ['a carriage return, which would overwrite the line', 'all good\rrm -rf', 'all good\nrm -rf'],
    ['line ends of Windows', 'one\r\ntwo', 'one\ntwo'],
    ['a backspace, a bell and DEL', 'a\bb\x07c\x7fd', 'abcd'],
    ['text turned around', 'user\u202Etxt.exe\u202C', 'usertxt.exe'],
    ['isolates and marks', '\u2066a\u2069\u200eb\u200f\u061c', 'ab'],
    ['invisible tags', 'a\u{E0041}\u{E007F}b', 'ab'],
    ['a tab', 'a\tb', 'a    b'],
    ['half a character', 'a\ud800b', 'a\ufffdb'],
  ] as const
  for (const [name, text, shown] of attacks) {
    test(name, () => {
      expect(plain(text)).toBe(shown)
    })
  }

  test('whatever comes, only line breaks are left of all controls', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(plain(text)).not.toMatch(/[\p{Cc}--\n]|[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/v)
        expect(plainLine(text)).not.toMatch(/\p{Cc}/u)
      }),
    )
  })

  test('what people write stays as it is', () => {
    for (const text of ['naïve café', '日本語', '한국어', 'مرحبا', 'שלום', '👩‍👩‍👧 👍🏽 🇫🇷', 'x\n  y'])
      expect(plain(text)).toBe(text)
  })

  test('JSON keeps every value and shows controls as escapes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const json = plainJson({ text })
        expect(JSON.parse(json)).toEqual({ text })
        expect(json).not.toMatch(/[\p{Cc}--\n]|[\u202a-\u202e\u2066-\u2069]/v)
      }),
    )
    expect(plainJson(['\x1b\u009b\u202e'])).toBe('[\n  "\\u001b\\u009b\\u202e"\n]')
  })
})

describe('wide characters', () => {
  test('take two columns, so that what follows still stands in its column', () => {
    expect(widthOf('日本語')).toBe(6)
    expect(widthOf('👩‍👩‍👧')).toBe(2)
    expect(padEnd('日本', 6)).toBe('日本  ')
  })

  test('are cut whole', () => {
    expect(clip('日本語テスト', 6)).toBe('日本…')
    expect(clip('日本語', 6)).toBe('日本語')
    expect(clip('a👩‍👩‍👧b', 2)).toBe('a…')
  })
})

describe('wrapping', () => {
  test('breaks between words and keeps indents and empty lines', () => {
    expect(wrap('the quick brown fox\n\n  jumps', 10)).toEqual(['the quick', 'brown fox', '', '  jumps'])
  })

  test('breaks a word only where it would not fit into a line of its own', () => {
    expect(wrap('see https://example.com/very/long', 12)).toEqual(['see', 'https://exam', 'ple.com/very', '/long'])
    expect(wrap('日本語テスト', 5)).toEqual(['日本', '語テ', 'スト'])
  })

  test('never makes a line too long and never loses a letter', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }).map(plain), fc.integer({ min: 4, max: 40 }), (text, width) => {
        const lines = wrap(text, width)
        for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width)
        expect(lines.join('').replace(/\s/g, '')).toBe(text.replace(/\s/g, ''))
      }),
    )
  })
})
