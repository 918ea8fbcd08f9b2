import { randomFillSync } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { errorText } from '../api/error-text.ts'
import type { Caller, ClientKey, Scope } from '../core/access.ts'
import type { PartName } from '../core/border.ts'
import type { Config } from '../core/config.ts'
import type { Token, Tokens } from '../core/credential.ts'
import { GatewayError } from '../core/error.ts'
import { uuidv7 } from '../core/ids.ts'
import type { Project } from '../core/project.ts'
import { Rounds } from '../core/rounds.ts'
import { type About, aboutOf } from '../gateway/about.ts'
import { chatDoors, dialectAt } from '../gateway/chat-doors.ts'
import { forwardedDoors } from '../gateway/forwarded.ts'
import { type Health, healthDoors } from '../gateway/health.ts'
import { KeptResponses } from '../gateway/kept-responses.ts'
import { modelDoors } from '../gateway/models.ts'
import { Remembered } from '../gateway/remembered.ts'
import { responseDoors } from '../gateway/responses.ts'
import { byId, projectsOf, stateOf } from '../gateway/state.ts'
import { TokenShelf } from '../gateway/tokens.ts'
import { isLoopback } from '../http/addresses.ts'
import { admit, type Credentials } from '../http/caller.ts'
import { systemClock } from '../http/clock.ts'
import { httpServer } from '../http/server.ts'
import { upstreams } from '../http/upstream.ts'
import type { Slabs } from '../telemetry/slabs.ts'
import { tracer } from '../telemetry/trace.ts'

export interface GatewayDeps {
  readonly config: Config
  readonly slabs: Slabs
  readonly health: () => Health
  readonly onFault: (error: unknown) => void
  /** Asks another part, which may take until the deadline or may not be there. */
  readonly ask: (part: PartName, question: string, detail: unknown) => Promise<unknown>
  /** Where control takes requests that came to us and are for it. */
  readonly apiSocket: string
}

export interface Gateway {
  listen(): Promise<AddressInfo>
  /** A new configuration: calls that come from now on go by it. */
  configure(config: Config): void
  setProjects(projects: readonly Project[]): void
  /** The client keys that are good. While there is none, nobody needs one. */
  setKeys(keys: readonly ClientKey[]): void
  /** What credentials of clouds have been changed into. */
  setTokens(tokens: Tokens): void
  about(): About
  /** How many requests have no whole answer yet. */
  running(): number
  /** Takes no more calls, and gives those that run so long to end. */
  drain(patienceMs: number): Promise<void>
}

/** The gateway's thread: what stands between a client and its provider, all of it in memory. */
export function startGateway({ config, slabs, health, onFault, ask, apiSocket }: GatewayDeps): Gateway {
  const clock = systemClock()
  let state = stateOf(config)
  const random = randomHex()
  const out = upstreams()
  const rounds = new Rounds()
  const tokens = new TokenShelf({
    ask: async (id) => (await ask('control', 'token', { id })) as Token,
    nowMs: Date.now,
  })
  /** Only this machine reaches the port. */
  const isHere = isLoopback(config.server.host)
  /** The last key may be revoked while other machines can reach us: that opens the door to nobody. */
  const admitted = (request: Credentials, scope: Scope): Caller => {
    if (!isHere && state.keys.size === 0 && scope !== 'public') throw noKeys()
    return admit(request, scope, { keys: state.keys, mayBeOpen: isHere }, clock())
  }
  const mayManage = (request: Credentials): boolean => {
    try {
      admitted(request, 'operator')
      return true
    } catch {
      return false
    }
  }
  const inference = {
    state: () => state,
    trace: tracer({ slabs, clock, rounds, newSpanId: () => random(8) }),
    send: out.send,
    rounds,
    remembered: new Remembered(),
    tokens,
    random: Math.random,
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
      ...modelDoors({ ...inference, createdSeconds: Math.floor(clock() / 1e6) }),
      ...healthDoors(health, mayManage),
      ...forwardedDoors({ send: out.send, socketPath: apiSocket }),
    ],
    hint,
    admit: admitted,
    encodeError: (error, path) => (path.startsWith('/api/') ? errorText(error) : dialectAt(path).encodeError(error)),
    limits: config.limits,
    hosts: () => state.config.server.allowedHosts,
    anyAddress: !isHere,
    clock,
    onFault,
  })
  return {
    listen: () => server.listen(config.server.host, config.server.port),
    configure: (changed) => {
      state = { ...state, config: changed, projects: projectsOf(state.projects.all, changed) }
    },
    setProjects: (changed) => {
      state = { ...state, projects: projectsOf(changed, state.config) }
    },
    setKeys: (keys) => {
      state = { ...state, keys: byId(keys) }
    },
    setTokens: (changed) => tokens.set(changed),
    about: () => aboutOf(state, isHere),
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

const hint =
  'Chats are at POST /v1/chat/completions, /v1/responses, /v1/messages and /gemini/v1beta/models/{model}:generateContent.'

const noKeys = (): GatewayError =>
  new GatewayError(
    'client_key_missing',
    'Other machines can reach this gateway, so it wants a client key, and there is none. `trunkline keys create` makes one.',
  )

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
