import { apiDoors } from '../api/api-doors.ts'
import { type ControlStores, openControlStores } from '../api/control-stores.ts'
import type { ApiHealth } from '../api/deps.ts'
import { errorText } from '../api/error-text.ts'
import { pageDoors } from '../api/page-doors.ts'
import { closeToOthers, type PrivateSockets, preparePrivateSockets, privateSockets } from '../api/private-sockets.ts'
import { type AnswerQuery, queryDoor } from '../api/query-door.ts'
import { ConfigError } from '../config/error.ts'
import { ConfigKeeper } from '../config/keeper.ts'
import type { Flags, Loaded } from '../config/load.ts'
import { anybody, type Caller, type ClientKey, type Scope } from '../core/access.ts'
import type { SnapshotParts } from '../core/border.ts'
import type { Config } from '../core/config.ts'
import type { Token } from '../core/credential.ts'
import { stackOf } from '../core/error.ts'
import type { Project } from '../core/project.ts'
import { version } from '../core/version.ts'
import { TokenKeeper } from '../credentials/token-keeper.ts'
import { isLoopback } from '../http/addresses.ts'
import { admit, type Credentials } from '../http/caller.ts'
import { systemClock } from '../http/clock.ts'
import type { Door } from '../http/exchange.ts'
import { type HttpServer, httpServer } from '../http/server.ts'
import { refuseNewer } from '../store/databases.ts'
import { type FolderLock, lockFolder, removeServerFile, writeServerFile } from '../store/lock.ts'
import { type LateLog, lateLog } from '../telemetry/late-log.ts'
import { listenOn } from '../threads/listen.ts'
import { writeStdout } from '../threads/stdout.ts'
import { Management } from './management.ts'

export interface ControlDeps {
  readonly flags: Flags
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Tells the gateway of a part of the state that has changed. */
  readonly post: <P extends 'config' | 'projects' | 'keys' | 'tokens'>(part: P, value: SnapshotParts[P]) => void
  /** Told of what an operator should know, each time that it changes. */
  readonly onProblems: (problems: readonly string[]) => void
  readonly query: AnswerQuery
  readonly health: () => Promise<ApiHealth>
  /** Resolves when what was posted before is in force. */
  readonly inForce: () => Promise<unknown>
}

type Admit = (request: Credentials, scope: Scope) => Caller

const now = systemClock()

/**
 * Everything that is decided rather than called: the configuration, what is stored of it, and who may change it. It has
 * the data folder for itself from the moment that it is open.
 */
export class Control {
  private readonly deps: ControlDeps
  private readonly keeper: ConfigKeeper
  private readonly lock: FolderLock
  private readonly stores: ControlStores
  private readonly tokens: TokenKeeper
  private readonly management: Management
  private readonly servers: HttpServer[] = []
  private readonly sockets: PrivateSockets
  private readonly log: LateLog = lateLog(writeStdout)
  private projects: readonly Project[] = []
  private keys: ReadonlyMap<string, ClientKey> = new Map()
  private ui = ''
  private problems: readonly string[] = []
  private isOpen = false
  /** One change after the other: none is posted with half of another. */
  private changing: Promise<void> = Promise.resolve()

  /** Resolves when the first state has been posted. What keeps it from that is thrown in words. */
  static async open(deps: ControlDeps): Promise<Control> {
    const { flags, environment } = deps
    let control: Control | undefined
    const keeper = new ConfigKeeper({
      flags,
      environment,
      onChange: (loaded) => control?.configured(loaded),
      onProblems: () => control?.tellProblems(),
    })
    let lock: FolderLock | undefined
    let stores: ControlStores | undefined
    try {
      const { dataDir } = keeper.current.config
      lock = lockFolder(dataDir)
      await refuseNewer(dataDir)
      stores = await openControlStores(dataDir, environment, now, (name) => keeper.current.config.providers[name]?.like)
      keeper.setStored((await stores.settings.all()).values)
      control = new Control(deps, keeper, lock, stores)
      await control.begin()
      return control
    } catch (thrown) {
      if (control) await control.close()
      else {
        await keeper.close()
        stores?.close()
        lock?.release()
      }
      throw thrown
    }
  }

  private constructor(deps: ControlDeps, keeper: ConfigKeeper, lock: FolderLock, stores: ControlStores) {
    this.deps = deps
    this.keeper = keeper
    this.lock = lock
    this.stores = stores
    this.log.configure(this.config.log)
    this.sockets = privateSockets(this.config.dataDir)
    this.tokens = new TokenKeeper({
      onTokens: (tokens) => deps.post('tokens', tokens),
      nowMs: Date.now,
      environment: deps.environment,
    })
    this.management = new Management({
      stores,
      tokens: this.tokens,
      loaded: () => keeper.current,
      projects: () => this.projects,
      health: deps.health,
      changed: () => this.changed(),
      onFault: (error) => this.fault(error),
    })
  }

  private get config(): Config {
    return this.keeper.current.config
  }

  private async begin(): Promise<void> {
    await this.read()
    checkBind(this.config, this.keys)
    await this.listen()
    this.isOpen = true
    // The configuration last: with it the gateway begins, and not before it knows whom to let in.
    this.postState()
    this.deps.post('config', this.config)
    this.tellProblems()
    void this.keeper.watch()
  }

  private async read(): Promise<void> {
    const { projects, keys } = await this.stores.state()
    this.projects = projects
    this.keys = new Map(keys.map((key) => [key.id, key]))
  }

  private postState(): void {
    this.deps.post('keys', [...this.keys.values()])
    this.deps.post('projects', this.projects)
    this.management.keepTokens()
  }

  private configured({ config }: Loaded): void {
    this.log.configure(config.log)
    if (!this.isOpen) return
    this.log.info('The configuration has changed and is in force.')
    this.deps.post('config', config)
    this.management.keepTokens()
  }

  private tellProblems(): void {
    if (!this.isOpen) return
    const problems = [...this.keeper.problems, ...this.stores.problems()]
    for (const problem of problems) if (!this.problems.includes(problem)) this.log.error(problem)
    this.problems = problems
    this.deps.onProblems(problems)
  }

  /** Something was stored: everybody hears of it before whoever changed it does. */
  private changed(): Promise<void> {
    this.changing = this.changing
      .catch(() => undefined)
      .then(async () => {
        await this.read()
        // Before anything else: whatever may be wrong with the rest, a key that is revoked is good for nothing.
        this.postState()
        this.keeper.setStored((await this.stores.settings.all()).values)
        this.tellProblems()
        await this.deps.inForce()
      })
    return this.changing
  }

  private async listen(): Promise<void> {
    const { host, uiPort } = this.config.server
    const { management } = this
    const admit: Admit = (request, scope) => this.admit(request, scope)
    const doors = [...apiDoors(management.api(admit)), ...pageDoors()]
    this.ui = await listenOn(this.server(doors, admit), { what: 'web page', host, port: uiPort, flag: '--ui-port' })
    preparePrivateSockets(this.sockets)
    // The gateway has let nobody through for it: who comes by this socket is asked like anybody else.
    const forwarded = this.server(doors, admit)
    await forwarded.listenAt(this.sockets.api)
    closeToOthers(this.sockets.api)
    // Only this user can open this one, who could as well change the files.
    const anyone: Admit = () => anybody
    const commands = this.server([queryDoor(this.deps.query), ...apiDoors(management.api(anyone))], anyone)
    await commands.listenAt(this.sockets.commands)
    closeToOthers(this.sockets.commands)
  }

  private server(doors: readonly Door[], admit: Admit): HttpServer {
    const { limits, server } = this.config
    const made = httpServer({
      doors,
      hint: "Chats are on the gateway's port; what is here is told at /api/docs.",
      admit,
      encodeError: errorText,
      limits,
      hosts: () => this.config.server.allowedHosts,
      anyAddress: !isLoopback(server.host),
      clock: now,
      onFault: (error) => this.fault(error),
    })
    this.servers.push(made)
    return made
  }

  private admit(request: Credentials, scope: Scope): Caller {
    return admit(request, scope, { keys: this.keys, mayBeOpen: isLoopback(this.config.server.host) }, now())
  }

  private fault(error: unknown): void {
    this.log.error('Internal error', { error: stackOf(error) })
  }

  /** The gateway listens: from now on commands can find it. Says where the page is. */
  listening(gateway: string): { readonly ui: string } {
    const { ui, sockets, config } = this
    writeServerFile(config.dataDir, {
      pid: process.pid,
      version,
      gateway,
      ui,
      socket: sockets.commands,
      startedUs: now(),
    })
    return { ui }
  }

  token(id: string): Promise<Token> {
    return this.tokens.get(id)
  }

  async reload(): Promise<void> {
    this.keeper.reload()
    await this.deps.inForce()
  }

  async close(): Promise<void> {
    this.isOpen = false
    removeServerFile(this.config.dataDir)
    await this.keeper.close()
    for (const server of this.servers) {
      server.cut()
      await server.close()
    }
    await this.changing.catch(() => undefined)
    this.tokens.close()
    await this.management.close()
    this.stores.close()
    this.lock.release()
  }
}

/** Whoever reaches a port beyond this machine must have to show a key. */
function checkBind({ server: { host } }: Config, keys: ReadonlyMap<string, ClientKey>): void {
  if (isLoopback(host)) return
  if ([...keys.values()].some(({ kind, projectId }) => kind === 'admin' && projectId === undefined)) return
  throw new ConfigError(
    `Trunkline listens on ${host} only when there is an admin key: anybody who reaches the port could spend your keys. Make one with \`trunkline keys create --name me --kind admin\` and start again, or listen on 127.0.0.1.`,
  )
}
