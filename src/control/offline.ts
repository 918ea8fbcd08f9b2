import type { Api } from '../api/api.ts'
import { type ControlStores, openControlStores } from '../api/control-stores.ts'
import { readConfig } from '../config/load.ts'
import { anybody } from '../core/access.ts'
import type { Project } from '../core/project.ts'
import { TokenKeeper } from '../credentials/token-keeper.ts'
import { systemClock } from '../http/clock.ts'
import { lockFolder } from '../store/lock.ts'
import { Management } from './management.ts'

interface OfflineAnswer {
  readonly status: number
  readonly body: unknown
}

/** The API on the files of a folder, which nobody else has meanwhile. */
export interface OfflineApi {
  fetch(method: string, path: string, body?: unknown): Promise<OfflineAnswer>
  close(): Promise<void>
}

/** Opens a data folder as control would, without a server around it. Whoever may read the files may do everything. */
export async function openOffline(
  dataDir: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<OfflineApi> {
  const loaded = readConfig({ dataDir, settings: {}, terminal: false }, environment)
  const lock = lockFolder(dataDir)
  let opened: ControlStores | undefined
  try {
    const stores = await openControlStores(
      dataDir,
      environment,
      systemClock(),
      (name) => loaded.config.providers[name]?.like,
    )
    opened = stores
    let projects: readonly Project[] = []
    const tokens = new TokenKeeper({ onTokens: () => undefined, nowMs: Date.now, environment })
    const read = async (): Promise<void> => {
      projects = (await stores.state()).projects
    }
    await read()
    const management = new Management({
      stores,
      tokens,
      loaded: () => loaded,
      projects: () => projects,
      health: () => ({ phase: 'stopped', problems: stores.problems() }),
      changed: read,
      onFault(error) {
        throw error
      },
    })
    const api = management.api(() => anybody)
    return {
      fetch: (method, path, body) => asked(api, method, path, body),
      async close() {
        tokens.close()
        await management.close()
        stores.close()
        lock.release()
      },
    }
  } catch (thrown) {
    opened?.close()
    lock.release()
    throw thrown
  }
}

async function asked(api: Pick<Api, 'fetch'>, method: string, path: string, body: unknown): Promise<OfflineAnswer> {
  const json = body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const response = await api.fetch(new Request(`http://localhost${path}`, { method, ...json }))
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
}
