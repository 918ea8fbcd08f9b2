/** What all measures of a run share: who takes part, and what they noticed beside their figures. */
import type { Contender, Server, StartOptions } from './contender.ts'
import type { Load } from './load.ts'

export interface Session {
  /** The floor first, then a build to compare with if there is one, then the build that is judged. */
  readonly contenders: readonly Contender[]
  readonly upstream: Server
  readonly connections: number
  readonly say: (line: string) => void
  /** Calls made and rows found, of all servers that keep records. */
  readonly records: { made: number; found: number }
  /** A figure with a fault behind it says nothing, so these are printed first and fail `--check`. */
  readonly faults: string[]
}

export interface Entrant {
  readonly name: string
  readonly server: Server
}

/** Starts every contender afresh, and afterwards compares its records with the calls that it had. */
export async function withServers<T>(
  session: Session,
  contenders: readonly Contender[],
  options: StartOptions,
  use: (entrants: readonly Entrant[]) => Promise<T>,
): Promise<T> {
  const entrants: Entrant[] = []
  for (const { name, start } of contenders) {
    entrants.push({ name, server: await start(session.upstream.url, options) })
  }
  const result = await use(entrants)
  for (const entrant of entrants) await finish(session, entrant)
  return result
}

/** The same for one contender, while no other is running. */
export const withServer = <T>(
  session: Session,
  contender: Contender,
  options: StartOptions,
  use: (server: Server) => Promise<T>,
): Promise<T> => withServers(session, [contender], options, async ([entrant]) => use((entrant as Entrant).server))

async function finish({ records, faults }: Session, { name, server }: Entrant): Promise<void> {
  const { records: found, complaint } = await server.stop()
  if (complaint) faults.push(`${name}: ${complaint}`)
  if (found === undefined) return
  records.made += server.calls
  records.found += found
  if (found !== server.calls) faults.push(`${name}: ${found} rows in the ledger after ${server.calls} calls.`)
}

export function checkLoad({ faults }: Session, what: string, { calls, failures, firstFailure }: Load): void {
  if (failures > 0) faults.push(`${what}: ${failures} of ${calls} calls failed, the first with: ${firstFailure}`)
}
