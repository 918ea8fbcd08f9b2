/** The driver's end of the clients. */
import { helper } from './children.ts'
import type { Crowd, CrowdResult } from './clients.ts'

export interface CrowdAtWork {
  /** How many of its calls have an answer that has begun and not ended. */
  answering(): Promise<number>
  /** Breaks off what runs. */
  stop(): void
  /** What came of it, when its last call is over. */
  result(): Promise<CrowdResult>
}

/** Lets clients go at a server. */
export async function crowd(wanted: Crowd): Promise<CrowdAtWork> {
  const clients = helper('clients.ts', [JSON.stringify(wanted)])
  await clients.line()
  clients.say('go')
  return {
    async answering() {
      clients.say('open')
      return (await clients.line<{ answering: number }>()).answering
    },
    stop: () => void clients.say('stop'),
    async result() {
      const result = await clients.line<CrowdResult>()
      await clients.stop()
      return result
    },
  }
}

/** The same to its end. */
export const crowdResult = async (wanted: Crowd): Promise<CrowdResult> => (await crowd(wanted)).result()
