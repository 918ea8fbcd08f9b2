import { expect, test } from 'vitest'
import { configDb, hostileTexts } from '../../test/support/config-db.ts'
import type { ProjectSettings } from '../core/project.ts'

test('the first project is there from the beginning, and is the default', async () => {
  using config = await configDb()
  expect(await config.projects.find('default')).toMatchObject({
    id: 'default',
    slug: 'default',
    name: 'Default',
    isDefault: true,
    isArchived: false,
    settings: { captureBodies: true },
    version: 1,
  })
})

test('a project is found by its id and by its slug', async () => {
  using config = await configDb()
  const made = await config.projects.create({ name: 'Café Zürich', description: 'For coffee' })
  expect(made).toMatchObject({ slug: 'cafe-zurich', name: 'Café Zürich', description: 'For coffee', isDefault: false })
  expect(await config.projects.find(made.id)).toEqual(made)
  expect(await config.projects.find('cafe-zurich')).toEqual(made)
  expect(await config.projects.find('CAFE-ZURICH')).toBeUndefined()
})

test('another name leaves the slug as it is, since it stands in programs', async () => {
  using config = await configDb()
  const changed = await config.projects.change(config.b, { name: 'Gamma', description: 'New' })
  expect(changed).toMatchObject({ slug: 'beta', name: 'Gamma', description: 'New', version: 2 })
  expect((await config.projects.change(config.b, { slug: 'gamma', description: null })).slug).toBe('gamma')
  expect(await config.projects.find('beta')).toBeUndefined()
  expect(await config.projects.find('gamma')).not.toHaveProperty('description')
})

test('two projects cannot have one slug, nor one the other one’s id', async () => {
  using config = await configDb()
  await expect(config.projects.create({ name: 'beta' })).rejects.toMatchObject({
    code: 'conflict',
    message: 'There is a project beta already. Give another slug.',
  })
  await expect(config.projects.change(config.b, { slug: 'default' })).rejects.toMatchObject({ code: 'conflict' })
  await config.projects.change(config.a, { slug: 'main' })
  await expect(config.projects.change(config.b, { slug: 'default' })).rejects.toMatchObject({ code: 'conflict' })
  await expect(config.projects.change(config.a, { slug: config.b })).rejects.toMatchObject({ code: 'bad_request' })
  expect((await config.projects.find('default'))?.slug).toBe('main')
})

test('the only project and the default one cannot be archived', async () => {
  using config = await configDb()
  await expect(config.projects.archive(config.a)).rejects.toThrow(
    '"Default" is the default project. Make another the default first.',
  )
  const archived = await config.projects.archive(config.b)
  expect(archived).toMatchObject({ isArchived: true, version: 2 })
  expect(await config.projects.archive(config.b)).toEqual(archived)
  await expect(config.projects.archive(config.a)).rejects.toThrow(
    '"Default" is the only project that is not archived. Make another first.',
  )
  await expect(config.projects.makeDefault(config.b)).rejects.toThrow(
    '"Beta" is archived, so it cannot be the default. Restore it first.',
  )
  expect(await config.projects.restore(config.b)).toMatchObject({ isArchived: false, version: 3 })
})

test('there is one default project at a time', async () => {
  using config = await configDb()
  expect(await config.projects.makeDefault(config.b)).toMatchObject({ isDefault: true, version: 2 })
  expect(await config.projects.find('default')).toMatchObject({ isDefault: false, version: 2 })
  const all = await config.projects.all()
  expect(all.map(({ slug, isDefault }) => [slug, isDefault])).toEqual([
    ['beta', true],
    ['default', false],
  ])
  expect((await config.projects.archive(config.a)).isArchived).toBe(true)
})

test('who has seen an older version changes nothing', async () => {
  using config = await configDb()
  await config.projects.change(config.b, { name: 'Second' }, 1)
  for (const late of [
    config.projects.change(config.b, { name: 'Third' }, 1),
    config.projects.archive(config.b, 1),
    config.projects.restore(config.b, 1),
    config.projects.makeDefault(config.b, 1),
  ])
    await expect(late).rejects.toMatchObject({ code: 'precondition_failed' })
  expect(await config.projects.find('beta')).toMatchObject({ name: 'Second', version: 2 })
  await expect(config.projects.change('nowhere', { name: 'x' })).rejects.toMatchObject({ code: 'not_found' })
})

test('only settings that a project has are kept', async () => {
  using config = await configDb()
  const settings = {
    defaultProvider: 'groq',
    timeouts: { idleMs: 5_000, nonsense: 1 },
    captureBodies: false,
    budget: 10,
  } as ProjectSettings
  const { settings: kept } = await config.projects.change(config.b, { settings })
  expect(kept).toEqual({ defaultProvider: 'groq', timeouts: { idleMs: 5_000 }, captureBodies: false })
  expect((await config.projects.find('beta'))?.settings).toEqual(kept)
  expect((await config.projects.change(config.b, { settings: {} })).settings).toEqual({ captureBodies: true })
})

test('a list is handed out in parts, the oldest first, and by whether they are archived', async () => {
  using config = await configDb()
  for (const name of ['C', 'D', 'E']) await config.projects.create({ name })
  await config.projects.archive(config.b)
  const seen: string[] = []
  let after: string | undefined
  do {
    const part = await config.projects.list({ limit: 2, ...(after !== undefined && { after }) })
    seen.push(...part.items.map(({ slug }) => slug))
    after = part.next
  } while (after !== undefined)
  expect(seen).toEqual(['default', 'beta', 'c', 'd', 'e'])
  const slugs = async (archived: boolean): Promise<string[]> =>
    (await config.projects.list({ limit: 10, archived })).items.map(({ slug }) => slug)
  expect(await slugs(true)).toEqual(['beta'])
  expect(await slugs(false)).toEqual(['default', 'c', 'd', 'e'])
})

test('hostile texts find and change nothing', async () => {
  using config = await configDb()
  const before = await config.projects.all()
  for (const text of hostileTexts) {
    expect(await config.projects.find(text)).toBeUndefined()
    await expect(config.projects.change(text, { name: 'x' })).rejects.toMatchObject({ code: 'not_found' })
    await expect(config.projects.change(config.b, { slug: text })).rejects.toMatchObject({ code: 'bad_request' })
  }
  expect(await config.projects.all()).toEqual(before)
  for (const name of ['', '  ', 'a\nb', 'a\u0000b', '\ud800', 'x'.repeat(201)])
    await expect(config.projects.change(config.b, { name })).rejects.toMatchObject({ code: 'bad_request' })
  const odd = await config.projects.change(config.b, { name: "' OR 1=1 -- 🙂" })
  expect((await config.projects.find(config.b))?.name).toBe(odd.name)
})
