import { expect, test } from 'vitest'
import { checkedSlug, slugOf } from './slug.ts'

test.each([
  ['My Project', 'my-project'],
  ['  --Über_uns!! & Größe-- ', 'uber-uns-grosse'],
  ['Łódź / Ærø', 'lodz-aero'],
  ['v1.2', 'v1-2'],
  ['🙂 smile', 'smile'],
  ['x'.repeat(200), 'x'.repeat(63)],
  [`${'x'.repeat(62)} y`, 'x'.repeat(62)],
])('the name %s gives the slug %s', (name, slug) => {
  expect(slugOf(name)).toBe(slug)
  expect(checkedSlug(slug)).toBe(slug)
})

test.each(['!!!', '🙂', '日本語', 'Проект', 'ab 日本', '019c13d8-0000-7000-8000-000000000001'])(
  'of the name %s none can be made, and the message says what to do',
  (name) => {
    expect(() => slugOf(name)).toThrow(`No slug can be made of the name ${JSON.stringify(name)}. Give one as slug`)
  },
)

test.each(['', 'A', 'a b', '-a', 'a-', 'a--b', 'a/b', '../a', 'ü', "' or 1=1", 'a\n', 'x'.repeat(64)])(
  'the slug %j is refused',
  (slug) => {
    expect(() => checkedSlug(slug)).toThrow('slug must be made of small letters, digits and single dashes')
  },
)
