import { bad, inherited } from '../core/checks.ts'

/** A slug is part of a host's name in length and form, so that it may become one. */
const longest = 63
const form = /^[a-z0-9]+(?:-[a-z0-9]+)*$/
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Letters of the Latin alphabet that Unicode does not take apart. */
const folded: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ħ: 'h',
  ı: 'i',
}

/** The slug of a project that is given none: its name in small Latin letters, digits and dashes. */
export function slugOf(name: string): string {
  const plain = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[ßæœøłđðþħı]/g, (letter) => folded[letter] as string)
  const slug = plain
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, longest)
    .replace(/^-|-$/g, '')
  const isLost = /[^\p{ASCII}]/u.test(plain.replace(/[^\p{L}\p{N}]/gu, ''))
  if (slug === '' || isLost || isTaken(slug))
    throw bad('slug', `No slug can be made of the name ${JSON.stringify(name)}. Give one as slug, such as my-project.`)
  return slug
}

export function checkedSlug(slug: string): string {
  if (slug.length > longest || !form.test(slug))
    throw bad('slug', `slug must be made of small letters, digits and single dashes, at most ${longest} characters.`)
  if (isTaken(slug)) throw bad('slug', 'slug must not look like the id of a project, or be a word of JavaScript.')
  return slug
}

const isTaken = (slug: string): boolean => uuid.test(slug) || inherited.includes(slug)
