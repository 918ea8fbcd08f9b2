import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import type { Flags } from '../config/load.ts'
import type { PartName, Port } from '../core/border.ts'

/** What a part is born with; everything else comes over its link. */
export interface PartInit {
  readonly part: PartName
  readonly flags: Flags
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly counters: SharedArrayBuffer
  /** When this server started; a part may have been born again since. */
  readonly startedUs: number
}

/** Begins the work of a part; it ends with the command `stop`. */
export type StartPart = (port: Port, init: PartInit) => void

/** Runs a part when this file is the entry of its thread; where all parts share one thread, they are called instead. */
export function startInThread(name: PartName, start: StartPart): void {
  const init = workerData as PartInit | null
  if (!isMainThread && parentPort && init?.part === name) start(parentPort as Port, init)
}
