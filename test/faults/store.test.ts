import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test, vi } from 'vitest'
import { ask } from '../../src/cli/ask.ts'
import { dataFiles } from '../../src/store/files.ts'
import type { TraceView } from '../../src/store/show.ts'
import { inThreads } from '../../src/threads/supervisor.ts'
import { askChat, conversationOf, isReady, postChat, readiness } from '../support/calls.ts'
import { serving } from '../support/cli.ts'
import { damagePage } from '../support/damage.ts'
import { temporaryFolder } from '../support/data-folder.ts'
import { startTest, type TestTrunkline } from '../support/trunkline.ts'

interface Disk extends Disposable {
  readonly path: string
  /** Takes all room that is left. */
  fill(): void
  empty(): void
  /** While nothing on it is open. */
  makeReadOnly(): void
}

/** A disk of a few megabytes in memory, which only root may mount; undefined for others. */
function smallDisk(): Disk | undefined {
  const path = mkdtempSync(join(tmpdir(), 'trunkline-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=0700', 'tmpfs', path], { stdio: 'ignore' })
  } catch {
    rmSync(path, { recursive: true })
    return undefined
  }
  const ballast = join(path, 'ballast')
  return {
    path,
    fill() {
      for (const size of [1 << 20, 1 << 16, 1 << 12]) {
        try {
          for (let file = 0; ; file++) writeFileSync(`${ballast}-${size}-${file}`, Buffer.alloc(size))
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 'ENOSPC' })
        }
      }
    },
    empty() {
      for (const name of readdirSync(path)) if (name.startsWith('ballast')) rmSync(join(path, name))
    },
    makeReadOnly: () => void execFileSync('mount', ['-o', 'remount,ro', path]),
    [Symbol.dispose]() {
      execFileSync('umount', ['-l', path])
      rmSync(path, { recursive: true })
    },
  }
}

const noDisk = 'a disk cannot be mounted here: that takes root on Linux'

const start = async (options: Parameters<typeof startTest>[0] = {}): Promise<TestTrunkline> => {
  const trunkline = await startTest({ spawn: inThreads, ...options })
  await isReady(trunkline.url)
  return trunkline
}

const waiting = { timeout: 10_000, interval: 50 }

/** Until these are the reasons, in this order: each is a part of one. */
const isDegraded = (url: string, ...reasons: string[]): Promise<void> =>
  vi.waitFor(
    async () =>
      expect(await readiness(url)).toEqual({
        status: 'degraded',
        reasons: reasons.map((reason) => expect.stringContaining(reason)),
      }),
    waiting,
  )

const isReadyAgain = (url: string): Promise<void> =>
  vi.waitFor(async () => expect(await readiness(url)).toEqual({ status: 'ready' }), waiting)

/** Calls one after the other; all are answered. Their trace ids. */
async function answered(url: string, contents: readonly string[]): Promise<string[]> {
  const ids: string[] = []
  for (const content of contents) {
    const { status, traceId } = await askChat(url, content)
    expect(status).toBe(200)
    ids.push(String(traceId))
  }
  return ids
}

const paidFor = (dataDir: string): string[] => {
  using ledger = new DatabaseSync(dataFiles(dataDir).ledger, { readOnly: true })
  return ledger
    .prepare('select lower(hex(trace_id)) as id from ledger order by id')
    .all()
    .map(({ id }) => String(id))
}

/** All these calls are stored, in both files, each once. */
async function expectStored(trunkline: TestTrunkline, ids: readonly string[]): Promise<void> {
  await vi.waitFor(() => expect(paidFor(trunkline.dataDir)).toEqual(ids.toSorted()), waiting)
  for (const id of ids) expect((await trunkline.trace(id)).spans.map(({ kind }) => kind)).toEqual(['call', 'attempt'])
}

const contents = Array.from({ length: 8 }, (_, index) => `Call ${index}`)

// They wait more than they work.
describe.concurrent('while calls go on', { timeout: 60_000 }, () => {
  test('both files are locked by another process', async () => {
    await using trunkline = await start()
    const { ledger, traces } = dataFiles(trunkline.dataDir)
    const others = [ledger, traces].map((path) => new DatabaseSync(path))
    for (const other of others) other.exec('begin immediate')
    const ids = await answered(trunkline.url, contents)
    await isDegraded(
      trunkline.url,
      `${ledger} cannot be written: another process has locked it`,
      `${traces} cannot be written: another process has locked it`,
    )
    for (const other of others) other.close()
    await isReadyAgain(trunkline.url)
    await expectStored(trunkline, ids)
  })

  test('the disk is full', async ({ skip }) => {
    using disk = smallDisk()
    if (!disk) return skip(noDisk)
    await using trunkline = await start({ dataDir: disk.path })
    const before = await answered(trunkline.url, ['Before'])
    await trunkline.trace(before[0])
    disk.fill()
    const ids = await answered(trunkline.url, contents)
    const { reasons } = await vi.waitFor(async () => {
      const said = await readiness(trunkline.url)
      expect(said.reasons?.join(' ')).toContain('the disk is full')
      return said
    }, waiting)
    expect(reasons?.[0]).toMatch(/\.db cannot be written: the disk is full \(.*\)\. Free some space there\./)
    disk.empty()
    await isReadyAgain(trunkline.url)
    await expectStored(trunkline, [...before, ...ids])
  })

  test('both files are damaged', async () => {
    await using trunkline = await start()
    const before = await answered(trunkline.url, ['Before'])
    await trunkline.trace(before[0])
    const { ledger, traces } = dataFiles(trunkline.dataDir)
    damagePage(ledger, 'ledger')
    damagePage(traces, 'spans')
    const ids = await answered(trunkline.url, contents)
    await isDegraded(
      trunkline.url,
      `A damaged ledger.db was set aside as ${ledger}.corrupt-`,
      `A damaged traces.db was set aside as ${traces}.corrupt-`,
    )
    // The reader finds the new file.
    await expectStored(trunkline, [...ids, ...(await answered(trunkline.url, ['Later']))])
  })
})

describe.concurrent('at the start', { timeout: 60_000 }, () => {
  test('damaged files are set aside, and calls are recorded in new ones', async () => {
    using folder = temporaryFolder()
    const { traces, ledger } = dataFiles(folder.path)
    for (const path of [traces, ledger]) writeFileSync(path, 'not a database at all, '.repeat(1_000))
    await using trunkline = await startTest({ dataDir: folder.path, spawn: inThreads })
    await isDegraded(
      trunkline.url,
      `A damaged ledger.db was set aside as ${ledger}.corrupt-`,
      `A damaged traces.db was set aside as ${traces}.corrupt-`,
    )
    await expectStored(trunkline, await answered(trunkline.url, ['After']))
  })

  test('a full disk ends it with a clear error', async ({ skip }) => {
    using disk = smallDisk()
    if (!disk) return skip(noDisk)
    disk.fill()
    await expect(startTest({ dataDir: disk.path })).rejects.toThrow('the disk is full')
  })

  test('a read-only folder ends it with a clear error', async ({ skip }) => {
    const saysSo = async (path: string): Promise<void> =>
      expect(startTest({ dataDir: path })).rejects.toThrow(
        /lock\.db cannot be opened: it is read-only .*writable for this user\.$/,
      )
    if (process.getuid?.() !== 0) {
      using folder = temporaryFolder()
      chmodSync(folder.path, 0o500)
      return await saysSo(folder.path)
    }
    // Root may write everywhere else.
    using disk = smallDisk()
    if (!disk) return skip(noDisk)
    disk.makeReadOnly()
    await saysSo(disk.path)
  })

  test('a data folder that is a file ends it with a clear error', async () => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'file')
    writeFileSync(path, '')
    await expect(startTest({ dataDir: path })).rejects.toThrow(/lock\.db cannot be opened: .*EEXIST/)
  })
})

describe.concurrent('a call that takes long', { timeout: 60_000 }, () => {
  const slow = { model: 'mock/lorem', stream: true, mock: { chunk_ms: 100 } }

  test('is seen while it runs, and once when it has ended', async () => {
    await using trunkline = await startTest()
    const reply = await postChat(trunkline.url, 'Hello', { ...slow, mock: { chunk_ms: 30, chunk_words: 4 } })
    const id = reply.headers.get('x-trace-id')
    const running = await vi.waitFor(() => trunkline.trace(id), waiting)
    expect(running.trace).toMatchObject({ status: 'running', calls: 1 })
    expect(conversationOf(running)?.messages[0]?.parts).toEqual([{ kind: 'text', text: 'Hello' }])
    await reply.text()
    const ended = await trunkline.trace(id)
    expect(ended.trace).toMatchObject({ status: 'ok', calls: 1 })
    expect(ended.spans.map(({ status }) => status)).toEqual(['ok', 'ok'])
    expect(conversationOf(ended)?.answer?.choices[0]?.finish?.reason).toBe('stop')
    const { traces } = await trunkline.ask('listTraces', { project: 'default', filter: {}, page: { limit: 5 } })
    expect(traces.map(({ traceId, status }) => [traceId, status])).toEqual([[id, 'ok']])
  })

  test('is interrupted when the process is killed, and its request is there', async () => {
    using folder = temporaryFolder()
    const dataDir = folder.path
    await using first = await serving(['--data-dir', dataDir])
    const reply = await postChat(first.url, 'Tell me all of it.', slow)
    const id = String(reply.headers.get('x-trace-id'))
    const shown = async (): Promise<TraceView> => {
      const found = await ask(dataDir, 'showTrace', { project: 'default', prefix: id })
      return found.found === 'one' ? found.view : expect.fail(`found ${found.found}`)
    }
    const running = await vi.waitFor(shown, waiting)
    expect(running.trace.status).toBe('running')
    first.signal('SIGKILL')
    await first.ended
    await expect(reply.text()).rejects.toThrow()

    const saysSo = async (): Promise<void> => {
      const view = await shown()
      expect(view).toMatchObject({ trace: { status: 'interrupted' }, spans: [{ status: 'interrupted' }] })
      expect(view.trace).not.toHaveProperty('durationUs')
      expect(conversationOf(view)?.messages[0]?.parts).toEqual([{ kind: 'text', text: 'Tell me all of it.' }])
    }
    // Before the next start, and after it.
    await saysSo()
    await using second = await startTest({ dataDir })
    await isReady(second.url)
    await saysSo()
    using ledger = new DatabaseSync(dataFiles(dataDir).ledger, { readOnly: true })
    expect(ledger.prepare('select lower(hex(trace_id)) as id, provider, model, status from ledger').all()).toEqual([
      { id, provider: 'mock', model: 'mock/lorem', status: 'interrupted' },
    ])
  })
})
