import type { Condition } from '../core/border.ts'
import type { Config } from '../core/config.ts'
import { type Link, link } from '../core/link.ts'
import { type Lost, slabCounters } from '../core/records.ts'
import { dataFiles } from '../store/files.ts'
import { countTokens } from '../store/tokens.ts'
import { Writer } from '../store/writer.ts'
import { type Log, openLog } from '../telemetry/log.ts'
import { type StartPart, startInThread } from './part.ts'
import { writeStdout } from './stdout.ts'

/** How often the log is written out and losses are looked for. */
const tickMs = 250

/** The writer's thread: records in, rows out, and a line in the log for each call. */
export const startWriter: StartPart = (port, init) => {
  const counters = slabCounters(init.counters)
  const links: Link[] = []
  let version = 0
  let log: Log | undefined
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
    log = openLog(config.log, writeStdout, { gather: true })
    const writer = await Writer.open({
      files: dataFiles(config.dataDir),
      startedUs: init.startedUs,
      counters,
      recording: config.recording,
      responses: config.responses,
      onCall: (call) => log?.call(call),
      onEmpty: (slab) => records?.post({ kind: 'records', slab, used: 0 }, [slab]),
      onNews({ level, text }) {
        log?.[level](text)
        say({ phase: 'ready', problems: writer.problems })
      },
    })
    for (const problem of writer.problems) log.error(problem)
    if (writer.interrupted > 0) {
      log.warn('Calls were running when an earlier server ended. They are marked as interrupted.', {
        calls: writer.interrupted,
      })
    }
    let lost = counters.lost()
    const tick = (): void => {
      const now = counters.lost()
      if (total(now) > total(lost)) {
        log?.warn('Some of what passed was not recorded: the disk cannot follow.', { lost: now })
      }
      lost = now
      log?.flush()
    }
    const ticking = setInterval(tick, tickMs)
    stop = () => {
      clearInterval(ticking)
      writer.close()
      tick()
    }
    opened(writer)
    say({ phase: 'ready', problems: writer.problems })
  }

  /** A configuration that has changed, or that a control that has come back says again. */
  const change = async (config: Config): Promise<void> => {
    ;(await opening).configure(config)
    log?.flush()
    log = openLog(config.log, writeStdout, { gather: true })
  }

  const supervisor = link(port, {
    snapshot({ part, value }) {
      if (part !== 'config') return
      // A second writer beside the first would write over its blocks.
      if (begun) return void change(value)
      begun = true
      open(value).catch((thrown: Error) => {
        say({
          phase: 'failed',
          problems: [`The data folder ${value.dataDir} cannot be used: ${thrown.message}`],
        })
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
    answers: {
      stored,
      keepResponse: async (detail: { project: string; id: string; text: string }) =>
        (await opening).responses.keep(detail, Date.now() * 1000),
      findResponse: async (detail: { project: string; id: string }) => (await opening).responses.find(detail),
      removeResponse: async (detail: { project: string; id: string }) => (await opening).responses.remove(detail),
      countTokens: ({ text }: { text: string }) => countTokens(text),
    },
  })
}

const total = (lost: Lost): number => Object.values(lost).reduce((sum, count) => sum + count, 0)

startInThread('writer', startWriter)
