import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openConfigFile } from '../../src/store/databases.ts'
import { dataFiles } from '../../src/store/files.ts'
import { lockFolder } from '../../src/store/lock.ts'
import { trunkline } from '../support/cli.ts'
import { damagePage } from '../support/damage.ts'
import { type DataFolder, dataFolder } from '../support/data-folder.ts'

let folder: DataFolder
let to: string
beforeEach(async () => {
  folder = await dataFolder()
  folder.record()
  ;(await openConfigFile(folder.dataDir)).close()
  to = join(mkdtempSync(join(tmpdir(), 'trunkline-to-')), 'copy')
})
afterEach(() => {
  folder.remove()
  rmSync(join(to, '..'), { recursive: true, force: true })
})

const db = (...args: string[]) => trunkline(['db', ...args, '--data-dir', folder.dataDir])

const settled = (text: string): string =>
  text
    .replaceAll(folder.dataDir, '<data folder>')
    .replaceAll(to, '<folder>')
    .replaceAll(/\d{8}T\d{9}Z/g, '<time>')
    .replaceAll(/(by Trunkline ).*/g, '$1<version>')
    .replaceAll(/\d+\.\d [kMG]B/g, '<size>')
    .replaceAll(/\d{4}_\w+/g, '<migration>')
    .replaceAll(/(rows {3}).*/g, '$1<table and number>, …')

const golden = (name: string): string => join(import.meta.dirname, '../golden/cli', name)

describe('db check', () => {
  test('says of each file how it is, while it is written to', async () => {
    const lock = lockFolder(folder.dataDir)
    const { code, stdout, stderr } = await db('check')
    lock.release()
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('in use by a server')
    expect(stdout).toMatch(/^ {2}rows {3}blocks 1, responses 0, spans 2, traces 1$/m)
    await expect(settled(stdout)).toMatchFileSnapshot(golden('db-check.txt'))
  })

  test('ends with 1 when something is wrong, and says what and where', async () => {
    folder.end()
    damagePage(dataFiles(folder.dataDir).traces, 'spans')
    const { code, stdout } = await db('check')
    expect(code).toBe(1)
    expect(stdout).toMatch(/^traces\.db {2}not sound, /m)
    expect(stdout).toMatch(/^ {2}wrong {2}.*traces\.db .*damaged/m)
    expect(stdout).toMatch(/Something is wrong; see above\.\n$/)
    const parsed = JSON.parse((await db('check', '--json', '--quick')).stdout) as { isSound: boolean; files: object[] }
    expect(parsed).toMatchObject({ isSound: false, files: [{ problems: [] }, { problems: [] }, { name: 'traces' }] })
  })

  test('of a folder without databases says so, and makes nothing', async () => {
    const { code, stdout } = await trunkline(['db', 'check', '--data-dir', to])
    expect(code).toBe(0)
    expect(stdout).toContain('There are no databases in it yet.')
    expect(existsSync(to)).toBe(false)
  })
})

describe('db backup and db restore', () => {
  test('go there and back', async () => {
    const backed = await db('backup', '--to', to)
    expect(backed).toMatchObject({ code: 0, stderr: '' })
    await expect(settled(backed.stdout)).toMatchFileSnapshot(golden('db-backup.txt'))
    folder.record()
    folder.end()
    const restored = await db('restore', to)
    expect(restored).toMatchObject({ code: 0, stderr: '' })
    await expect(settled(restored.stdout)).toMatchFileSnapshot(golden('db-restore.txt'))
    const list = await trunkline(['traces', 'list', '--json', '--data-dir', folder.dataDir])
    expect((JSON.parse(list.stdout) as { traces: unknown[] }).traces).toHaveLength(1)
  })

  test('without a place, a backup has a new folder in the data folder that only its owner may read', async () => {
    const { stdout } = await db('backup', '--json')
    const { folder: made, files } = JSON.parse(stdout) as { folder: string; files: { path: string }[] }
    expect(made.startsWith(dataFiles(folder.dataDir).backups)).toBe(true)
    expect(files.map(({ path }) => statSync(path).mode & 0o777)).toEqual([0o600, 0o600, 0o600])
    expect(statSync(made).mode & 0o777).toBe(0o700)
  })

  test('a second backup to the same place replaces nothing', async () => {
    await db('backup', '--to', to)
    const { code, stderr } = await db('backup', '--to', to)
    expect(code).toBe(1)
    expect(stderr).toMatch(/is there already, and a backup replaces nothing\.\n$/)
  })

  test.each([
    ['restore', (path: string) => ['restore', path]],
    ['vacuum', () => ['vacuum']],
  ])('db %s says who has the folder, and to stop it', async (_, args) => {
    await db('backup', '--to', to)
    const lock = lockFolder(folder.dataDir)
    const { code, stderr } = await db(...args(to))
    lock.release()
    expect(code).toBe(1)
    expect(stderr).toContain(`The data folder ${folder.dataDir} is in use by another process. Stop it`)
    expect(readdirSync(folder.dataDir).filter((name) => name.includes('replaced'))).toEqual([])
  })
})

test('db vacuum says what each file had and has', async () => {
  folder.end()
  const database = new DatabaseSync(dataFiles(folder.dataDir).traces)
  database.exec('create table filler (data); insert into filler select randomblob(3000000); drop table filler')
  database.close()
  const { code, stdout, stderr } = await db('vacuum')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  await expect(settled(stdout)).toMatchFileSnapshot(golden('db-vacuum.txt'))
  expect(Number(/^traces\.db +(\S+) MB/m.exec(stdout)?.[1])).toBeGreaterThan(2.9)
  expect(stdout).toMatch(/^traces\.db .* → \d+\.\d kB$/m)
})

test('db vacuum of a folder that is not there makes none', async () => {
  const { code, stderr } = await trunkline(['db', 'vacuum', '--data-dir', to])
  expect(code).toBe(1)
  expect(stderr).toBe(`There is no data folder ${to}. Name another one with --data-dir.\n`)
  expect(existsSync(to)).toBe(false)
})
