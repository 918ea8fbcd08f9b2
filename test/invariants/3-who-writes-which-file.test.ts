import { spawn as spawnProcess } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { dataFiles } from '../../src/store/files.ts'
import { openForReading } from '../../src/store/sqlite/open.ts'
import { askChat, bothWays } from '../support/calls.ts'
import { temporaryFolder } from '../support/data-folder.ts'
import { startTest } from '../support/trunkline.ts'

/** How this process has opened the databases of a folder, by name: `r` for reading, `w` for writing. */
function openFiles(folder: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`)
      if (!path.startsWith(`${folder}/`) || !path.endsWith('.db')) continue
      const flags = Number.parseInt(
        /flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0',
        8,
      )
      found[basename(path)] = [...(found[basename(path)] ?? ''), (flags & 3) === 0 ? 'r' : 'w'].toSorted().join('')
    } catch {
      // The descriptor of this very listing is closed by now.
    }
  }
  return found
}

describe.each(bothWays)('%s', (_name, spawn) => {
  test.skipIf(process.platform !== 'linux')('each file has one writer, and the reader only reads', async () => {
    await using trunkline = await startTest({ spawn })
    const { traceId } = await askChat(trunkline.url, 'Hello')
    await trunkline.trace(traceId)
    expect(openFiles(trunkline.dataDir)).toEqual({
      'config.db': 'w',
      'ledger.db': 'w',
      'traces.db': 'rw',
      'lock.db': 'w',
    })
  })

  test('nobody else may look into the data folder', async () => {
    using parent = temporaryFolder()
    const dataDir = join(parent.path, 'made', 'here')
    await using trunkline = await startTest({ spawn, dataDir })
    await trunkline.trace((await askChat(trunkline.url, 'Hello')).traceId)
    const modes = Object.fromEntries(
      readdirSync(dataDir).map((name) => [name, (statSync(join(dataDir, name)).mode & 0o777).toString(8)]),
    )
    expect(Object.keys(modes)).toEqual(
      expect.arrayContaining(['config.db', 'ledger.db', 'lock.db', 'server.json', 'traces.db', 'traces.db-wal']),
    )
    const { run, ...files } = modes
    expect(new Set(Object.values(files))).toEqual(new Set(['600']))
    expect(run).toBe('700')
    expect((statSync(dataDir).mode & 0o777).toString(8)).toBe('700')
  })

  test('a second server on the same folder is told who has it, and may have it afterwards', async () => {
    using folder = temporaryFolder()
    const first = await startTest({ spawn, dataDir: folder.path })
    await expect(startTest({ spawn, dataDir: folder.path })).rejects.toThrow(
      `The data folder ${folder.path} is in use by process ${process.pid} (${first.url}). Stop it, or choose another folder with --data-dir.`,
    )
    // Being refused did no harm to who was there.
    const { traceId } = await askChat(first.url, 'Hello')
    await first.trace(traceId)
    await first.stop()
    await using second = await startTest({ spawn, dataDir: folder.path })
    expect((await second.trace(traceId)).trace.status).toBe('ok')
  })

  test('where the port is taken nothing is left behind in the folder that would keep others out', async () => {
    using folder = temporaryFolder()
    await using other = await startTest({ spawn })
    const port = new URL(other.url).port
    await expect(startTest({ spawn, dataDir: folder.path, settings: { 'server.port': port } })).rejects.toThrow(
      `Port ${port} on 127.0.0.1 is in use.`,
    )
    await using trunkline = await startTest({ spawn, dataDir: folder.path })
    expect((await askChat(trunkline.url, 'Hello')).status).toBe(200)
  })
})

test('a connection of the reader cannot write', async () => {
  await using trunkline = await startTest()
  await trunkline.trace((await askChat(trunkline.url, 'Hello')).traceId)
  const database = openForReading(dataFiles(trunkline.dataDir).traces)
  expect(() =>
    database.exec("insert into blocks (id, project_id, size, data) values (1000, 'default', 0, x'')"),
  ).toThrow(/readonly/)
  expect(() => database.exec('delete from traces')).toThrow(/readonly/)
  database.close()
})

test('a server in another process that was killed leaves the folder free', async () => {
  using folder = temporaryFolder()
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
  const child = spawnProcess(
    process.execPath,
    [main, 'serve', '--port', '0', '--ui-port', '0', '--data-dir', folder.path],
    {
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  const url = await new Promise<string>((resolve, reject) => {
    const said: string[] = []
    createInterface({ input: child.stderr }).on('line', (line) => {
      said.push(line)
      const found = /Gateway\s+(http:\S+)\/v1/.exec(line)
      if (found) resolve(found[1] as string)
    })
    child.once('exit', () => reject(new Error(said.join('\n'))))
  })
  await expect(startTest({ dataDir: folder.path })).rejects.toThrow(
    `The data folder ${folder.path} is in use by process ${child.pid} (${url}).`,
  )
  const { traceId } = await askChat(url, 'Hello')
  const gone = new Promise((resolve) => child.once('exit', resolve))
  // Shown is stored: reading makes the server write first.
  const { ask } = await import('../../src/cli/ask.ts')
  expect(await ask(folder.path, 'showTrace', { project: 'default', prefix: String(traceId) })).toMatchObject({
    found: 'one',
  })
  child.kill('SIGKILL')
  await gone
  await using trunkline = await startTest({ dataDir: folder.path })
  expect((await trunkline.trace(traceId)).trace.status).toBe('ok')
})
