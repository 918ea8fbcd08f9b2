import { openPrivateDoor, type PrivateDoor } from '../api/private-door.ts'
import { loadConfig } from '../config/load.ts'
import type { Condition } from '../core/border.ts'
import type { Config } from '../core/config.ts'
import { GatewayError } from '../core/error.ts'
import type { ProjectId } from '../core/ids.ts'
import { type Link, link } from '../core/link.ts'
import { firstProject } from '../core/project.ts'
import { version as program } from '../core/version.ts'
import { dataFiles } from '../store/files.ts'
import { type FolderLock, lockFolder, removeServerFile, writeServerFile } from '../store/lock.ts'
import { configMigrations } from '../store/migrations/config.ts'
import { migrate } from '../store/migrations/migrate.ts'
import { ensureDefaultProject, listProjects } from '../store/projects.ts'
import type { ConfigDb } from '../store/schema.ts'
import { kyselyOn, openForWriting } from '../store/sqlite/open.ts'
import { inWords } from '../store/sqlite/trouble.ts'
import { type StartPart, startInThread } from './part.ts'

/** How long a command that asks for traces may wait for what has just been recorded, and for the query itself. */
const flushDeadlineMs = 1_000
const queryDeadlineMs = 10_000

/** Control's thread: the configuration and whoever asks for something other than an answer from a model. */
export const startControl: StartPart = (port, init) => {
  const links = new Map<string, Link>()
  let version = 0
  let lock: FolderLock | undefined
  let door: PrivateDoor | undefined
  let close = (): void => undefined

  const say = (value: Condition): void =>
    supervisor.post({ kind: 'snapshot', part: 'condition', version: version++, value })

  const open = async (): Promise<Config> => {
    const config = loadConfig(init.flags, init.environment)
    lock = lockFolder(config.dataDir)
    supervisor.post({ kind: 'snapshot', part: 'config', version: version++, value: config })
    const projects = await openProjects(dataFiles(config.dataDir).config)
    supervisor.post({
      kind: 'snapshot',
      part: 'projects',
      version: version++,
      value: projects.map((id) => firstProject(id)),
    })
    say({ phase: 'ready', problems: [] })
    return config
  }

  const openProjects = async (path: string): Promise<ProjectId[]> => {
    try {
      const database = openForWriting(path, { synchronous: 'FULL' })
      close = () => database.close()
      const db = kyselyOn<ConfigDb>(database)
      await migrate(db, configMigrations)
      await ensureDefaultProject(db, Date.now() * 1000)
      return await listProjects(db)
    } catch (thrown) {
      throw new Error(inWords(path, 'opened', thrown), { cause: thrown })
    }
  }

  /** Asks the reader, after what was recorded up to now is stored: who has just made a call will find it. */
  const query = async (name: string, detail: unknown): Promise<unknown> => {
    const [writer, reader] = [links.get('writer'), links.get('reader')]
    if (!writer || !reader) throw new GatewayError('starting', 'The server is still starting.')
    try {
      const barrier = await supervisor.ask<number>('flush', undefined, flushDeadlineMs)
      await writer.ask('stored', { barrier }, flushDeadlineMs)
    } catch {
      // A writer in trouble says so in the server's health; what is stored can be read all the same.
    }
    return reader.ask('query', { name, detail }, queryDeadlineMs)
  }

  const supervisor = link(port, {
    async command(command) {
      switch (command.command) {
        case 'connect':
          links.get(command.to)?.close()
          links.set(command.to, link(command.port, {}))
          return
        case 'stop': {
          const config = await opening.catch(() => undefined)
          if (config) removeServerFile(config.dataDir)
          await door?.close()
          close()
          lock?.release()
          say({ phase: 'stopped', problems: [] })
          for (const one of links.values()) one.close()
          supervisor.close()
        }
      }
    },
    answers: {
      /** The gateway listens: from now on commands can find it. */
      listening: async ({ gateway }: { gateway: string }) => {
        const { dataDir } = await opening
        door = await openPrivateDoor(dataDir, query)
        writeServerFile(dataDir, {
          pid: process.pid,
          version: program,
          gateway,
          socket: door.path,
          startedUs: Date.now() * 1000,
        })
      },
    },
  })

  const opening = open()
  opening.catch((thrown: Error) => say({ phase: 'failed', problems: [thrown.message] }))
}

startInThread('control', startControl)
