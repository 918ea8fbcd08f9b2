/** The driver's end of the load generator. */
import { helper } from './children.ts'
import type { Server } from './contender.ts'
import type { Job, Load } from './load.ts'

/**
 * Warms a server up, calls `before`, lets the load go, and answers with what came of it. What `before` answers is handed
 * back, so that a reading at the start stays beside the load that it belongs to.
 */
export async function drive<T>(
  server: Server,
  job: Omit<Job, 'url'>,
  before: () => Promise<T>,
): Promise<{ readonly load: Load; readonly start: T }> {
  const generator = helper('load.ts', [JSON.stringify({ ...job, url: server.url } satisfies Job)])
  await generator.line()
  const start = await before()
  generator.say('go')
  const load = await generator.line<Load>()
  await generator.stop()
  server.calls += job.warmup + job.calls
  return { load, start }
}

export const mode = (stream: boolean) => (stream ? 'stream' : 'whole')
