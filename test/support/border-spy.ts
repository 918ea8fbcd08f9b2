import { MessageChannel } from 'node:worker_threads'
import type { Message, Port, Records, ThreadName } from '../../src/core/border.ts'
import type { Spawn } from '../../src/threads/supervisor.ts'

export interface Passed {
  readonly from: ThreadName
  readonly to: ThreadName
  readonly message: Message
  /** The bytes of records, copied before their slab went on. */
  readonly bytes?: Buffer
}

export interface BorderSpy {
  /** Starts parts as the given one does, with somebody who listens at every port. */
  readonly spawn: Spawn
  /** Everything that crossed a border, in order. */
  readonly passed: readonly Passed[]
  /** From now on no records reach the writer, as if it could not follow. */
  hold(): void
  release(): void
}

/** Listens to what passes between the parts. It stands between two real ports and hands everything on as it came. */
export function borderSpy(spawn: Spawn): BorderSpy {
  const passed: Passed[] = []
  let held: (() => void)[] | undefined

  const saw = (from: ThreadName, to: ThreadName, message: Message): void => {
    const bytes =
      message.kind === 'records' ? Buffer.from(Buffer.from(message.slab).subarray(0, message.used)) : undefined
    passed.push({ from, to, message, ...(bytes && { bytes }) })
  }

  /** A port for the part in place of the one that it was to have from somebody else. */
  const relayed = (far: Port, other: ThreadName, part: ThreadName): Port => {
    const { port1, port2 } = new MessageChannel()
    const near = port1 as unknown as Port
    const hand = (from: ThreadName, to: ThreadName, port: Port) => (message: Message) => {
      saw(from, to, message)
      const go = (): void => port.postMessage(message, transferred(message))
      if (held && to === 'writer' && message.kind === 'records') held.push(go)
      else go()
    }
    far.on('message', hand(other, part, near))
    near.on('message', hand(part, other, far))
    port1.on('close', () => far.close())
    return port2 as unknown as Port
  }

  return {
    passed,
    spawn(init) {
      const running = spawn(init)
      const { part } = init
      const port: Port = {
        postMessage(message, transfer) {
          saw('gateway', part, message)
          if (message.kind !== 'command' || message.command !== 'connect' || part === 'control') {
            return running.port.postMessage(message, transfer)
          }
          const between = relayed(message.port, message.to, part)
          running.port.postMessage({ ...message, port: between }, [between])
        },
        on: (event, listener) =>
          running.port.on(event, (message) => {
            saw(part, 'gateway', message)
            listener(message)
          }),
        close: () => running.port.close(),
      }
      return { port, onGone: (listener) => running.onGone(listener), end: () => running.end() }
    },
    hold() {
      held ??= []
    },
    release() {
      const waiting = held ?? []
      held = undefined
      for (const go of waiting) go()
    },
  }
}

const transferred = (message: Message): ArrayBuffer[] => (message.kind === 'records' ? [(message as Records).slab] : [])
