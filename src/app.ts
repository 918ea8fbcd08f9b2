import { MessageChannel } from 'node:worker_threads'
import { privateSockets } from './api/private-sockets.ts'
import { ConfigError } from './config/error.ts'
import type { Flags } from './config/load.ts'
import type { OfflineApi } from './control/offline.ts'
import type { Condition, PartName, Port, Snapshot, ThreadName } from './core/border.ts'
import type { Config } from './core/config.ts'
import { GatewayError, stackOf } from './core/error.ts'
import { type Lost, newSlabCounters, type SlabCounters, slabCounters } from './core/records.ts'
import type { About } from './gateway/about.ts'
import type { Health } from './gateway/health.ts'
import { lateLog } from './telemetry/late-log.ts'
import { Slabs } from './telemetry/slabs.ts'
import type { Gateway } from './threads/gateway.ts'
import { listenOn } from './threads/listen.ts'
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
  /** Where the web page and its API are, such as `http://127.0.0.1:9091`. */
  readonly uiUrl: string
  readonly config: Config
  /** Has the configuration read again; resolves when what has changed is in force, or is known to be wrong. */
  reload(): Promise<void>
  readonly health: () => Health
  readonly about: () => About
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

/** The API on the files of a folder, for a command while no server runs there. */
export async function offlineApi(dataDir: string, environment: Options['environment']): Promise<OfflineApi> {
  const { openOffline } = await import('./control/offline.ts')
  return openOffline(dataDir, environment)
}

/** Puts the parts together, and resolves when the gateway listens. */
export async function startTrunkline({ flags, environment, spawn = inThreads }: Options): Promise<Trunkline> {
  const shared = newSlabCounters()
  const counters = slabCounters(shared)
  const known = new Map<Snapshot['part'], Snapshot>()
  const losses = lossWatch(counters)
  const log = lateLog(writeStdout)
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
          health: () => health(),
          /** Whoever asks this after a snapshot knows from the answer that it is in force. */
          inForce: () => true,
        },
      },
      onBorn: (link) => {
        const config = known.get('config')
        if (config && name !== 'control') link.post(withoutSecrets(config))
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
          log.error(`The ${name} stopped unexpectedly and is being restarted.`, { reason })
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
    if (gateway) apply(gateway, snapshot)
    if (snapshot.part === 'config') {
      for (const name of ['writer', 'reader'] as const) parts[name].link?.post(withoutSecrets(snapshot))
      log.configure(snapshot.value.log)
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
      log.error(`The ${name} has a problem: ${problems.join(' ')}`)
      parts[name].restart()
    }
  }

  const health = (): Health => {
    if (phase === 'running' && !hasBegun) return { phase: 'starting', problems: [] }
    return { phase, problems: [...Object.values(parts).flatMap((part) => part.problems), ...losses.problems()] }
  }
  // Until each part has said how it is, the gateway is starting; later a missing part is a problem, not a beginning.
  let hasBegun = false

  const announce = async (): Promise<void> => {
    try {
      const listening = await parts.control.link?.ask<{ ui: string }>(
        'listening',
        { gateway: url },
        listeningDeadlineMs,
      )
      if (listening) uiUrl = listening.ui
    } catch (thrown) {
      log.error(`Commands cannot reach this server: ${(thrown as Error).message}`)
    }
  }

  const stopParts = async (): Promise<void> => {
    // Last the writer: nobody who reads keeps it then from tidying up its files.
    await Promise.all([parts.reader.stop(partPatienceMs), parts.control.stop(partPatienceMs)])
    await parts.writer.stop(partPatienceMs)
    recordsPort?.close()
  }

  let url = ''
  let uiUrl = ''
  try {
    const firstConfig = new Promise<Config>((resolve, reject) => {
      configured = resolve
      refuse = reject
      for (const part of Object.values(parts)) part.start()
    })
    const loading = import('./threads/gateway.ts')
    const config = await firstConfig
    // At once: the writer, which has just been told the same, is connected to them as soon as it is ready.
    slabs = new Slabs(counters, config.recording.inFlightBytes)
    const { startGateway } = await loading
    gateway = startGateway({
      config,
      slabs,
      health,
      onFault: (error) => log.error('Internal error', { error: stackOf(error) }),
      apiSocket: privateSockets(config.dataDir).api,
      ask: async (part, question, detail) => {
        const { link } = parts[part]
        if (!link) throw new GatewayError('starting', `The ${part} is not there at the moment. Try again.`)
        return link.ask(question, detail, askDeadlineMs)
      },
    })
    for (const snapshot of known.values()) apply(gateway, snapshot)
    url = await listenOn(gateway, { what: 'gateway', ...config.server, flag: '--port' })
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
      uiUrl,
      config,
      reload: async () => void (await parts.control.link?.ask('reload', undefined, listeningDeadlineMs)),
      health,
      about: gateway.about,
      running: () => gateway?.running() ?? 0,
      parts,
      stop: (patienceMs = config.server.drainMs) => (stopped ??= stop(patienceMs)),
    }
  } catch (thrown) {
    await stopParts()
    throw thrown
  }
}

function apply(gateway: Gateway, snapshot: Snapshot): void {
  const { part, value } = snapshot
  if (part === 'config') gateway.configure(value)
  else if (part === 'projects') gateway.setProjects(value)
  else if (part === 'keys') gateway.setKeys(value)
  else if (part === 'tokens') gateway.setTokens(value)
}

/** The configuration as parts get it that have nothing to do with providers. */
const withoutSecrets = (snapshot: Snapshot): Snapshot =>
  snapshot.part === 'config' ? { ...snapshot, value: { ...snapshot.value, providers: {} } } : snapshot

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
