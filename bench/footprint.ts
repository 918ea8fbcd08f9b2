/** Memory, and how long the event loop kept a call waiting, while as many calls as possible go through. */
import type { LoopDelay } from './contender.ts'
import { drive, mode } from './drive.ts'
import { type Memory, memory, quiet } from './process.ts'
import { checkLoad, type Session, withServer } from './session.ts'

export interface Footprint extends Memory {
  readonly name: string
  readonly connections: number
  /** By mode, of the thread that serves calls. */
  readonly loopDelay: Readonly<Record<string, LoopDelay>>
}

export async function measureFootprint(
  session: Session,
  { calls, warmup }: { readonly calls: number; readonly warmup: number },
): Promise<Footprint[]> {
  const footprints: Footprint[] = []
  for (const connections of [16, 256]) {
    for (const contender of session.contenders) {
      const { name } = contender
      await withServer(session, contender, { probe: true }, async (server) => {
        const loopDelay: Record<string, LoopDelay> = {}
        for (const stream of [false, true]) {
          const job = { calls: stream ? Math.ceil(calls / 3) : calls, warmup, connections, stream }
          // The first reading only forgets the warm-up.
          const { load } = await drive(server, job, async () => server.loopDelay?.())
          const delay = await server.loopDelay?.()
          if (delay) loopDelay[mode(stream)] = delay
          checkLoad(session, `${name}, ${mode(stream)} over ${connections} connections`, load)
        }
        await quiet(server.pid)
        const footprint = { name, connections, ...memory(server.pid), loopDelay }
        footprints.push(footprint)
        session.say(`${connections} connections ${name.padEnd(12)} ${footprint.nowMb.toFixed(0)} MB`)
      })
    }
  }
  return footprints
}
