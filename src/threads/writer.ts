import type { Condition } from '../core/border.ts'
import type { Config } from '../core/config.ts'
import { type Link, link } from '../core/link.ts'
import { type Lost, slabCounters } from '../core/records.ts'
import { dataFiles } from '../store/files.ts'
import { ledgerMigrations } from '../store/migrations/ledger.ts'
import { migrate } from '../store/migrations/migrate.ts'
import { tracesMigrations } from '../store/migrations/traces.ts'
import type { LedgerDb, TracesDb } from '../store/schema.ts'
import { kyselyOn, openForWriting } from '../store/sqlite/open.ts'
import { Writer } from '../store/writer.ts'
import { openLog } from '../telemetry/log.ts'
import { type StartPart, startInThread } from './part.ts'
import { writeStdout } from './stdout.ts'

/** How often the log is written out and losses are looked for. */
const tickMs = 250

/** The writer's thread: records in, rows out, and a line in the log for each call. */
export const startWriter: StartPart = (port, init) => {
  const counters = slabCounters(init.counters)
  const links: Link[] = []
  let version = 0
  let begun = false
  let opened: (writer: Writer) => void = () => undefined
  /** Whoever sends or asks before the files are open waits for it: a port keeps what nobody listens to yet. */
  const opening = new Promise<Writer>((resolve) => {
    opened = resolve
  })
  const stored = async ({ barrier }: { barrier: number }): Promise<void> => (await opening).stored(barrier)
  let records: Link | undefined
  let stop = (): void => undefined

  const say = (value: Condition): void =>
    supervisor.post({ kind: 'snapshot', part: 'condition', version: version++, value })

  const open = async (config: Config): Promise<void> => {
    const files = dataFiles(config.dataDir)
    // The ledger is what money is counted by: it survives a power cut. Traces may lose their last moments.
    const ledger = openForWriting(files.ledger, { synchronous: 'FULL' })
    const traces = openForWriting(files.traces, { synchronous: 'NORMAL' })
    await migrate(kyselyOn<LedgerDb>(ledger), ledgerMigrations)
    await migrate(kyselyOn<TracesDb>(traces), tracesMigrations)
    const log = openLog(config.log, writeStdout, { gather: true })
    let trouble: string | undefined
    const writer = new Writer({
      traces,
      ledger,
      counters,
      recording: config.recording,
      onCall: (call) => log.call(call),
      onEmpty: (slab) => records?.post({ kind: 'records', slab, used: 0 }, [slab]),
      onTrouble(problem) {
        if (problem === trouble) return
        trouble = problem
        if (problem === undefined) log.info('Traces are written again.')
        else log.error(problem)
        say({ phase: 'ready', problems: problem === undefined ? [] : [problem] })
      },
    })
    let lost = counters.lost()
    const ticking = setInterval(() => {
      const now = counters.lost()
      if (total(now) > total(lost))
        log.warn('Some of what passed was not recorded: the disk cannot follow.', { lost: now })
      lost = now
      log.flush()
    }, tickMs)
    stop = () => {
      clearInterval(ticking)
      writer.close()
      log.flush()
    }
    opened(writer)
    say({ phase: 'ready', problems: [] })
  }

  const supervisor = link(port, {
    snapshot({ part, value }) {
      // A control that has come back says it again. A second writer beside the first would write over its blocks.
      if (part !== 'config' || begun) return
      begun = true
      open(value).catch((thrown: Error) => {
        say({ phase: 'failed', problems: [`The data folder ${value.dataDir} cannot be written: ${thrown.message}`] })
      })
    },
    command(command) {
      switch (command.command) {
        case 'stop':
          stop()
          say({ phase: 'stopped', problems: [] })
          for (const one of links) one.close()
          supervisor.close()
          return
        case 'connect':
          void opening.then((writer) => {
            const connected = link(command.port, { records: (slab) => writer.take(slab), answers: { stored } })
            links.push(connected)
            if (command.to === 'gateway') records = connected
          })
      }
    },
    answers: { stored },
  })
}

const total = (lost: Lost): number => Object.values(lost).reduce((sum, count) => sum + count, 0)

startInThread('writer', startWriter)
