import { Control } from '../control/control.ts'
import type { Condition, SnapshotParts } from '../core/border.ts'
import { GatewayError } from '../core/error.ts'
import { type Link, link } from '../core/link.ts'
import type { Health } from '../gateway/health.ts'
import { type StartPart, startInThread } from './part.ts'

/** How long a command that asks for traces may wait for what has just been recorded, and for the query itself. */
const flushDeadlineMs = 1_000
const queryDeadlineMs = 10_000
/** How long whoever changes something waits for the gateway to have heard of it, or for how it is. */
const gatewayDeadlineMs = 2_000

/** Control's thread: the configuration and whoever asks for something other than an answer from a model. */
export const startControl: StartPart = (port, init) => {
  const links = new Map<string, Link>()
  let version = 0

  const post = <P extends keyof SnapshotParts>(part: P, value: SnapshotParts[P]): void =>
    supervisor.post({ kind: 'snapshot', part, version: version++, value } as Parameters<Link['post']>[0])
  const say = (condition: Condition): void => post('condition', condition)

  /** Asks the reader, after what was recorded up to now is stored: who has just made a call will find it. */
  const query = async (name: string, detail: unknown): Promise<unknown> => {
    const [writer, reader] = [links.get('writer'), links.get('reader')]
    if (!writer || !reader) throw new GatewayError('starting', 'The server is still starting.')
    try {
      const barrier = await supervisor.ask<number>('flush', undefined, flushDeadlineMs)
      await writer.ask('stored', { barrier }, flushDeadlineMs)
    } catch {
      // A writer in trouble says so in the server's health; what is stored can be read all the same.
    }
    return reader.ask('query', { name, detail }, queryDeadlineMs)
  }

  const supervisor = link(port, {
    async command(command) {
      switch (command.command) {
        case 'connect':
          links.get(command.to)?.close()
          links.set(command.to, link(command.port, {}))
          return
        case 'stop': {
          const control = await opening.catch(() => undefined)
          await control?.close()
          say({ phase: 'stopped', problems: [] })
          for (const one of links.values()) one.close()
          supervisor.close()
        }
      }
    },
    answers: {
      listening: async ({ gateway }: { gateway: string }) => (await opening).listening(gateway),
      token: async ({ id }: { id: string }) => (await opening).token(id),
      reload: async () => (await opening).reload(),
    },
  })

  const opening = Control.open({
    flags: init.flags,
    environment: init.environment,
    post,
    onProblems: (problems) => say({ phase: 'ready', problems }),
    query,
    health: () => supervisor.ask<Health>('health', undefined, gatewayDeadlineMs),
    inForce: () => supervisor.ask('inForce', undefined, gatewayDeadlineMs),
  })
  opening.catch((thrown: Error) => say({ phase: 'failed', problems: [thrown.message] }))
}

startInThread('control', startControl)
