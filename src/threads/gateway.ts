import { randomFillSync } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { anybody } from '../core/access.ts'
import type { Config } from '../core/config.ts'
import { uuidv7 } from '../core/ids.ts'
import type { Project } from '../core/project.ts'
import { Rounds } from '../core/rounds.ts'
import { chatDoors, dialectAt } from '../gateway/chat-doors.ts'
import { type Health, healthDoors } from '../gateway/health.ts'
import type { InferenceState } from '../gateway/inference.ts'
import { KeptResponses } from '../gateway/kept-responses.ts'
import { modelDoors } from '../gateway/models.ts'
import { Remembered } from '../gateway/remembered.ts'
import { responseDoors } from '../gateway/responses.ts'
import { systemClock } from '../http/clock.ts'
import { httpServer } from '../http/server.ts'
import { upstreams } from '../http/upstream.ts'
import { providers } from '../providers/index.ts'
import { type ConfiguredProvider, configured } from '../providers/provider.ts'
import type { Slabs } from '../telemetry/slabs.ts'
import { tracer } from '../telemetry/trace.ts'

export interface GatewayDeps {
  readonly config: Config
  readonly slabs: Slabs
  readonly health: () => Health
  readonly onFault: (error: unknown) => void
  /** Asks another part, which may take until the deadline or may not be there. */
  readonly ask: (part: 'writer' | 'reader', question: string, detail: unknown) => Promise<unknown>
}

export interface Gateway {
  listen(): Promise<AddressInfo>
  /** A new configuration: calls that come from now on go by it. */
  configure(config: Config): void
  setProjects(projects: readonly Project[]): void
  /** How many requests have no whole answer yet. */
  running(): number
  /** Takes no more calls, and gives those that run so long to end. */
  drain(patienceMs: number): Promise<void>
}

/** The gateway's thread: what stands between a client and its provider, all of it in memory. */
export function startGateway({ config, slabs, health, onFault, ask }: GatewayDeps): Gateway {
  const clock = systemClock()
  let state = stateOf(config, ['default'])
  const random = randomHex()
  const out = upstreams()
  const rounds = new Rounds()
  const inference = {
    state: () => state,
    trace: tracer({ slabs, clock, rounds, newSpanId: () => random(8) }),
    send: out.send,
    rounds,
    remembered: new Remembered(),
    newTraceId: () => uuidv7(Date.now(), random(10)),
    newId: () => random(12),
    responses: new KeptResponses(
      {
        keep: async (detail) => void (await ask('writer', 'keepResponse', detail)),
        find: async (detail) => (await ask('writer', 'findResponse', detail)) as string | undefined,
        remove: async (detail) => (await ask('writer', 'removeResponse', detail)) as boolean,
      },
      onFault,
    ),
    estimate: async (text: string) => (await ask('writer', 'countTokens', { text })) as number,
  }
  const server = httpServer({
    doors: [
      ...chatDoors(inference),
      ...responseDoors(inference),
      ...modelDoors(() => state.providers, Math.floor(clock() / 1e6)),
      ...healthDoors(health),
    ],
    admit: () => anybody,
    encodeError: (error, path) => dialectAt(path).encodeError(error),
    limits: config.limits,
    clock,
    onFault,
  })
  return {
    listen: () => server.listen(config.server.host, config.server.port),
    configure: (changed) => {
      state = stateOf(changed, state.projects)
    },
    setProjects: (projects) => {
      state = { ...state, projects: projects.map(({ id }) => id) }
    },
    running: () => server.running,
    async drain(patienceMs) {
      const patience = setTimeout(() => server.cut(), patienceMs)
      await server.close()
      clearTimeout(patience)
      // Answers whose clients have left may still be read.
      rounds.cut()
      await out.close()
    },
  }
}

function stateOf(config: Config, projects: readonly string[]): InferenceState {
  const all = new Map<string, ConfiguredProvider>()
  for (const [name, provider] of Object.entries(providers)) {
    all.set(name, configured(name, provider, config.timeouts, config.providers[name]))
  }
  return {
    limits: config.limits,
    cancel: config.cancel,
    translation: config.translation,
    projects,
    providers: all,
  }
}

/** Random bytes as hex, from a pool: one system call for hundreds of ids. */
function randomHex(): (bytes: number) => string {
  const pool = Buffer.alloc(4096)
  let at = pool.length
  return (bytes) => {
    if (at + bytes > pool.length) {
      randomFillSync(pool)
      at = 0
    }
    at += bytes
    return pool.toString('hex', at - bytes, at)
  }
}
