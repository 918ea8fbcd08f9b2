import { MessageChannel } from 'node:worker_threads'
import { ConfigError } from './config/error.ts'
import type { Flags } from './config/load.ts'
import type { Condition, PartName, Port, Snapshot, ThreadName } from './core/border.ts'
import type { Config } from './core/config.ts'
import { GatewayError } from './core/error.ts'
import { type Lost, newSlabCounters, type SlabCounters, slabCounters } from './core/records.ts'
import type { Health } from './gateway/health.ts'
import type { Log } from './telemetry/log.ts'
import { Slabs } from './telemetry/slabs.ts'
import { type Gateway, startGateway } from './threads/gateway.ts'
import type { PartInit } from './threads/part.ts'
import { writeStdout } from './threads/stdout.ts'
import { inThreads, type Spawn, Supervised } from './threads/supervisor.ts'

export interface Options {
  readonly flags: Flags
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Where the parts run; in threads of their own unless a test says otherwise. */
  readonly spawn?: Spawn
}

/** A running Trunkline. */
export interface Trunkline {
  /** Where the gateway listens, such as `http://127.0.0.1:9090`. */
  readonly url: string
  readonly config: Config
  readonly health: () => Health
  /** How many requests have no whole answer yet. */
  readonly running: () => number
  /** The parts behind the gateway, for whoever tests what their loss means. */
  readonly parts: Readonly<Record<PartName, Supervised>>
  /** Finishes what runs, stores what was recorded, and ends every thread. */
  stop(patienceMs?: number): Promise<void>
}

/** Who talks to whom, beside everybody to the supervisor. */
const channels: readonly (readonly [ThreadName, PartName])[] = [
  ['gateway', 'writer'],
  ['control', 'writer'],
  ['control', 'reader'],
]

const partPatienceMs = 5_000
const listeningDeadlineMs = 5_000
/** How long a call waits for what another part has to say. */
const askDeadlineMs = 5_000
/** How long after the last loss the gateway's health still speaks of it. */
const lossMemoryMs = 60_000

/** Puts the parts together, and resolves when the gateway listens. */
export async function startTrunkline({ flags, environment, spawn = inThreads }: Options): Promise<Trunkline> {
  const shared = newSlabCounters()
  const counters = slabCounters(shared)
  const known = new Map<Snapshot['part'], Snapshot>()
  const losses = lossWatch(counters)
  let phase: Health['phase'] = 'starting'
  let slabs: Slabs | undefined
  let gateway: Gateway | undefined
  let barriers = 0
  let configured: (config: Config) => void = () => undefined
  let refuse: (reason: Error) => void = () => undefined

  const startedUs = Date.now() * 1000
  const init = (part: PartName): PartInit => ({ part, flags, environment, counters: shared, startedUs })

  const supervise = (name: PartName): Supervised =>
    new Supervised({
      name,
      spawn: () => spawn(init(name)),
      handlers: {
        snapshot: (snapshot) => take(snapshot),
        answers: {
          /** Hands over what is recorded so far and names the barrier behind it. */
          flush: () => {
            slabs?.send(++barriers)
            return barriers
          },
        },
      },
      onBorn: (link) => {
        for (const snapshot of known.values()) link.post(snapshot)
        for (const [from, to] of channels) if (from === name || to === name) connect(from, to)
        if (name === 'control' && phase === 'running') void announce()
      },
      onCondition: (condition) => settle(name, condition),
      onGone: (reason) => {
        if (name === 'writer') {
          slabs?.disconnect()
          losses.ofDeadWriter(slabs?.waitingBytes ?? 0)
        }
        if (!known.has('config')) refuse(new Error(`The ${name} did not start: ${reason}`))
        else if (parts[name].condition?.phase !== 'failed')
          void logged(`The ${name} stopped unexpectedly and is being restarted.`, { reason })
      },
    })

  const parts: Record<PartName, Supervised> = {
    control: supervise('control'),
    writer: supervise('writer'),
    reader: supervise('reader'),
  }

  const connect = (from: ThreadName, to: PartName): void => {
    const target = parts[to].link
    const source = from === 'gateway' ? undefined : parts[from].link
    if (!target || (from !== 'gateway' && !source)) return
    const { port1, port2 } = new MessageChannel()
    const [near, far] = [port1 as unknown as Port, port2 as unknown as Port]
    target.post({ kind: 'command', command: 'connect', to: from, port: far }, [far])
    if (source) source.post({ kind: 'command', command: 'connect', to, port: near }, [near])
    else recordsPort = near
  }
  let recordsPort: Port | undefined

  const take = (snapshot: Snapshot): void => {
    known.set(snapshot.part, snapshot)
    if (snapshot.part === 'projects') gateway?.setProjects(snapshot.value)
    if (snapshot.part === 'config') {
      for (const name of ['writer', 'reader'] as const) parts[name].link?.post(snapshot)
      gateway?.configure(snapshot.value)
      configured(snapshot.value)
    }
  }

  const settle = (name: PartName, { phase: reached, problems }: Condition): void => {
    hasBegun ||= Object.values(parts).every((part) => part.condition)
    // Only now: a writer that cannot open its files would take with it what it had been sent.
    if (name === 'writer' && reached === 'ready' && recordsPort) slabs?.connect(recordsPort)
    if (reached !== 'failed') return
    if (!known.has('config')) refuse(new ConfigError(problems.join(' ')))
    else {
      void logged(`The ${name} has a problem: ${problems.join(' ')}`)
      parts[name].restart()
    }
  }

  const health = (): Health => {
    if (phase === 'running' && !hasBegun) return { phase: 'starting', problems: [] }
    return { phase, problems: [...Object.values(parts).flatMap((part) => part.problems), ...losses.problems()] }
  }
  // Until each part has said how it is, the gateway is starting; later a missing part is a problem, not a beginning.
  let hasBegun = false

  const announce = (): Promise<unknown> | undefined =>
    parts.control.link?.ask('listening', { gateway: url }, listeningDeadlineMs).catch((thrown: Error) => {
      void logged(`Commands cannot reach this server: ${thrown.message}`)
    })

  let log: Promise<Log> | undefined
  const logged = async (message: string, fields?: object): Promise<void> => {
    const snapshot = known.get('config')
    if (snapshot?.part !== 'config') return
    log ??= import('./telemetry/log.ts').then(({ openLog }) => openLog(snapshot.value.log, writeStdout))
    ;(await log).error(message, fields)
  }

  const stopParts = async (): Promise<void> => {
    // Last the writer: nobody who reads keeps it then from tidying up its files.
    await Promise.all([parts.reader.stop(partPatienceMs), parts.control.stop(partPatienceMs)])
    await parts.writer.stop(partPatienceMs)
    recordsPort?.close()
  }

  let url = ''
  try {
    const config = await new Promise<Config>((resolve, reject) => {
      configured = resolve
      refuse = reject
      for (const part of Object.values(parts)) part.start()
    })
    slabs = new Slabs(counters, config.recording.inFlightBytes)
    gateway = startGateway({
      config,
      slabs,
      health,
      onFault: (error) => void logged('Internal error', { error: stackOf(error) }),
      ask: async (part, question, detail) => {
        const { link } = parts[part]
        if (!link) throw new GatewayError('starting', `The ${part} is not there at the moment. Try again.`)
        return link.ask(question, detail, askDeadlineMs)
      },
    })
    const projects = known.get('projects')
    if (projects?.part === 'projects') gateway.setProjects(projects.value)
    url = await listen(gateway, config)
    phase = 'running'
    await announce()
    const stop = async (patienceMs: number): Promise<void> => {
      phase = 'draining'
      await gateway?.drain(patienceMs)
      // The order to stop comes on another port than the records: they have to be there first.
      slabs?.send(++barriers)
      await parts.writer.link?.ask('stored', { barrier: barriers }, partPatienceMs).catch(() => undefined)
      await stopParts()
    }
    let stopped: Promise<void> | undefined
    return {
      url,
      config,
      health,
      running: () => gateway?.running() ?? 0,
      parts,
      stop: (patienceMs = config.server.drainMs) => (stopped ??= stop(patienceMs)),
    }
  } catch (thrown) {
    await stopParts()
    throw thrown
  }
}

async function listen(gateway: Gateway, { server: { host, port } }: Config): Promise<string> {
  try {
    const { address, port: given, family } = await gateway.listen()
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${given}`
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException
    if (code === 'EADDRINUSE') {
      throw new ConfigError(
        `Port ${port} on ${host} is in use. Stop the other program, or choose another port with --port.`,
      )
    }
    if (code === 'EACCES')
      throw new ConfigError(`Port ${port} on ${host} is not allowed for this user. Choose another with --port.`)
    throw new ConfigError(`The gateway cannot listen on ${host}, port ${port}: ${message}.`)
  }
}

const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error))

/** Sees when something was not recorded, so that health can say so for as long as it is news. */
function lossWatch(counters: SlabCounters) {
  let before = counters.lost()
  let lastMs = Number.NEGATIVE_INFINITY
  return {
    problems(): readonly string[] {
      const now = counters.lost()
      if (Object.keys(now).some((what) => now[what as keyof Lost] > before[what as keyof Lost])) lastMs = Date.now()
      before = now
      if (Date.now() - lastMs > lossMemoryMs) return []
      return [
        `Not everything was recorded since the start: ${now.bodyBytes} bytes of bodies, ${now.spans} spans, ${now.ledgerRows} rows of the ledger and ${now.slabBytes} bytes of a writer that crashed are missing.`,
      ]
    },
    /** What was on its way to a writer that died is gone, but for what still waited for one. */
    ofDeadWriter(waitingBytes: number): void {
      const bytes = counters.inFlightBytes() - waitingBytes
      counters.addInFlight(-bytes)
      counters.addLost('slabBytes', bytes)
      counters.addLost('ledgerRows', counters.ledgerRows())
      counters.setLedgerRows(0)
    },
  }
}
