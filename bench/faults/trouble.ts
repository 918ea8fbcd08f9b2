/** Troubles behind the gateway: each can be begun and ended while a server runs. */
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Gateway } from '../gateway.ts'
import { question } from '../request.ts'

export interface Trouble {
  readonly name: string
  readonly settings?: object
  /** Makes the data folder, in a place where the trouble can be. Throws where that is not possible. */
  readonly prepare: (start: Start) => Promise<Place>
}

export type Start = (dataDir: string) => Promise<Gateway>

export interface Place {
  readonly dataDir: string
  begin(): void
  /** Answers with what is worth to say of it. */
  end(): Promise<string | undefined>
  remove(): void
}

/** What it complains about is in the error. */
const tool = (command: string, ...args: readonly string[]): void =>
  void execFileSync(command, args, { stdio: 'pipe', encoding: 'utf8' })

const folder = (): string => mkdtempSync(join(tmpdir(), 'trunkline-bench-trouble-'))
const written = ['traces.db', 'traces.db-wal', 'ledger.db', 'ledger.db-wal']

/** Traces in the file that is slow to look through. */
const manyTraces = 1_200_000

const slowQuery: Trouble = {
  name: 'a slow query',
  async prepare(start) {
    const dataDir = join(folder(), 'data')
    // The server makes its own tables.
    await (await start(dataDir)).stop()
    fill(join(dataDir, 'traces.db'), manyTraces)
    let asking = false
    let longestMs = 0
    let asked: Promise<void> | undefined
    const ask = async (): Promise<void> => {
      // It looks into the spans of every trace, and finds nothing.
      const detail = { project: 'default', filter: { model: 'nobody has this' }, page: { limit: 20 } }
      while (asking) {
        const startedMs = performance.now()
        await question(dataDir, 'listTraces', detail).catch(() => undefined)
        longestMs = Math.max(longestMs, performance.now() - startedMs)
      }
    }
    return {
      dataDir,
      begin() {
        asking = true
        asked = ask()
      },
      async end() {
        asking = false
        await asked
        return `the longest query took ${(longestMs / 1_000).toFixed(1)} s`
      },
      remove: () => rmSync(join(dataDir, '..'), { recursive: true, force: true }),
    }
  },
}

/** Ids at random, so that one trace after the other lies somewhere else in the file. */
function fill(file: string, traces: number): void {
  const database = new DatabaseSync(file)
  database.exec(`pragma synchronous = off; pragma cache_size = -500000; begin;
    create temp table made as
      with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${traces})
      select randomblob(16) as id, 1760000000000000 + n as at from numbers;
    insert into traces (project_id, trace_id, model, provider, status, http_status, started_us, ended_us, calls, errors)
      select 'default', id, 'gpt-4o-mini', 'openai', 'ok', 200, at, at + 1000, 1, 0 from made order by id;
    insert into spans (project_id, trace_id, span_id, kind, name, status, started_us, ended_us, model, detail)
      select 'default', id, randomblob(8), 'call', 'POST /v1/chat/completions', 'ok', at, at + 1000, 'gpt-4o-mini', '{}'
      from made order by id;
    commit`)
  database.close()
}

/** Where a file system of our own can be mounted. */
const fullDisk = (name: string, settings: object): Trouble => ({
  name,
  settings,
  async prepare() {
    const mount = folder()
    try {
      tool('mount', '-t', 'tmpfs', '-o', 'size=256m', 'trunkline-bench', mount)
    } catch (error) {
      rmSync(mount, { recursive: true })
      throw error
    }
    const dataDir = join(mount, 'data')
    const ballast = join(mount, 'ballast')
    return {
      dataDir,
      begin: () => fillUp(ballast),
      async end() {
        rmSync(ballast)
        return undefined
      },
      remove() {
        tool('umount', '--lazy', mount)
        rmSync(mount, { recursive: true, force: true })
      },
    }
  },
})

/** Until not a page more fits. */
function fillUp(ballast: string): void {
  for (const bytes of [1 << 20, 4_096]) {
    while (appends(ballast, Buffer.alloc(bytes))) {}
  }
}

function appends(file: string, bytes: Buffer): boolean {
  try {
    appendFileSync(file, bytes)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    return false
  }
}

/** Files that nobody may write to any more, not even who has them open: rights are only looked at when one opens. */
const immutable: Trouble = {
  name: 'files that refuse writes',
  async prepare() {
    const root = folder()
    const dataDir = join(root, 'data')
    const probe = join(root, 'probe')
    try {
      appendFileSync(probe, '')
      tool('chattr', '+i', probe)
      tool('chattr', '-i', probe)
    } catch (error) {
      rmSync(root, { recursive: true })
      throw error
    }
    const files = written.map((name) => join(dataDir, name))
    let refusing = false
    const refuse = (wanted: boolean): void => {
      if (wanted !== refusing) tool('chattr', wanted ? '+i' : '-i', ...files)
      refusing = wanted
    }
    return {
      dataDir,
      begin: () => refuse(true),
      async end() {
        refuse(false)
        return undefined
      },
      remove() {
        refuse(false)
        rmSync(root, { recursive: true, force: true })
      },
    }
  },
}

const locked: Trouble = {
  name: 'a lock held from outside',
  async prepare() {
    const root = folder()
    const dataDir = join(root, 'data')
    let holders: DatabaseSync[] = []
    return {
      dataDir,
      begin() {
        holders = ['ledger.db', 'traces.db'].map((name) => new DatabaseSync(join(dataDir, name)))
        for (const holder of holders) holder.exec('pragma busy_timeout = 2000; begin immediate')
      },
      async end() {
        for (const holder of holders) {
          holder.exec('rollback')
          holder.close()
        }
        return undefined
      },
      remove: () => rmSync(root, { recursive: true, force: true }),
    }
  },
}

export const troubles: readonly Trouble[] = [
  slowQuery,
  fullDisk('a full disk', {}),
  fullDisk('a full disk, 1 MB may wait', { recording: { in_flight_bytes: 1 << 20 } }),
  immutable,
  locked,
]
