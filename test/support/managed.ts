import { join } from 'node:path'
import { createApi } from '../../src/api/api.ts'
import { apiDoors } from '../../src/api/api-doors.ts'
import { type ControlStores, openControlStores } from '../../src/api/control-stores.ts'
import type { ApiDeps } from '../../src/api/deps.ts'
import { errorBody } from '../../src/api/error-text.ts'
import { summariesOf } from '../../src/api/provider-facts.ts'
import { anybody } from '../../src/core/access.ts'
import type { ProbeResult } from '../../src/credentials/probe.ts'
import { systemClock } from '../../src/http/clock.ts'
import { httpServer } from '../../src/http/server.ts'
import { lockFolder, writeServerFile } from '../../src/store/lock.ts'
import { temporaryFolder } from './data-folder.ts'

export interface Managed extends AsyncDisposable {
  readonly dataDir: string
  readonly stores: ControlStores
  /** What the next test of a credential finds. */
  probe: ProbeResult
  /** What went wrong by our own fault. */
  readonly faults: unknown[]
}

/** The API on the private socket of a folder, as control has it, without a gateway beside it. */
export async function managed(): Promise<Managed> {
  const folder = temporaryFolder()
  const lock = lockFolder(folder.path)
  const clock = systemClock()
  const stores = await openControlStores(folder.path, {}, clock)
  const faults: unknown[] = []
  const onFault = (error: unknown): void => void faults.push(error)
  const deps: ApiDeps = {
    stores,
    admit: () => anybody,
    settings: { list: () => [], check: (_, value) => value },
    providers: () => summariesOf({ providers: {} }, () => undefined),
    models: () => ({}),
    health: () => ({ phase: 'running', problems: [] }),
    probe: async () => one.probe,
    changed: async () => undefined,
    onFault,
  }
  const server = httpServer({
    doors: apiDoors(createApi(deps)),
    admit: () => anybody,
    encodeError: (error) => JSON.stringify(errorBody(error)),
    limits: { headerBytes: 16_384, bodyBytes: 1 << 20, connections: 10, headerMs: 5_000, requestMs: 5_000 },
    hosts: () => [],
    anyAddress: false,
    clock,
    onFault,
  })
  const socket = join(folder.path, 'commands.sock')
  await server.listenAt(socket)
  writeServerFile(folder.path, {
    pid: process.pid,
    version: '0',
    gateway: 'http://127.0.0.1:9090',
    ui: 'http://127.0.0.1:9091',
    socket,
    startedUs: 0,
  })
  const one: Managed = {
    dataDir: folder.path,
    stores,
    probe: { ok: true, status: 200, latencyMs: 12 },
    faults,
    async [Symbol.asyncDispose]() {
      server.cut()
      await server.close()
      stores.close()
      lock.release()
      folder[Symbol.dispose]()
    },
  }
  return one
}
