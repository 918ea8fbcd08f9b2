import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type DataFolder, dataFolder } from '../../test/support/data-folder.ts'
import { openWriter, traceIdOf } from '../../test/support/writing.ts'
import { defaultProject } from '../core/ids.ts'
import type { SpanStatus } from '../core/span.ts'
import { dataFiles } from '../store/files.ts'
import { lockFolder, readServerFile, writeServerFile } from '../store/lock.ts'
import { ask } from './ask.ts'

const newest = { project: defaultProject, filter: {}, page: { limit: 20 } }

let folder: DataFolder
beforeEach(async () => {
  folder = await dataFolder()
})
afterEach(() => folder.remove())

const idsIn = async (dataDir: string, patienceMs?: number) =>
  (await ask(dataDir, 'listTraces', newest, patienceMs)).traces.map(({ traceId }) => traceId)

const serverAt = (dataDir: string, socket: string): void =>
  writeServerFile(dataDir, { pid: 1, version: '0', gateway: 'http://127.0.0.1:9090', ui: '', socket, startedUs: 0 })

/** A socket on which somebody answers as a server does. */
async function answering(dataDir: string, answer: (question: string) => object): Promise<AsyncDisposable> {
  const path = join(dataDir, 'answers.sock')
  const server = createHttpServer(async (request, response) => {
    const question = `${request.method} ${request.url} ${await text(request)}`
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(answer(question)))
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  serverAt(dataDir, path)
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

describe('while a server runs', () => {
  test('it is asked, through its private door', async () => {
    await using _ = await answering(folder.dataDir, (question) => ({ answer: { traces: [question] } }))
    expect(await ask(folder.dataDir, 'listTraces', newest)).toEqual({
      traces: [`POST /query ${JSON.stringify({ name: 'listTraces', detail: newest })}`],
    })
  })

  test('what it cannot answer is said in its own words', async () => {
    await using _ = await answering(folder.dataDir, () => ({ failure: 'The reader is \x1b[31mgone.' }))
    await expect(ask(folder.dataDir, 'listTraces', newest)).rejects.toThrow(
      'The running server cannot answer: The reader is gone.',
    )
  })

  test('one that hangs does not keep people from their traces', async () => {
    const trace = folder.record()
    const path = join(folder.dataDir, 'hangs.sock')
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(path, resolve))
    serverAt(folder.dataDir, path)
    expect(await idsIn(folder.dataDir, 20)).toEqual([trace])
    server.close()
  })
})

describe('without a server', () => {
  test('the data folder is read', async () => {
    const trace = folder.record()
    folder.end()
    expect(await idsIn(folder.dataDir)).toEqual([trace])
  })

  test('a server that died left its file and its socket, and its traces can be read', async () => {
    const trace = folder.record()
    const socket = join(folder.dataDir, 'control.sock')
    serverAt(folder.dataDir, socket)
    expect(await idsIn(folder.dataDir)).toEqual([trace])
    writeFileSync(socket, '')
    expect(await idsIn(folder.dataDir)).toEqual([trace])
    expect(readServerFile(folder.dataDir)).toBeDefined()
  })

  test('what a killed writer had only in its log is there, too', async () => {
    const trace = folder.record()
    const copy = mkdtempSync(join(tmpdir(), 'trunkline-killed-'))
    for (const file of ['traces.db', 'traces.db-wal']) copyFileSync(join(folder.dataDir, file), join(copy, file))
    expect(await idsIn(copy)).toEqual([trace])
    rmSync(copy, { recursive: true })
  })

  test('a call that ran when the server was killed is interrupted, as the next start will say', async () => {
    await using one = await openWriter()
    one.end(1)
    one.begin(2)
    one.slabs.send(1)
    const list = async (status?: SpanStatus) =>
      (await ask(one.folder, 'listTraces', { ...newest, filter: { ...(status && { status }) } })).traces.map(
        (trace) => trace.status,
      )
    const server = lockFolder(one.folder)
    expect(await list()).toEqual(['running', 'ok'])
    server.release()
    expect(await list()).toEqual(['interrupted', 'ok'])
    expect([await list('running'), await list('interrupted')]).toEqual([[], ['interrupted']])
    const shown = await ask(one.folder, 'showTrace', { project: defaultProject, prefix: traceIdOf(2) })
    expect(shown).toMatchObject({ view: { trace: { status: 'interrupted' }, spans: [{ status: 'interrupted' }] } })
  })

  test('a server file that cannot be read is passed over', async () => {
    const trace = folder.record()
    writeFileSync(dataFiles(folder.dataDir).server, '{"socket": 7}')
    expect(await idsIn(folder.dataDir)).toEqual([trace])
  })
})

describe('a folder that cannot be read says why', () => {
  test('there is nothing in it', async () => {
    const empty = join(folder.dataDir, 'empty')
    await expect(ask(empty, 'listTraces', newest)).rejects.toThrow(
      `There are no traces in ${empty} yet. Start \`trunkline serve\``,
    )
  })

  test('the server ended before it had made its tables', async () => {
    folder.end()
    const empty = mkdtempSync(join(folder.dataDir, 'new-'))
    writeFileSync(dataFiles(empty).traces, '')
    await expect(ask(empty, 'listTraces', newest)).rejects.toThrow('There are no traces in')
  })

  test('it is from a newer Trunkline', async () => {
    const database = new DatabaseSync(dataFiles(folder.dataDir).traces)
    database.exec(`insert into kysely_migration values ('9999_future', '2099-01-01')`)
    database.close()
    await expect(ask(folder.dataDir, 'listTraces', newest)).rejects.toThrow('was written by a newer Trunkline')
  })

  test('it is no database', async () => {
    folder.end()
    writeFileSync(dataFiles(folder.dataDir).traces, 'x'.repeat(9_000))
    await expect(ask(folder.dataDir, 'listTraces', newest)).rejects.toThrow('is not a database')
  })

  test('it is damaged', async () => {
    folder.record()
    folder.end()
    const { traces } = dataFiles(folder.dataDir)
    const bytes = readFileSync(traces)
    // The first page says what is where, and stays.
    writeFileSync(traces, bytes.fill(0xa5, 4096))
    await expect(ask(folder.dataDir, 'listTraces', newest)).rejects.toThrow('is damaged')
  })
})
