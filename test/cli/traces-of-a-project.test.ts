import { afterAll, beforeAll, expect, test } from 'vitest'
import { openConfigFile } from '../../src/store/databases.ts'
import { trunkline } from '../support/cli.ts'
import { type DataFolder, dataFolder } from '../support/data-folder.ts'

let folder: DataFolder
let ours: string
let theirs: string
beforeAll(async () => {
  folder = await dataFolder()
  ours = folder.record()
  theirs = folder.record({ projectId: 'p-other' })
  folder.end()
  const database = await openConfigFile(folder.dataDir)
  database.exec(`insert into projects (id, name, is_default, created_us, slug) values
    ('default', 'Default', 1, 0, 'default'), ('p-other', 'Other', 0, 1, 'other')`)
  database.close()
})
afterAll(() => folder.remove())

const traces = (...args: string[]) => trunkline(['traces', ...args, '--data-dir', folder.dataDir])
const listed = async (...args: string[]): Promise<string[]> => {
  const { traces: found } = JSON.parse((await traces('list', '--json', ...args)).stdout) as {
    traces: { traceId: string }[]
  }
  return found.map(({ traceId }) => traceId)
}

test('a list has the traces of one project, by its id or slug, or of the default one', async () => {
  expect(await listed()).toEqual([ours])
  expect(await listed('--project', 'other')).toEqual([theirs])
  expect(await listed('--project', 'p-other')).toEqual([theirs])
})

test('a trace is shown in its own project only', async () => {
  expect((await traces('show', theirs, '--project', 'other')).stdout).toContain('Project  other')
  const { code, stderr } = await traces('show', theirs)
  expect(code).toBe(1)
  expect(stderr).toContain(`There is no trace ${theirs}.`)
  expect((await traces('show', ours, '--project', 'other')).stderr).toContain('in the project other')
})

test('a project that is not there is an error that names those that are', async () => {
  for (const args of [['list'], ['show', ours]]) {
    const { code, stderr } = await traces(...args, '--project', "' or 1=1 --")
    expect(code).toBe(1)
    expect(stderr).toBe(`There is no project ' or 1=1 -- in ${folder.dataDir}. There are: default, other.\n`)
  }
})

test('the next page, and the way back from filters, stay in the project', async () => {
  const { stdout } = await traces('list', '--project', 'other', '--model', 'nothing')
  expect(stdout).toContain('--project other')
  expect((await traces('list', '--project', 'other', '--since', '1s')).stdout).toMatch(
    /Without filters.*--project other/s,
  )
})
