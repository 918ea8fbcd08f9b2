import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Api, createApi } from '../../src/api/api.ts'
import { type ControlStores, openControlStores } from '../../src/api/control-stores.ts'
import type { ApiDeps } from '../../src/api/deps.ts'
import { summariesOf } from '../../src/api/provider-facts.ts'
import { readConfig } from '../../src/config/load.ts'
import { checkStored, settingViews } from '../../src/config/settings-access.ts'
import type { ClientKey } from '../../src/core/access.ts'
import type { ProjectCredential } from '../../src/core/credential.ts'
import type { ProbeResult } from '../../src/credentials/probe.ts'
import { admit } from '../../src/http/caller.ts'
import { temporaryFolder } from './data-folder.ts'

export interface Asked {
  /** A client key. */
  readonly key?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface Told {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it has asked for.
  readonly body: any
}

export interface TestApi extends AsyncDisposable {
  readonly api: Api
  readonly stores: ControlStores
  readonly dataDir: string
  /** Closes the stores under it. */
  breakDown(): void
  /** What was our own fault. */
  readonly faults: unknown[]
  /** The credentials that were tried. */
  readonly tried: ProjectCredential[]
  ask(method: string, path: string, body?: unknown, asked?: Asked): Promise<Told>
}

export interface ApiSetup {
  readonly environment?: Readonly<Record<string, string>>
  /** The configuration file. */
  readonly file?: string
  readonly flags?: Readonly<Record<string, string>>
  /** What an operator should know. */
  readonly problems?: readonly string[]
  readonly probe?: (credential: ProjectCredential) => ProbeResult
}

/** The API over real stores in a folder of its own, and the configuration that control would have; no server. */
export async function startApi({
  environment = {},
  file,
  flags = {},
  problems = [],
  probe,
}: ApiSetup = {}): Promise<TestApi> {
  const folder = temporaryFolder()
  const dataDir = join(folder.path, 'data')
  mkdirSync(dataDir, { mode: 0o700 })
  if (file !== undefined) writeFileSync(join(dataDir, 'trunkline.yaml'), file)
  const nowUs = (): number => Date.now() * 1000
  const read = (stored?: ReadonlyMap<string, unknown>) =>
    readConfig({ settings: flags, terminal: false, dataDir }, { ...environment, HOME: folder.path }, stored)
  let loaded = read()
  const likeOf = (name: string): string | undefined => loaded.config.providers[name]?.like
  const stores = await openControlStores(dataDir, environment, nowUs, likeOf)
  let keys: ReadonlyMap<string, ClientKey> = new Map()
  let isOpen = true
  const close = (): void => {
    if (isOpen) stores.close()
    isOpen = false
  }
  const faults: unknown[] = []
  const tried: ProjectCredential[] = []
  const deps: ApiDeps = {
    stores,
    admit: (request, scope) => admit(request, scope, { keys, mayBeOpen: true }, nowUs()),
    settings: { list: () => settingViews(loaded), check: checkStored },
    providers: () => summariesOf(loaded.config, (key) => loaded.sources.get(key)?.kind),
    models: () => loaded.config.models,
    health: () => ({ phase: 'running', problems }),
    async probe(_, credential) {
      tried.push(credential)
      return probe?.(credential) ?? { ok: true, status: 200, latencyMs: 12, models: ['m-1'] }
    },
    async changed() {
      const state = await stores.state()
      keys = new Map(state.keys.map((key) => [key.id, key]))
      loaded = read((await stores.settings.all()).values)
    },
    onFault: (error) => faults.push(error),
  }
  const api = createApi(deps)
  return {
    api,
    stores,
    dataDir,
    breakDown: close,
    faults,
    tried,
    async ask(method, path, body, { key, headers } = {}) {
      const request = new Request(`http://localhost${path}`, {
        method,
        headers: {
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(key !== undefined && { authorization: `Bearer ${key}` }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const response = await api.fetch(request)
      const text = await response.text()
      const isJson = response.headers.get('content-type')?.startsWith('application/json')
      return {
        status: response.status,
        headers: response.headers,
        text,
        body: isJson && text !== '' ? JSON.parse(text) : undefined,
      }
    },
    async [Symbol.asyncDispose]() {
      close()
      folder[Symbol.dispose]()
    },
  }
}
