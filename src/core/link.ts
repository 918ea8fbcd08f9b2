import type { Ask, Command, Message, Port, Records, Snapshot } from './border.ts'
import { GatewayError, toGatewayError } from './error.ts'

export interface LinkHandlers {
  readonly snapshot?: (snapshot: Snapshot) => void
  readonly command?: (command: Command) => void
  readonly records?: (records: Records) => void
  /** How each question is answered, by its name. */
  readonly answers?: Readonly<Record<string, (detail: never) => unknown>>
}

/** One end of a channel between two threads: says and asks over it, and hands on what comes. */
export interface Link {
  post(message: Snapshot | Command | Records, transfer?: readonly (ArrayBuffer | Port)[]): void
  /** Waits for the answer until the deadline and not a moment longer: the other side may be gone. */
  ask<T>(question: string, detail: unknown, deadlineMs: number): Promise<T>
  close(): void
}

export function link(port: Port, handlers: LinkHandlers): Link {
  const waiting = new Map<number, { resolve: (answer: never) => void; reject: (error: Error) => void }>()
  let asked = 0

  const answer = async ({ id, question, detail }: Ask): Promise<void> => {
    try {
      const handler = handlers.answers?.[question]
      if (!handler) throw new GatewayError('internal', `Nobody here answers ${question}.`)
      port.postMessage({ kind: 'reply', id, answer: await handler(detail as never) })
    } catch (thrown) {
      const { code, message } = toGatewayError(thrown)
      const said = thrown instanceof Error ? thrown.message : message
      port.postMessage({ kind: 'reply', id, failure: { code, message: said } })
    }
  }

  port.on('message', (message: Message) => {
    switch (message.kind) {
      case 'snapshot':
        return handlers.snapshot?.(message)
      case 'command':
        return handlers.command?.(message)
      case 'records':
        return handlers.records?.(message)
      case 'ask':
        return void answer(message)
      case 'reply': {
        const asker = waiting.get(message.id)
        waiting.delete(message.id)
        if ('failure' in message) asker?.reject(new GatewayError('internal', message.failure.message))
        else asker?.resolve(message.answer as never)
      }
    }
  })

  return {
    post: (message, transfer) => port.postMessage(message, transfer),
    ask: (question, detail, deadlineMs) =>
      new Promise((resolve, reject) => {
        const id = asked++
        const deadline = setTimeout(() => {
          waiting.delete(id)
          reject(new GatewayError('overdue', `${question} was not answered within ${deadlineMs} ms.`))
        }, deadlineMs)
        waiting.set(id, {
          resolve: (value) => {
            clearTimeout(deadline)
            resolve(value)
          },
          reject: (error) => {
            clearTimeout(deadline)
            reject(error)
          },
        })
        port.postMessage({ kind: 'ask', id, question, detail })
      }),
    close: () => port.close(),
  }
}
